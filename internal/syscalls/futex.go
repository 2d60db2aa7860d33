package syscalls

import (
	"time"

	"vkernel/internal/futex"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// futexCall is futex(2), without the operations that no C library uses (those that move
// waiters to a lock).
func futexCall(t *proc.Thread, a Args) (int64, linux.Errno) {
	op := a.Uint(1)
	realtime := op&linux.FUTEX_CLOCK_REALTIME != 0
	private := op&linux.FUTEX_PRIVATE_FLAG != 0
	addr, value := a.Addr(0), a.Uint(2)
	if addr%4 != 0 {
		return 0, linux.EINVAL
	}
	cmd := op &^ (linux.FUTEX_PRIVATE_FLAG | linux.FUTEX_CLOCK_REALTIME)
	if realtime && cmd != linux.FUTEX_WAIT && cmd != linux.FUTEX_WAIT_BITSET && cmd != linux.FUTEX_LOCK_PI2 {
		return 0, linux.ENOSYS
	}
	k := t.Space().Futex(addr, private)
	switch cmd {
	case linux.FUTEX_WAIT:
		return futexWait(t, k, addr, value, futex.Any, a.Addr(3), false, false)
	case linux.FUTEX_WAIT_BITSET:
		return futexWait(t, k, addr, value, a.Uint(5), a.Addr(3), true, realtime)
	case linux.FUTEX_WAKE:
		return int64(k.Wake(count(value), futex.Any)), 0
	case linux.FUTEX_WAKE_BITSET:
		if a.Uint(5) == 0 {
			return 0, linux.EINVAL
		}
		return int64(k.Wake(count(value), a.Uint(5))), 0
	case linux.FUTEX_REQUEUE, linux.FUTEX_CMP_REQUEUE:
		return futexRequeue(t, a, k, private, cmd == linux.FUTEX_CMP_REQUEUE)
	case linux.FUTEX_WAKE_OP:
		return futexWakeOp(t, a, k, private)
	case linux.FUTEX_LOCK_PI:
		return futexLock(t, futex.Lock{Key: k, Mem: t.Mem(), At: addr}, a.Addr(3), true)
	case linux.FUTEX_LOCK_PI2:
		return futexLock(t, futex.Lock{Key: k, Mem: t.Mem(), At: addr}, a.Addr(3), realtime)
	case linux.FUTEX_TRYLOCK_PI:
		return 0, futex.Lock{Key: k, Mem: t.Mem(), At: addr}.Acquire(nil, uint32(t.TID()), nil, nil)
	case linux.FUTEX_UNLOCK_PI:
		return 0, futex.Lock{Key: k, Mem: t.Mem(), At: addr}.Release(uint32(t.TID()))
	}
	return 0, linux.ENOSYS
}

// count is a number of threads to wake: Linux wakes at least one.
func count(v uint32) int { return int(max(1, int32(v))) }

func futexWait(t *proc.Thread, k futex.Key, addr guest.Addr, value, bits uint32, timeout guest.Addr, absolute, realtime bool) (int64, linux.Errno) {
	if bits == 0 {
		return 0, linux.EINVAL
	}
	end, e := futexDeadline(t, timeout, absolute, realtime)
	if e != 0 {
		return 0, e
	}
	e = k.Enter(t.Futex(), bits, t.Waiter(), func() linux.Errno {
		now, e := guest.LoadUint32(t.Mem(), addr)
		if e == 0 && now != value {
			e = linux.EAGAIN
		}
		return e
	})
	if e != 0 {
		return 0, e
	}
	e = t.AwaitFutex(end)
	if e == proc.ERESTARTSYS && !end.IsZero() {
		e = proc.ERESTART_RESTARTBLOCK
	}
	return 0, e
}

// futexLock takes a lock whose waiters are given it in turn.
func futexLock(t *proc.Thread, l futex.Lock, timeout guest.Addr, realtime bool) (int64, linux.Errno) {
	end, e := futexDeadline(t, timeout, true, realtime)
	if e != 0 {
		return 0, e
	}
	e = l.Acquire(t.Futex(), uint32(t.TID()), t.Waiter(), func(tid uint32) bool {
		_, ok := t.Table().FindThread(int(tid))
		return ok
	})
	if e != linux.EAGAIN {
		return 0, e
	}
	e = t.AwaitFutex(end)
	if e == proc.ERESTARTSYS {
		e = proc.ERESTARTNOINTR
	}
	return 0, e
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

func futexRequeue(t *proc.Thread, a Args, from futex.Key, private, compare bool) (int64, linux.Errno) {
	if int32(a.Uint(2)) < 0 || int32(a.Uint(3)) < 0 || a.Addr(4)%4 != 0 {
		return 0, linux.EINVAL
	}
	to := t.Space().Futex(a.Addr(4), private)
	n, e := t.Table().Futexes.Requeue(from, to, int(a.Uint(2)), int(a.Uint(3)), func() linux.Errno {
		if !compare {
			return 0
		}
		now, e := guest.LoadUint32(t.Mem(), a.Addr(0))
		if e == 0 && now != a.Uint(5) {
			e = linux.EAGAIN
		}
		return e
	})
	return int64(n), e
}

func futexWakeOp(t *proc.Thread, a Args, first futex.Key, private bool) (int64, linux.Errno) {
	at := a.Addr(4)
	if at%4 != 0 {
		return 0, linux.EINVAL
	}
	second := t.Space().Futex(at, private)
	n, e := t.Table().Futexes.WakeOp(first, second, count(a.Uint(2)), count(a.Uint(3)), t.Mem(), at, futex.Change(a.Uint(5)))
	return int64(n), e
}
