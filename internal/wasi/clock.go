package wasi

import (
	"crypto/rand"
	"math"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/syscalls"
)

// Clocks have Linux's numbers. There are no others.
const maxClock = linux.CLOCK_THREAD_CPUTIME_ID

func clockResGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if a.Uint(0) > maxClock {
		return 0, linux.EINVAL
	}
	res := uint64(1)
	return 0, guest.Put(t.Mem(), a.Addr(1), &res)
}

func clockTimeGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	if a.Uint(0) > maxClock {
		return 0, linux.EINVAL
	}
	now, e := syscalls.Clock(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	ns := uint64(now)
	return 0, guest.Put(t.Mem(), a.Addr(2), &ns)
}

// randomGet fills all of the buffer: it has no short result. If a signal comes, it is done
// again from the start.
func randomGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	const few = 256
	if n := a.Size(1); n <= few {
		var buf [few]byte
		rand.Read(buf[:n])
		return int64(n), t.Mem().Write(a.Addr(0), buf[:n])
	}
	for done := uint32(0); done < a.Size(1); {
		n, e := getrandom(t, proc.Args{uint64(a.Addr(0) + done), uint64(min(a.Size(1)-done, math.MaxInt32))})
		if e != 0 {
			return 0, e
		}
		if t.Interrupted() {
			return 0, proc.ERESTARTNOINTR
		}
		if done += uint32(n); done < a.Size(1) && a.Addr(0)+done < a.Addr(0) {
			return 0, linux.EFAULT
		}
		if n == 0 {
			return 0, linux.EFAULT
		}
	}
	return int64(a.Size(1)), 0
}

// signals are Linux's by the numbers of WASI.
var signals = [...]linux.Signal{
	0, linux.SIGHUP, linux.SIGINT, linux.SIGQUIT, linux.SIGILL, linux.SIGTRAP, linux.SIGABRT, linux.SIGBUS,
	linux.SIGFPE, linux.SIGKILL, linux.SIGUSR1, linux.SIGSEGV, linux.SIGUSR2, linux.SIGPIPE, linux.SIGALRM,
	linux.SIGTERM, linux.SIGCHLD, linux.SIGCONT, linux.SIGSTOP, linux.SIGTSTP, linux.SIGTTIN, linux.SIGTTOU,
	linux.SIGURG, linux.SIGXCPU, linux.SIGXFSZ, linux.SIGVTALRM, linux.SIGPROF, linux.SIGWINCH, linux.SIGIO,
	linux.SIGPWR, linux.SIGSYS,
}

// procRaise is raise(3).
func procRaise(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	n := a.Uint(0)
	if n >= uint32(len(signals)) {
		return 0, linux.EINVAL
	}
	return tkill(t, proc.Args{uint64(t.TID()), uint64(signals[n])})
}
