package proc

import (
	"context"
	"sync"

	"vkernel/internal/linux"
)

// A cut is a moment in which nothing of a container changes: each thread has parked, and what comes from
// outside waits. It is made by a bit of each thread's work, like a stop; but no parent is told, no signal
// ends it, and no guest can see it. Where a thread parks:
//
//	in compiled code    it is kicked out, with all registers kept
//	asleep in a call    it leaves the call as for a signal, without one; the call is done again after the
//	                    cut, with the deadline that it had (Thread.pending)
//	in a handler in Go  it goes on to the end of its call, or to where that sleeps
//	a vfork parent      where it waits for its child (vfork.go)
//
// What is not done by threads (timers, input of the host, signals from outside) is done with
// Outside locked, for reading: the cut holds it for writing.

// freezer is what a table knows of cuts. Guarded by Table.mu.
type freezer struct {
	on      bool
	active  int           // threads that have been started and have not come to their end
	parked  int           // of these, in the cut that there is
	cuts    uint64        // that there were: whom the end of one wakes is not parked in the next
	reached chan struct{} // closed when all have parked; nil: nobody waits for that
}

// Freeze makes a cut, which lasts until Thaw. When ctx is done before all threads have parked, they
// go on, and its error is returned. EBUSY: there is a cut, or one is being made.
func (t *Table) Freeze(ctx context.Context) error {
	reached, e := t.beginFreeze()
	if e != 0 {
		return e
	}
	select {
	case <-reached:
	case <-ctx.Done():
		t.thaw()
		return ctx.Err()
	}
	t.outside.Lock()
	// Who is outside may have started a thread after all had parked, and now no more.
	select {
	case <-t.reachedAgain():
	case <-ctx.Done():
		t.Thaw()
		return ctx.Err()
	}
	return nil
}

// reachedAgain is closed when all have parked, those too that were started after all had.
func (t *Table) reachedAgain() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	reached := make(chan struct{})
	t.freezer.reached = reached
	t.reachedLocked()
	return reached
}

// beginFreeze tells all threads to park.
func (t *Table) beginFreeze() (reached <-chan struct{}, e linux.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &t.freezer
	if f.on {
		return nil, linux.EBUSY
	}
	f.on, f.reached = true, make(chan struct{})
	reached = f.reached
	for _, th := range t.threads {
		th.sig.Raise(workFreeze)
	}
	t.reachedLocked()
	return reached, 0
}

// Thaw ends the cut that Freeze has made.
func (t *Table) Thaw() {
	t.outside.Unlock()
	t.thaw()
}

func (t *Table) thaw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freezer.on, t.freezer.reached, t.freezer.parked = false, nil, 0
	t.freezer.cuts++
	for _, th := range t.threads {
		th.sig.Work.And(^uint32(workFreeze))
		th.waiter.Wake()
	}
}

// Outside is to be held for reading by whatever changes objects of the container and is no thread of it.
// A thread never takes it; who holds it waits for nothing that takes long.
func (t *Table) Outside() *sync.RWMutex { return &t.outside }

// reachedLocked tells who waits for the cut that all have parked.
func (t *Table) reachedLocked() {
	if f := &t.freezer; f.reached != nil && f.parked == f.active {
		close(f.reached)
		f.reached = nil
	}
}

// startedLocked counts a thread that will run from now on.
func (t *Table) startedLocked(th *Thread) {
	t.freezer.active++
	if t.freezer.on {
		th.sig.Raise(workFreeze)
	}
}

// finishedLocked counts one out that changes nothing any more.
func (t *Table) finishedLocked() {
	t.freezer.active--
	t.reachedLocked()
}

// finished is finishedLocked.
func (t *Table) finished() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finishedLocked()
}

// parkCall parks the thread between two runs of compiled code, in the call c, which has been made and may have to
// be made again.
//
//go:noinline
func (t *Thread) parkCall(c call) call {
	t.pending = &c
	t.park()
	t.pending = nil
	return c
}

// park sleeps while there is a cut.
func (t *Thread) park() {
	tb := t.Table()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	f := &tb.freezer
	if !f.on {
		t.sig.Work.And(^uint32(workFreeze))
		return
	}
	t.waiter.Clear() // what woke it is seen to in its work after the cut
	t.cpu.Stand()
	f.parked++
	cut := f.cuts
	tb.reachedLocked()
	for f.cuts == cut {
		tb.mu.Unlock()
		t.waiter.Sleep(-1)
		tb.mu.Lock()
	}
	t.cpu.Awake()
}

// OnlyFrozen reports whether nothing but a cut interrupts the thread: a call that a signal would end goes on
// after it. It returns ERESTARTNOINTR then.
func (t *Thread) OnlyFrozen() bool { return t.sig.Work.Load() == workFreeze && !t.cut }

// TakeProgress is how much a call, which was interrupted by a cut and is done again, has done before; 0 when it
// is asked a second time. KeepProgress keeps that for the next time. (A signal makes it return what it has
// done; a cut must not be seen.)
func (t *Thread) TakeProgress() (n int64) {
	if t.again {
		n = t.progress
	}
	t.progress = 0
	return n
}

// KeepProgress is for a call that returns ERESTARTNOINTR.
func (t *Thread) KeepProgress(n int64) { t.progress = n }
