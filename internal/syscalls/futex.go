package syscalls

import (
	"time"

	"vkernel/internal/futex"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func futexCall(t *proc.Thread, a Args) (int64, linux.Errno) {
	op := a.Uint(1)
	clockRealtime := op&linux.FUTEX_CLOCK_REALTIME != 0
	addr, value := a.Addr(0), a.Uint(2)
	if addr%4 != 0 {
		return 0, linux.EINVAL
	}
	switch cmd := op &^ (linux.FUTEX_PRIVATE_FLAG | linux.FUTEX_CLOCK_REALTIME); cmd {
	case linux.FUTEX_WAIT:
		return futexWait(t, addr, value, linux.FUTEX_BITSET_MATCHANY, a.Addr(3), false, false)
	case linux.FUTEX_WAIT_BITSET:
		return futexWait(t, addr, value, a.Uint(5), a.Addr(3), true, clockRealtime)
	case linux.FUTEX_WAKE:
		return int64(t.Table().Futexes.Wake(key(t, addr), count(value), linux.FUTEX_BITSET_MATCHANY)), 0
	case linux.FUTEX_WAKE_BITSET:
		if a.Uint(5) == 0 {
			return 0, linux.EINVAL
		}
		return int64(t.Table().Futexes.Wake(key(t, addr), count(value), a.Uint(5))), 0
	case linux.FUTEX_REQUEUE, linux.FUTEX_CMP_REQUEUE:
		return futexRequeue(t, a, cmd == linux.FUTEX_CMP_REQUEUE)
	}
	return 0, linux.ENOSYS
}

func key(t *proc.Thread, addr guest.Addr) futex.Key { return futex.Key{Space: t.Space(), Addr: addr} }

// count is a number of threads to wake: Linux wakes at least one.
func count(v uint32) int { return int(max(1, int32(v))) }

// holds checks that the word at addr has a value: EAGAIN if not.
func holds(t *proc.Thread, addr guest.Addr, value uint32) linux.Errno {
	now, e := guest.Get[uint32](t.Mem(), addr)
	if e == 0 && now != value {
		e = linux.EAGAIN
	}
	return e
}

func futexWait(t *proc.Thread, addr guest.Addr, value, bits uint32, timeout guest.Addr, absolute, realtime bool) (int64, linux.Errno) {
	if bits == 0 {
		return 0, linux.EINVAL
	}
	end, e := futexDeadline(t, timeout, absolute, realtime)
	if e != 0 {
		return 0, e
	}
	var w futex.Waiter
	set := &t.Table().Futexes
	if e := set.Enter(&w, key(t, addr), bits, t.Waiter(), func() linux.Errno { return holds(t, addr, value) }); e != 0 {
		return 0, e
	}
	for {
		e := t.Sleep(end)
		if set.Woken(&w) {
			return 0, 0
		}
		if e == 0 {
			continue
		}
		if set.Leave(&w) {
			return 0, 0
		}
		if e == proc.ERESTARTSYS && !end.IsZero() {
			e = proc.ERESTART_RESTARTBLOCK
		}
		return 0, e
	}
}

// futexDeadline reads a time-out: relative, or absolute on one of two clocks.
func futexDeadline(t *proc.Thread, at guest.Addr, absolute, realtime bool) (end time.Time, e linux.Errno) {
	if at == 0 {
		return end, 0
	}
	d, e := getDuration(t, at)
	if e != 0 {
		return end, e
	}
	switch {
	case !absolute:
		return t.Deadline(d), 0
	case realtime:
		d -= wall()
	default:
		d -= uptime(t)
	}
	return time.Now().Add(d), 0
}

func futexRequeue(t *proc.Thread, a Args, compare bool) (int64, linux.Errno) {
	if int32(a.Uint(2)) < 0 || int32(a.Uint(3)) < 0 || a.Addr(4)%4 != 0 {
		return 0, linux.EINVAL
	}
	n, e := t.Table().Futexes.Requeue(key(t, a.Addr(0)), key(t, a.Addr(4)), int(a.Uint(2)), int(a.Uint(3)), func() linux.Errno {
		if !compare {
			return 0
		}
		return holds(t, a.Addr(0), a.Uint(5))
	})
	return int64(n), e
}
