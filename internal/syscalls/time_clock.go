package syscalls

import (
	"time"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// uptime is the time since the container's start: its CLOCK_MONOTONIC and CLOCK_BOOTTIME.
func uptime(t *proc.Thread) time.Duration { return time.Since(t.Table().Started()) }

// wall is the time since the epoch.
func wall() time.Duration { return time.Duration(time.Now().UnixNano()) }

// now reads a clock. A negative id names the CPU clock of a process.
func now(t *proc.Thread, clock int32) (time.Duration, linux.Errno) {
	switch clock {
	case linux.CLOCK_REALTIME, linux.CLOCK_REALTIME_COARSE, linux.CLOCK_REALTIME_ALARM, linux.CLOCK_TAI,
		linux.CLOCK_MONOTONIC, linux.CLOCK_MONOTONIC_RAW, linux.CLOCK_MONOTONIC_COARSE,
		linux.CLOCK_BOOTTIME, linux.CLOCK_BOOTTIME_ALARM:
		return t.Table().Clock(clock), 0
	case linux.CLOCK_PROCESS_CPUTIME_ID:
		return t.Process().CPU().Total(), 0
	case linux.CLOCK_THREAD_CPUTIME_ID:
		return t.CPU().Ran(), 0
	}
	if clock >= 0 {
		return 0, linux.EINVAL
	}
	c, e := cpuClock(t, clock)
	return c.Shows(), e
}

// The low bits of a negative id say which CPU clock it is.
const (
	cpuVirtual = 1 // user time; 0 and 2 are both
	cpuMask    = 3
	cpuThread  = 4 // of a thread, not of a process
)

// cpuClock finds the CPU clock of any process, or of a thread of the own one.
func cpuClock(t *proc.Thread, clock int32) (proc.Clock, linux.Errno) {
	id := ^(clock >> 3)
	if clock&cpuMask == cpuMask {
		return proc.Clock{}, linux.EINVAL
	}
	if clock&cpuThread != 0 {
		of, e := targetThread(t, id)
		if e != 0 || of.Process() != t.Process() {
			return proc.Clock{}, linux.EINVAL
		}
		return proc.ThreadClock(of), 0
	}
	p, e := target(t, id)
	switch {
	case e != 0:
		return proc.Clock{}, linux.EINVAL
	case clock&cpuMask == cpuVirtual:
		return proc.UserClock(p), 0
	}
	return proc.ProcessClock(p), 0
}

// sleepable reports whether clock_nanosleep and timers can use a clock.
func sleepable(clock int32) bool {
	switch clock {
	case linux.CLOCK_REALTIME, linux.CLOCK_MONOTONIC, linux.CLOCK_BOOTTIME, linux.CLOCK_TAI,
		linux.CLOCK_REALTIME_ALARM, linux.CLOCK_BOOTTIME_ALARM:
		return true
	}
	return false
}

func putTimespec(t *proc.Thread, at guest.Addr, d time.Duration) linux.Errno {
	ts := linux.ToTimespec(d)
	return guest.Put(t.Mem(), at, &ts)
}

// getDuration reads a relative timespec.
func getDuration(t *proc.Thread, at guest.Addr) (time.Duration, linux.Errno) {
	ts, e := guest.Get[linux.Timespec](t.Mem(), at)
	if e != 0 {
		return 0, e
	}
	return ts.Duration()
}

func clockGettime(t *proc.Thread, a Args) (int64, linux.Errno) {
	d, e := now(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	return 0, putTimespec(t, a.Addr(1), d)
}

func clockGetres(t *proc.Thread, a Args) (int64, linux.Errno) {
	if _, e := now(t, a.Int(0)); e != 0 {
		return 0, e
	}
	if a.Addr(1) == 0 {
		return 0, 0
	}
	res := time.Nanosecond
	if c := a.Int(0); c == linux.CLOCK_REALTIME_COARSE || c == linux.CLOCK_MONOTONIC_COARSE {
		res = 4 * time.Millisecond
	}
	return 0, putTimespec(t, a.Addr(1), res)
}

func gettimeofday(t *proc.Thread, a Args) (int64, linux.Errno) {
	if at := a.Addr(0); at != 0 {
		tv := linux.ToTimeval(wall())
		if e := guest.Put(t.Mem(), at, &tv); e != 0 {
			return 0, e
		}
	}
	if at := a.Addr(1); at != 0 {
		return 0, guest.Put(t.Mem(), at, &linux.Timezone{})
	}
	return 0, 0
}

func timeCall(t *proc.Thread, a Args) (int64, linux.Errno) {
	sec := time.Now().Unix()
	if at := a.Addr(0); at != 0 {
		if e := guest.Put(t.Mem(), at, &sec); e != 0 {
			return 0, e
		}
	}
	return sec, 0
}

func times(t *proc.Thread, a Args) (int64, linux.Errno) {
	if at := a.Addr(0); at != 0 {
		own, kids := t.Process().CPU(), t.Process().ChildUsage()
		tms := linux.Tms{
			Utime: linux.ToTicks(own.User), Stime: linux.ToTicks(own.System),
			Cutime: linux.ToTicks(kids.User), Cstime: linux.ToTicks(kids.System),
		}
		if e := guest.Put(t.Mem(), at, &tms); e != 0 {
			return 0, e
		}
	}
	return linux.ToTicks(uptime(t)), 0
}
