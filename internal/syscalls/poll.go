package syscalls

import (
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Further event bits of poll(2). Data here has one band, so that they go with In and Out.
const (
	pollRdnorm = 0x040
	pollWrnorm = 0x100
)

// pollfd is struct pollfd.
type pollfd struct {
	FD      int32
	Events  uint16
	Revents uint16
}

// watched is a descriptor that poll or select looks at.
type watched struct {
	d      *fd.Description // nil: not watched
	wanted wait.Events
	entry  wait.Entry
}

// wants turns the bits of poll(2) into ours.
func wants(events uint16) wait.Events {
	w := wait.Events(events) & (wait.In | wait.Pri | wait.Out | wait.RdHup)
	if events&pollRdnorm != 0 {
		w |= wait.In
	}
	if events&pollWrnorm != 0 {
		w |= wait.Out
	}
	return w
}

// has turns the events that hold into the bits that were asked for.
func has(now wait.Events, asked uint16) uint16 {
	bits := uint16(now)
	if now&wait.In != 0 {
		bits |= pollRdnorm
	}
	if now&wait.Out != 0 {
		bits |= pollWrnorm
	}
	return bits & (asked | uint16(wait.Err|wait.Hup|wait.Nval))
}

// waitAny calls look, which counts what is ready, until it finds something, the deadline
// has passed (0), or a signal comes. Before the first sleep the thread is registered with
// every queue, and it looks again. poll false: only one look.
func waitAny(t *proc.Thread, ws []watched, poll bool, deadline time.Time, look func() int64) (int64, linux.Errno) {
	n := look()
	if n > 0 || !poll {
		return n, 0
	}
	w := t.Waiter()
	w.Clear()
	defer unwatch(ws)
	for i := range ws {
		if ws[i].d != nil {
			if q := vfs.QueueFor(ws[i].d.File(), t.Signals()); q != nil {
				q.Add(&ws[i].entry, w, ws[i].wanted)
			}
		}
	}
	for {
		if n := look(); n > 0 {
			return n, 0
		}
		switch e := t.Sleep(deadline); e {
		case 0:
		case linux.ETIMEDOUT:
			return 0, 0
		default:
			return 0, e
		}
	}
}

func unwatch(ws []watched) {
	for i := range ws {
		ws[i].entry.Remove()
	}
}

func release(ws []watched) {
	for i := range ws {
		if ws[i].d != nil {
			ws[i].d.Unref()
		}
	}
}

func poll(t *proc.Thread, a Args) (int64, linux.Errno) {
	ms := a.Int(2)
	deadline := never
	if ms > 0 {
		deadline = t.Deadline(time.Duration(ms) * time.Millisecond)
	}
	n, e := pollFiles(t, a.Addr(0), a[1], ms != 0, deadline)
	if e == proc.ERESTARTSYS {
		e = proc.ERESTART_RESTARTBLOCK
	}
	return n, e
}

func ppoll(t *proc.Thread, a Args) (int64, linux.Errno) {
	sleeps, deadline, e := timeout(t, a.Addr(2))
	if e != 0 {
		return 0, e
	}
	if a.Addr(3) != 0 && a.Size(4) != 8 {
		return 0, linux.EINVAL
	}
	return masked(t, a.Addr(3), func() (int64, linux.Errno) {
		return pollFiles(t, a.Addr(0), a[1], sleeps, deadline)
	})
}

// timeout reads an optional relative timespec: none means to wait for ever, zero not at all.
func timeout(t *proc.Thread, addr guest.Addr) (sleeps bool, deadline time.Time, e linux.Errno) {
	if addr == 0 {
		return true, never, 0
	}
	ts, e := guest.Get[linux.Timespec](t.Mem(), addr)
	if e != 0 {
		return false, never, e
	}
	d, e := ts.Duration()
	if e != 0 || d == 0 {
		return false, never, e
	}
	return true, t.Deadline(d), 0
}

// masked does f under the signal mask at addr, if there is one: a handler that interrupts
// f runs under it and returns to the old one (package signal).
func masked(t *proc.Thread, addr guest.Addr, f func() (int64, linux.Errno)) (int64, linux.Errno) {
	if addr != 0 {
		set, e := guest.Get[uint64](t.Mem(), addr)
		if e != 0 {
			return 0, e
		}
		t.Signals().Suspend(signal.Set(set))
	}
	n, e := f()
	if e == proc.ERESTARTSYS {
		return 0, proc.ERESTARTNOHAND
	}
	if addr != 0 {
		t.Signals().Resume()
	}
	return n, e
}

// pollFiles is poll(2) on the array at addr.
func pollFiles(t *proc.Thread, addr guest.Addr, count uint64, sleeps bool, deadline time.Time) (int64, linux.Errno) {
	if count > t.Limit(linux.RLIMIT_NOFILE) || count > fd.MaxFiles {
		return 0, linux.EINVAL
	}
	fds, e := guest.GetSlice[pollfd](t.Mem(), addr, int(count))
	if e != 0 {
		return 0, e
	}
	n, e := pollList(t, fds, sleeps, deadline)
	if e != 0 {
		return 0, e
	}
	return n, putRevents(t.Mem(), addr, fds)
}

// pollList is poll(2) on an array of the kernel's own.
func pollList(t *proc.Thread, fds []pollfd, sleeps bool, deadline time.Time) (int64, linux.Errno) {
	ws := make([]watched, len(fds))
	defer release(ws)
	for i := range fds {
		if fds[i].FD >= 0 {
			ws[i].d, _ = t.Files().Get(fds[i].FD)
			ws[i].wanted = wants(fds[i].Events)
			t.AtInput(fds[i].FD)
		}
	}
	return waitAny(t, ws, sleeps, deadline, func() int64 { return lookPoll(t, fds, ws) })
}

// lookPoll fills in the events that hold and counts the descriptors that have any.
func lookPoll(t *proc.Thread, fds []pollfd, ws []watched) (ready int64) {
	for i := range fds {
		fds[i].Revents = 0
		switch {
		case fds[i].FD < 0:
			continue
		case ws[i].d == nil:
			fds[i].Revents = uint16(wait.Nval)
		default:
			fds[i].Revents = has(vfs.PollFor(ws[i].d.File(), t.Signals()), fds[i].Events)
		}
		if fds[i].Revents != 0 {
			ready++
		}
	}
	return ready
}

// putRevents stores the revents members, and nothing else.
func putRevents(m guest.Memory, addr guest.Addr, fds []pollfd) linux.Errno {
	return m.View(addr, 8*len(fds), func(p []byte) linux.Errno {
		for i := range fds {
			p[8*i+6], p[8*i+7] = byte(fds[i].Revents), byte(fds[i].Revents>>8)
		}
		return 0
	})
}
