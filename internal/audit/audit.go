// Package audit records what the hash rule decided: who wanted to execute which content, and
// what came of it.
//
// # Model
//
// The kernel gives each decision as a Record to a Sink. A Log is the Sink that writes a file
// of JSON lines, one for each record; Summarize reads such a file.
//
// Guests make decisions as fast as they can call execve, so a Log is bounded: a budget of
// bytes a second for what was allowed, one for what was refused (a flood of the one does
// not hide the other), and a limit of the whole. What is over a budget is counted, and the
// next line that fits is preceded by one that says how many are missing: a reader always
// knows whether a file is complete.
//
// # Rules
//
// A line is one Write to the Log's writer, so that a file opened with O_APPEND, a pipe or a
// socket carries whole lines. Log.mu is held over that Write and is below every lock of the
// kernel. An error of the writer is kept, and given by Close; it does not stop the container.
package audit

import "time"

// Actions of a Record.
const (
	Exec  = "exec"  // execve and its kin: the content was to be executed
	Check = "check" // AT_EXECVE_CHECK: an interpreter asks before it reads
)

// Record is one decision.
type Record struct {
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	PID    int       `json:"pid"`              // in the container
	From   string    `json:"from,omitempty"`   // entry that the process was running; "" for the first program
	Path   string    `json:"path"`             // as the process sees it
	SHA256 string    `json:"sha256,omitempty"` // hexadecimal; "" if the file was refused before it was read
	// Of what was allowed: the entry that it starts, or for a script its interpreter.
	Entry       string `json:"entry,omitempty"`
	Interpreter string `json:"interpreter,omitempty"`
	Warm        bool   `json:"warm,omitempty"` // it starts from a warm image
	// Of what was refused: why. Allowed records have none.
	Reason string `json:"reason,omitempty"`
}

// Allowed reports whether the decision was to let it run.
func (r *Record) Allowed() bool { return r.Reason == "" }

// Sink takes records. It is used by many goroutines, and does not wait for long.
type Sink interface {
	Decided(r Record)
}
