package vfs

import (
	"sync/atomic"

	"vkernel/internal/mutant"
)

// Text is a regular file that counts who writes to it, so that what is being executed is
// not written to and what is being written to is not executed (ETXTBSY).
type Text interface {
	Node
	// DenyWrite keeps the file from being opened for writing, and from being truncated, until
	// AllowWrite. It reports false, and does nothing, while the file is open for writing.
	DenyWrite() bool
	AllowWrite()
}

// Uncounted is a File that can stop counting as a writer: a memfd may be executed while it is
// open for writing.
type Uncounted interface {
	Uncounted()
}

// Writers can be embedded in a node, which is then a Text: its Open and SetAttr say BeginWrite
// and EndWrite. The zero value is a file that nobody writes to.
type Writers struct {
	n atomic.Int64 // above 0: so many write to it; below: it is so many times executed
}

// BeginWrite counts one writer, unless the file is executed.
func (w *Writers) BeginWrite() bool { return w.step(1) }

// EndWrite ends what BeginWrite began.
func (w *Writers) EndWrite() { w.n.Add(-1) }

// DenyWrite counts one execution, unless somebody writes.
func (w *Writers) DenyWrite() bool { return w.step(-1) }

// AllowWrite ends what DenyWrite began.
func (w *Writers) AllowWrite() { w.n.Add(1) }

// Count is the state of the counter, Restore sets it again: when a file is saved and loaded.
func (w *Writers) Count() int64 { return w.n.Load() }

// Restore sets what Count gave.
func (w *Writers) Restore(n int64) { w.n.Store(n) }

// step goes further away from zero on the side of by.
func (w *Writers) step(by int64) bool {
	for {
		n := w.n.Load()
		if n*by < 0 && !mutant.Off("exec.busy") {
			return false
		}
		if w.n.CompareAndSwap(n, n+by) {
			return true
		}
	}
}
