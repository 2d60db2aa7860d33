package syscalls

import (
	"time"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/signal"
)

func pause(t *proc.Thread, _ Args) (int64, linux.Errno) { return 0, sleepForSignal(t) }

// sleepForSignal sleeps until a signal is there to be taken.
func sleepForSignal(t *proc.Thread) linux.Errno {
	for t.Sleep(time.Time{}) == 0 {
	}
	return proc.ERESTARTNOHAND
}

func rtSigsuspend(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Size(1) != linux.SizeofSigset {
		return 0, linux.EINVAL
	}
	set, e := guest.Get[signal.Set](t.Mem(), a.Addr(0))
	if e != 0 {
		return 0, e
	}
	t.Signals().Suspend(set)
	return 0, sleepForSignal(t)
}

func rtSigtimedwait(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Size(3) != linux.SizeofSigset {
		return 0, linux.EINVAL
	}
	set, e := guest.Get[signal.Set](t.Mem(), a.Addr(0))
	if e != 0 {
		return 0, e
	}
	var end time.Time
	if at := a.Addr(2); at != 0 {
		d, e := getDuration(t, at)
		if e != 0 {
			return 0, e
		}
		end = t.Deadline(d)
	}
	info, e := awaitSignal(t, set, end)
	if e != 0 {
		return 0, e
	}
	if at := a.Addr(1); at != 0 {
		if e := guest.Put(t.Mem(), at, &info); e != 0 {
			return 0, e
		}
	}
	return int64(info.Signo), 0
}

// awaitSignal takes a signal of set, at the latest at end: EAGAIN. Another signal
// interrupts it.
func awaitSignal(t *proc.Thread, set signal.Set, end time.Time) (linux.SigInfo, linux.Errno) {
	s := t.Signals()
	s.Await(set)
	defer s.Await(0)
	for {
		if info, ok := s.Take(set); ok {
			return info, 0
		}
		switch e := t.Sleep(end); e {
		case 0:
		case linux.ETIMEDOUT:
			return linux.SigInfo{}, linux.EAGAIN
		default:
			if info, ok := s.Take(set); ok {
				return info, 0
			}
			if t.OnlyFrozen() {
				return linux.SigInfo{}, proc.ERESTARTNOINTR
			}
			return linux.SigInfo{}, linux.EINTR
		}
	}
}
