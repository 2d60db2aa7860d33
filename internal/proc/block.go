package proc

import (
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Block does try until it returns anything but EAGAIN, and sleeps between: until q tells
// one of the events in mask, a signal comes (ERESTARTSYS), or the deadline has passed
// (ETIMEDOUT; the zero time is none). It is how every system call waits.
func (t *Thread) Block(q *wait.Queue, mask wait.Events, deadline time.Time, try func() (int64, linux.Errno)) (int64, linux.Errno) {
	n, e := try()
	if e != linux.EAGAIN {
		return n, e
	}
	var entry wait.Entry
	t.waiter.Clear()
	if q != nil {
		q.Add(&entry, t.waiter, mask)
		defer entry.Remove()
	}
	for {
		if n, e = try(); e != linux.EAGAIN {
			return n, e
		}
		if e := t.Sleep(deadline); e != 0 {
			return 0, e
		}
	}
}

// Waiter is what the thread sleeps on, for calls that register with several queues: they
// call Clear, Add, look at the world, then Sleep, and look again.
func (t *Thread) Waiter() *wait.Waiter { return t.waiter }

// Sleep sleeps until the thread's waiter is woken, and then returns 0. It returns
// ERESTARTSYS if there is a signal to take, ETIMEDOUT if the deadline has passed.
func (t *Thread) Sleep(deadline time.Time) linux.Errno {
	if t.Interrupted() {
		return ERESTARTSYS
	}
	d := time.Duration(-1)
	if !deadline.IsZero() {
		if d = time.Until(deadline); d <= 0 {
			return linux.ETIMEDOUT
		}
	}
	t.rest(d)
	return 0
}

// AwaitFutex sleeps until the thread, which has entered the queue of a futex, is woken: 0; or
// it leaves the queue with the errno of Sleep.
func (t *Thread) AwaitFutex(deadline time.Time) linux.Errno {
	for {
		e := t.Sleep(deadline)
		switch {
		case t.futex.Woken():
			return 0
		case e != 0 && !t.futex.Leave():
			return e
		}
	}
}

// Interrupted reports whether the thread has a signal to take, or has to stop or exit, or its
// call is to be cut short.
func (t *Thread) Interrupted() bool { return t.sig.Work.Load() != 0 || t.cut }

// rest is the one place where a thread sleeps. It holds no run slot meanwhile, and its clock stands still.
func (t *Thread) rest(d time.Duration) {
	t.cpu.Sleep(d)
}
