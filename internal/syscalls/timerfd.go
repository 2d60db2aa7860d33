package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs/timerfd"
)

func timerfdCreate(t *proc.Thread, a Args) (int64, linux.Errno) {
	clock, flags := a.Int(0), a.Uint(1)
	if flags&^(linux.TFD_CLOEXEC|linux.TFD_NONBLOCK) != 0 {
		return 0, linux.EINVAL
	}
	switch clock {
	case linux.CLOCK_REALTIME, linux.CLOCK_MONOTONIC, linux.CLOCK_BOOTTIME:
	case linux.CLOCK_REALTIME_ALARM, linux.CLOCK_BOOTTIME_ALARM:
		if !t.Cred().Super() {
			return 0, linux.EPERM
		}
	default:
		return 0, linux.EINVAL
	}
	return installAnon(t, timerfd.New(t.Table(), clock), "anon_inode:[timerfd]", linux.O_RDWR|flags)
}

// withTimer does f with a timerfd: EINVAL if it is none.
func withTimer(t *proc.Thread, n int32, f func(*timerfd.File) linux.Errno) (int64, linux.Errno) {
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	timer, ok := d.File().(*timerfd.File)
	if !ok {
		return 0, linux.EINVAL
	}
	return 0, f(timer)
}

func timerfdSettime(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags := a.Uint(1)
	v, e := guest.Get[linux.Itimerspec](t.Mem(), a.Addr(2))
	if e != 0 {
		return 0, e
	}
	if flags&^(linux.TFD_TIMER_ABSTIME|linux.TFD_TIMER_CANCEL_ON_SET) != 0 {
		return 0, linux.EINVAL
	}
	var s timerfd.Setting
	if s.Value, e = v.Value.Duration(); e != 0 {
		return 0, e
	}
	if s.Interval, e = v.Interval.Duration(); e != 0 {
		return 0, e
	}
	return withTimer(t, a.Int(0), func(f *timerfd.File) linux.Errno {
		old := f.Set(s, flags)
		if at := a.Addr(3); at != 0 {
			return putItimerspec(t, at, old.Value, old.Interval)
		}
		return 0
	})
}

func timerfdGettime(t *proc.Thread, a Args) (int64, linux.Errno) {
	return withTimer(t, a.Int(0), func(f *timerfd.File) linux.Errno {
		s := f.Get()
		return putItimerspec(t, a.Addr(1), s.Value, s.Interval)
	})
}
