// Package signal is what a process and its threads know about signals: actions, masks and
// what is pending. It decides whom a signal reaches and which comes next; it does not stop,
// kill or call anybody. Package proc does that.
//
// # Model
//
// A State belongs to a process: its actions and the signals sent to the process. A Thread
// belongs to a thread: its mask and the signals sent to it alone. Send puts a signal where
// it belongs and alarms a thread that can take it: the thread's Work gets the bit Pending,
// and its alarm function ends a sleep or a run of compiled code. The thread then asks Next,
// until there is nothing more to do.
//
// Work is the one word that a thread looks at between two system calls; package proc keeps
// further bits in it.
//
// # Lock order
//
// State.mu guards all of a process and its threads, as in Linux. Under it only alarm
// functions are called, which take the locks of package wait and of the engine.
package signal

import (
	"math/bits"

	"vkernel/internal/linux"
)

// Set is a set of signals; bit s-1 stands for signal s.
type Set uint64

// Of makes a set.
func Of(signals ...linux.Signal) (s Set) {
	for _, sig := range signals {
		s |= bit(sig)
	}
	return s
}

func bit(s linux.Signal) Set { return 1 << (uint(s-1) & 63) }

// Has reports whether sig is in s.
func (s Set) Has(sig linux.Signal) bool { return s&bit(sig) != 0 }

// First is the lowest signal in s, 0 if s is empty.
func (s Set) First() linux.Signal {
	if s == 0 {
		return 0
	}
	return linux.Signal(bits.TrailingZeros64(uint64(s)) + 1)
}

var (
	// Unblockable can be neither blocked, caught nor ignored.
	Unblockable = Of(linux.SIGKILL, linux.SIGSTOP)
	// stops stop a process by default.
	stops = Of(linux.SIGSTOP, linux.SIGTSTP, linux.SIGTTIN, linux.SIGTTOU)
	// ignored are ignored by default. SIGCONT continues when it is sent, not when taken.
	ignored = Of(linux.SIGCHLD, linux.SIGURG, linux.SIGWINCH, linux.SIGCONT)
	// synchronous come first, since they are about the instruction to be run next.
	synchronous = Of(linux.SIGSEGV, linux.SIGBUS, linux.SIGILL, linux.SIGTRAP, linux.SIGFPE, linux.SIGSYS)
)

// Disposition is what is to be done with a signal.
type Disposition uint8

// Dispositions.
const (
	Terminate Disposition = iota
	Ignore
	Stop
	Handle
)

// Action is what a process does on a signal.
type Action struct {
	Handler  uint32 // linux.SIG_DFL, linux.SIG_IGN, or an index into table 0
	Restorer uint32 // kept for who asks, never used
	Flags    uint64
	Mask     Set
}

// Disposition is what the action means for sig.
func (a *Action) Disposition(sig linux.Signal) Disposition {
	switch {
	case a.Handler == linux.SIG_IGN:
		return Ignore
	case a.Handler != linux.SIG_DFL:
		return Handle
	case ignored.Has(sig):
		return Ignore
	case stops.Has(sig):
		return Stop
	}
	return Terminate
}
