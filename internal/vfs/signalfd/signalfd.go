// Package signalfd is signalfd(2): signals that are read.
//
// # Model
//
// A File is a set of signals, nothing else: whose signals it shows depends on who asks. Take takes
// one of the asking thread's, or of its process's; the queue that is told of them is the process's
// (signal.State). It has no lock.
package signalfd

import (
	"fmt"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/wait"
)

// File is a signalfd.
type File struct {
	anon.File
	set atomic.Uint64
}

// New makes one for the signals of a set.
func New(set signal.Set) *File {
	f := new(File)
	f.SetMask(set)
	return f
}

// SetMask changes the set.
func (f *File) SetMask(set signal.Set) { f.set.Store(uint64(set &^ signal.Unblockable)) }

// Mask is the set.
func (f *File) Mask() signal.Set { return signal.Set(f.set.Load()) }

// Take takes a signal that is pending for t.
func (f *File) Take(t *signal.Thread) (linux.SignalfdSigInfo, bool) {
	info, ok := t.Take(f.Mask())
	return info.Signalfd(), ok
}

// Poll is for nobody, who has no signals.
func (f *File) Poll() wait.Events { return 0 }

// PollFor gives In if a signal is pending for who.
func (f *File) PollFor(who any) wait.Events {
	if t, ok := who.(*signal.Thread); ok && t.Has(f.Mask()) {
		return wait.In
	}
	return 0
}

// QueueFor is told when a signal is sent to who's process, or to the process whose state who is.
func (f *File) QueueFor(who any) *wait.Queue {
	switch who := who.(type) {
	case *signal.Thread:
		return who.Queue()
	case *signal.State:
		return who.Queue()
	}
	return nil
}

// Info is for /proc/PID/fdinfo.
func (f *File) Info() []byte { return fmt.Appendf(nil, "sigmask:\t%016x\n", f.set.Load()) }
