package proc

import (
	"time"

	"vkernel/internal/futex"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// callWait is the index of a call that is memory.atomic.wait.
const callWait = -2

// longest is a time-out that nobody lives to see; later moments do not fit into a time.
const longest = 100 * 365 * 24 * time.Hour

// What memory.atomic.wait gives.
const (
	waitWoken    = 0
	waitNotEqual = 1
	waitTimedOut = 2
)

// atomicWait serves memory.atomic.wait32 and wait64. Both wait in the queues of futexes.
func (t *Thread) atomicWait() (result uint64, alive bool) {
	c := call{index: callWait, args: Args(t.inst.Args()[:6])}
	c.n, c.e = t.waitWord(&c.args)
	c.deadline = t.deadline
	if t.sig.Work.Load() == 0 && c.e == 0 && !t.cpu.Away() {
		return uint64(c.n), true
	}
	return t.attendWait(c)
}

// attendWait is attend for a wait: a handler that ran does not end it, and a bad address is
// a trap.
func (t *Thread) attendWait(c call) (result uint64, alive bool) {
	if c.e == linux.EFAULT {
		return t.fault(uint32(c.args[0]))
	}
	return t.attend(c)
}

// waitWord waits as the arguments of ExitWait say: address, expected value, time-out in
// nanoseconds, width.
func (t *Thread) waitWord(a *Args) (int64, linux.Errno) {
	at := a[0]
	if at >= guest.Size {
		return 0, linux.EFAULT
	}
	var end time.Time
	if timeout := a.Long(2); timeout >= 0 {
		end = t.Deadline(min(time.Duration(timeout), longest))
	}
	k := t.space.Futex(guest.Addr(at), false)
	e := k.Enter(&t.futex, futex.Any, t.waiter, func() linux.Errno {
		now, e := uint64(0), linux.Errno(0)
		if a[3] == 8 {
			now, e = guest.LoadUint64(t.mem, guest.Addr(at))
		} else {
			var word uint32
			word, e = guest.LoadUint32(t.mem, guest.Addr(at))
			now = uint64(word)
		}
		if e == 0 && now != a[1] {
			e = linux.EAGAIN
		}
		return e
	})
	if e == 0 {
		e = t.AwaitFutex(end)
	}
	switch e {
	case 0:
		return waitWoken, 0
	case linux.EAGAIN:
		return waitNotEqual, 0
	case linux.ETIMEDOUT:
		return waitTimedOut, 0
	case ERESTARTSYS:
		return 0, ERESTARTNOINTR // no guest sees that it was interrupted
	}
	return 0, e
}

// atomicNotify serves memory.atomic.notify.
func (t *Thread) atomicNotify() (result uint64, alive bool) {
	at, n := t.inst.Arg(0), uint32(t.inst.Arg(1))
	if at >= guest.Size {
		return t.fault(uint32(at))
	}
	woken := t.space.Futex(guest.Addr(at), false).Wake(int(n), futex.Any)
	return uint64(woken), true
}
