package syscalls

import (
	"time"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// alarm rounds what was left to seconds, never to 0 while a timer runs.
func alarm(t *proc.Thread, a Args) (int64, linux.Errno) {
	left, _ := t.Process().SetInterval(linux.ITIMER_REAL, time.Duration(a.Uint(0))*time.Second, 0)
	sec := (left + time.Second/2) / time.Second
	if left > 0 && sec == 0 {
		sec = 1
	}
	return int64(sec), 0
}

func putItimerval(t *proc.Thread, at guest.Addr, left, period time.Duration) linux.Errno {
	v := linux.Itimerval{Interval: linux.ToTimeval(period), Value: linux.ToTimeval(left)}
	if left > 0 && v.Value == (linux.Timeval{}) {
		v.Value.Usec = 1 // it does run
	}
	return guest.Put(t.Mem(), at, &v)
}

func getitimer(t *proc.Thread, a Args) (int64, linux.Errno) {
	which := a.Uint(0)
	if which > linux.ITIMER_PROF {
		return 0, linux.EINVAL
	}
	left, period := t.Process().Interval(int(which))
	return 0, putItimerval(t, a.Addr(1), left, period)
}

func setitimer(t *proc.Thread, a Args) (int64, linux.Errno) {
	which := a.Uint(0)
	if which > linux.ITIMER_PROF {
		return 0, linux.EINVAL
	}
	var v linux.Itimerval
	if at := a.Addr(1); at != 0 {
		var e linux.Errno
		if v, e = guest.Get[linux.Itimerval](t.Mem(), at); e != 0 {
			return 0, e
		}
	}
	d, e := v.Value.Duration()
	if e != 0 {
		return 0, e
	}
	period, e := v.Interval.Duration()
	if e != 0 {
		return 0, e
	}
	left, oldPeriod := t.Process().SetInterval(int(which), d, period)
	if at := a.Addr(2); at != 0 {
		return 0, putItimerval(t, at, left, oldPeriod)
	}
	return 0, 0
}

// timerClock gives what a timer on a clock runs on.
func timerClock(t *proc.Thread, clock int32) (proc.Clock, linux.Errno) {
	switch {
	case sleepable(clock):
		return proc.Clock{}, 0
	case clock == linux.CLOCK_PROCESS_CPUTIME_ID:
		return proc.ProcessClock(t.Process()), 0
	case clock == linux.CLOCK_THREAD_CPUTIME_ID:
		return proc.ThreadClock(t), 0
	case clock < 0:
		return cpuClock(t, clock)
	}
	return proc.Clock{}, linux.EINVAL
}

func timerCreate(t *proc.Thread, a Args) (int64, linux.Errno) {
	clock := a.Int(0)
	on, e := timerClock(t, clock)
	if e != 0 {
		return 0, e
	}
	event := linux.SigEvent{Notify: linux.SIGEV_SIGNAL, Signo: int32(linux.SIGALRM)}
	if at := a.Addr(1); at != 0 {
		var e linux.Errno
		if event, e = guest.Get[linux.SigEvent](t.Mem(), at); e != 0 {
			return 0, e
		}
	}
	sig := linux.Signal(event.Signo)
	switch event.Notify {
	case linux.SIGEV_NONE:
		sig = 0
	case linux.SIGEV_SIGNAL, linux.SIGEV_THREAD_ID:
		if !sig.Valid() {
			return 0, linux.EINVAL
		}
	default:
		return 0, linux.EINVAL
	}
	var to *proc.Thread
	if event.Notify == linux.SIGEV_THREAD_ID {
		var e linux.Errno
		if to, e = targetThread(t, event.TID); e != 0 || event.TID == 0 || to.Process() != t.Process() {
			return 0, linux.EINVAL
		}
	}
	id, e := t.Process().NewTimer(clock, on, sig, uint64(event.Value), to)
	if e != 0 {
		return 0, e
	}
	if e := guest.Put(t.Mem(), a.Addr(2), &id); e != 0 {
		t.Process().DeleteTimer(id)
		return 0, e
	}
	return 0, 0
}

func putItimerspec(t *proc.Thread, at guest.Addr, left, period time.Duration) linux.Errno {
	return guest.Put(t.Mem(), at, &linux.Itimerspec{Interval: linux.ToTimespec(period), Value: linux.ToTimespec(left)})
}

func timerSettime(t *proc.Thread, a Args) (int64, linux.Errno) {
	id, absolute := a.Int(0), a.Uint(1)&linux.TIMER_ABSTIME != 0
	v, e := guest.Get[linux.Itimerspec](t.Mem(), a.Addr(2))
	if e != 0 {
		return 0, e
	}
	d, e := v.Value.Duration()
	if e != 0 {
		return 0, e
	}
	period, e := v.Interval.Duration()
	if e != 0 {
		return 0, e
	}
	set := t.Process().SetTimer
	if absolute && d > 0 {
		set = t.Process().SetTimerAt
	}
	left, oldPeriod, e := set(id, d, period)
	if e == 0 && a.Addr(3) != 0 {
		e = putItimerspec(t, a.Addr(3), left, oldPeriod)
	}
	return 0, e
}

func timerGettime(t *proc.Thread, a Args) (int64, linux.Errno) {
	left, period, e := t.Process().Timer(a.Int(0))
	if e != 0 {
		return 0, e
	}
	return 0, putItimerspec(t, a.Addr(1), left, period)
}

func timerGetoverrun(t *proc.Thread, a Args) (int64, linux.Errno) {
	n, e := t.Process().Overrun(a.Int(0))
	return int64(n), e
}

func timerDelete(t *proc.Thread, a Args) (int64, linux.Errno) {
	return 0, t.Process().DeleteTimer(a.Int(0))
}
