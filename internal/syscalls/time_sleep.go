package syscalls

import (
	"time"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// sleepUntil sleeps to the end, or until a signal comes.
func sleepUntil(t *proc.Thread, end time.Time) linux.Errno {
	for {
		switch e := t.Sleep(end); e {
		case 0:
		case linux.ETIMEDOUT:
			return 0
		default:
			return e
		}
	}
}

// sleepFor is a relative sleep. If a signal comes, what is left is written to rest.
func sleepFor(t *proc.Thread, d time.Duration, rest guest.Addr) (int64, linux.Errno) {
	end := t.Deadline(d)
	if sleepUntil(t, end) == 0 {
		return 0, 0
	}
	if rest != 0 {
		if e := putTimespec(t, rest, max(0, time.Until(end))); e != 0 {
			return 0, e
		}
	}
	return 0, proc.ERESTART_RESTARTBLOCK
}

func nanosleep(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, e := getDuration(t, a.Addr(0))
	if e != 0 {
		return 0, e
	}
	return sleepFor(t, d, a.Addr(1))
}

func clockNanosleep(t *proc.Thread, a Args) (int64, linux.Errno) {
	clock, flags := a.Int(0), a.Uint(1)
	d, e := getDuration(t, a.Addr(2))
	if !sleepable(clock) {
		on, bad := timerClock(t, clock)
		switch {
		case bad != 0:
			return 0, bad
		case clock == linux.CLOCK_THREAD_CPUTIME_ID:
			return 0, linux.EINVAL // one's own time does not go on while one sleeps
		case e != 0:
			return 0, e
		}
		return sleepOn(t, on, d, flags, a.Addr(3))
	}
	if e != 0 {
		return 0, e
	}
	if flags&linux.TIMER_ABSTIME == 0 {
		return sleepFor(t, d, a.Addr(3))
	}
	at, e := now(t, clock)
	if e != 0 {
		return 0, e
	}
	if e := sleepUntil(t, time.Now().Add(d-at)); e != 0 {
		return 0, proc.ERESTARTNOHAND
	}
	return 0, 0
}

// sleepOn is clock_nanosleep on a CPU clock.
func sleepOn(t *proc.Thread, clock proc.Clock, d time.Duration, flags uint32, rest guest.Addr) (int64, linux.Errno) {
	absolute := flags&linux.TIMER_ABSTIME != 0
	if before := t.TakeProgress(); before != 0 {
		d = time.Duration(before)
	} else if !absolute {
		d += clock.Shows()
	}
	e := t.Until(clock, d)
	if e != 0 && t.OnlyFrozen() {
		t.KeepProgress(int64(d))
		return 0, proc.ERESTARTNOINTR
	}
	switch {
	case e == 0:
		return 0, 0
	case absolute:
		return 0, proc.ERESTARTNOHAND
	case rest != 0:
		if e := putTimespec(t, rest, max(0, d-clock.Shows())); e != 0 {
			return 0, e
		}
	}
	return 0, linux.EINTR
}
