package proc

import (
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/policy"
	"vkernel/internal/vfs"
)

// Programs is the hash rule: it decides what a content may be executed as.
type Programs interface {
	// Decide says what a content starts, or why it may not start: then reason is not empty. Every way
	// to start code asks it, each time: execve in all its forms, AT_EXECVE_CHECK, the first program.
	Decide(r Request) (target Target, reason string)
}

// Request is one question to the hash rule.
type Request struct {
	Digest [32]byte // SHA-256 of the content
	From   *Target  // what the process executes that asks; nil before the first program
	// Again is a program that runs already, in a container that is restored: its entry, and those that hold its policy.
	Again *Held
}

// Held is what a program runs as: an entry, and those with inherit that hold its policy.
type Held struct {
	Entry string
	By    []string
}

// Target is what a content starts.
type Target struct {
	Program *Program // nil for a script
	Thunk   uint32   // of the exported function to call
	Entry   string   // id of the manifest's entry; "" for a script
	// Prepare, if any, readies a process for the program's ABI after execve has replaced it.
	Prepare func(t *Thread)
	// Warmth keeps the image from which it can start warm; nil: it has none.
	Warmth Warmth
	// Securebits are set in a process that starts the program (SECBIT_*).
	Securebits uint32

	Script      bool
	Interpreter string // that the first line of a script has to name
}

// Program is native code that is ready to run: its imports are bound, under a policy. What
// else the policy holds, a process is held by for as long as it runs the program, and so are
// those that it forks.
type Program struct {
	Code   *engine.Program
	Calls  []Handler      // by import index
	Policy *policy.Policy // nil: none
}

// ImportName names an import, for messages.
func (p *Program) ImportName(index int) string {
	if index < 0 || index >= len(p.Code.Meta.Imports) {
		return "no call"
	}
	i := &p.Code.Meta.Imports[index]
	return i.Module + "." + i.Name
}

// Image is what a process executes, since its last execve. What others see of it is
// immutable.
type Image struct {
	Target Target
	digest [32]byte // of the program's file
	Exe    vfs.Path // of the program; for a script, of its interpreter. Nobody writes to it
	Argv   []string
	Env    []string

	scripts []script   // that led to the program, which its interpreters are to read
	via     [][32]byte // digests of the scripts that the program may be reading: whoever revives it asks about them, too
	held    []string   // of an image that is loaded: the entries that hold its policy

	copied uint64 // which copy of a frozen process it is, of all that the table has made; 0: none

	size  int64        // of Argv and Env, see Arguments
	users atomic.Int32 // processes
}
