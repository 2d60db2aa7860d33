package syscalls

import (
	"math"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/wait"
)

func epollCreate(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Int(0) <= 0 {
		return 0, linux.EINVAL
	}
	return newEpoll(t, 0)
}

func epollCreate1(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Uint(0)&^linux.EPOLL_CLOEXEC != 0 {
		return 0, linux.EINVAL
	}
	return newEpoll(t, a.Uint(0))
}

func newEpoll(t *proc.Thread, flags uint32) (int64, linux.Errno) {
	return installAnon(t, epoll.New(t.Table()), "anon_inode:[eventpoll]", linux.O_RDWR|flags)
}

func epollCtl(t *proc.Thread, a Args) (int64, linux.Errno) {
	op, n := a.Int(1), a.Int(2)
	var ev linux.EpollEvent
	if op != linux.EPOLL_CTL_DEL {
		var e linux.Errno
		if ev, e = guest.Get[linux.EpollEvent](t.Mem(), a.Addr(3)); e != 0 {
			return 0, e
		}
	}
	return withTwo(t, a.Int(0), n, func(in, d *fd.Description) (int64, linux.Errno) {
		set, ok := in.File().(*epoll.Set)
		if !ok {
			if _, e := epoll.Pollable(d.File(), t.Signals()); e != 0 {
				return 0, e
			}
			return 0, linux.EINVAL
		}
		return 0, set.Control(op, d, n, ev, t.Signals())
	})
}

// sleepMillis turns a time-out in ms into whether the call sleeps, and until when.
func sleepMillis(t *proc.Thread, ms int32) (sleeps bool, deadline time.Time) {
	if ms > 0 {
		deadline = t.Deadline(time.Duration(ms) * time.Millisecond)
	}
	return ms != 0, deadline
}

func epollWait(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline := sleepMillis(t, a.Int(3))
	n, e := waitEpoll(t, a, sleeps, deadline)
	if e == proc.ERESTARTSYS {
		e = proc.ERESTART_RESTARTBLOCK // EINTR if a handler runs, whatever its flags say
	}
	return n, e
}

func epollPwait(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline := sleepMillis(t, a.Int(3))
	return maskedEpoll(t, a, sleeps, deadline)
}

func epollPwait2(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline, e := timeout(t, a.Addr(3))
	if e != 0 {
		return 0, e
	}
	return maskedEpoll(t, a, sleeps, deadline)
}

// maskedEpoll waits under the mask of arguments 4 and 5.
func maskedEpoll(t *proc.Thread, a Args, sleeps bool, deadline time.Time) (int64, linux.Errno) {
	if a.Addr(4) != 0 && a.Size(5) != linux.SizeofSigset {
		return 0, linux.EINVAL
	}
	return masked(t, a.Addr(4), func() (int64, linux.Errno) { return waitEpoll(t, a, sleeps, deadline) })
}

// waitEpoll is epoll_wait(2) on arguments 0 to 2.
func waitEpoll(t *proc.Thread, a Args, sleeps bool, deadline time.Time) (int64, linux.Errno) {
	most := a.Int(2)
	if most <= 0 || most > math.MaxInt32/linux.SizeofEpollEvent {
		return 0, linux.EINVAL
	}
	d, e := t.Files().Get(a.Int(0))
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	set, ok := d.File().(*epoll.Set)
	if !ok {
		return 0, linux.EINVAL
	}
	n, e := takeEvents(t, set, a.Addr(1), int(most))
	if e == linux.EAGAIN && sleeps {
		n, e = sleepEpoll(t, set, a.Addr(1), int(most), deadline)
	}
	set.HandOn()
	if e == linux.EAGAIN {
		e = 0
	}
	return n, e
}

// sleepEpoll waits for events; none by the deadline is EAGAIN.
func sleepEpoll(t *proc.Thread, set *epoll.Set, addr guest.Addr, most int, deadline time.Time) (int64, linux.Errno) {
	var entry wait.Entry
	t.Waiter().Clear()
	set.Waiters().AddExclusive(&entry, t.Waiter(), wait.In)
	defer entry.Remove()
	for {
		if n, e := takeEvents(t, set, addr, most); e != linux.EAGAIN {
			return n, e
		}
		switch e := t.Sleep(deadline); e {
		case 0:
		case linux.ETIMEDOUT:
			return 0, linux.EAGAIN
		default:
			return 0, e
		}
	}
}

// takeEvents stores what is ready; nothing is EAGAIN. Events that were stored before memory
// ended count.
func takeEvents(t *proc.Thread, set *epoll.Set, addr guest.Addr, most int) (n int64, e linux.Errno) {
	size := min(most*linux.SizeofEpollEvent, guest.Size-int(addr))
	e = t.Mem().View(addr, size, func(p []byte) linux.Errno {
		if set.Take(t.Signals(), p, size/linux.SizeofEpollEvent, &n); n == 0 {
			return linux.EAGAIN
		}
		return 0
	})
	if n > 0 {
		e = 0
	}
	return n, e
}
