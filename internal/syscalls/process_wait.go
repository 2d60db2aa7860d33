package syscalls

import (
	"math"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func wait4(t *proc.Thread, a Args) (int64, linux.Errno) {
	const known = linux.WNOHANG | linux.WUNTRACED | linux.WCONTINUED | linux.WNOTHREAD | linux.WCLONE | linux.WALL
	pid, options := a.Int(0), a.Uint(2)
	if options&^uint32(known) != 0 {
		return 0, linux.EINVAL
	}
	which, id := linux.P_ALL, 0
	switch {
	case pid == math.MinInt32:
		return 0, linux.ESRCH
	case pid < -1:
		which, id = linux.P_PGID, int(-pid)
	case pid == 0:
		which = linux.P_PGID
	case pid > 0:
		which, id = linux.P_PID, int(pid)
	}
	w, e := t.WaitChild(which, id, options|linux.WEXITED)
	if e != 0 || w.PID == 0 {
		return 0, e
	}
	if at := a.Addr(1); at != 0 {
		status := int32(w.Status)
		if e := guest.Put(t.Mem(), at, &status); e != 0 {
			return 0, e
		}
	}
	if e := putRusage(t, a.Addr(3), w.Usage); e != 0 {
		return 0, e
	}
	return int64(w.PID), 0
}

// childInfo is the part of a siginfo that waitid fills in.
type childInfo struct {
	signo, _, code, _ int32 // the second word, si_errno, is 0
	pid               int32
	uid               uint32
	status            int32
}

func waitid(t *proc.Thread, a Args) (int64, linux.Errno) {
	const known = linux.WNOHANG | linux.WNOWAIT | linux.WEXITED | linux.WSTOPPED | linux.WCONTINUED |
		linux.WNOTHREAD | linux.WCLONE | linux.WALL
	which, id, options := int(a.Int(0)), int(a.Int(1)), a.Uint(3)
	switch {
	case options&^uint32(known) != 0, options&(linux.WEXITED|linux.WSTOPPED|linux.WCONTINUED) == 0:
		return 0, linux.EINVAL
	case which < linux.P_ALL || which > linux.P_PIDFD:
		return 0, linux.EINVAL
	case which == linux.P_PID && id <= 0, which >= linux.P_PGID && id < 0:
		return 0, linux.EINVAL
	}
	noWait := options // WNOHANG that makes EAGAIN of nothing
	if which == linux.P_PIDFD {
		_, e := withPidFD(t, int32(id), func(d *fd.Description, p *proc.Process) (int64, linux.Errno) {
			which, id = linux.P_PID, p.PID()
			if d.Nonblocking() {
				options |= linux.WNOHANG
			}
			return 0, 0
		})
		switch e {
		case 0:
		case linux.ESRCH:
			return 0, linux.ECHILD
		default:
			return 0, e
		}
	}
	w, e := t.WaitChild(which, id, options)
	if e == 0 && w.PID == 0 && options != noWait {
		e = linux.EAGAIN
	}
	if e != 0 {
		return 0, e
	}
	if at := a.Addr(2); at != 0 {
		var info childInfo
		if w.PID != 0 {
			info = childInfo{signo: int32(linux.SIGCHLD), code: w.Code, pid: int32(w.PID), uid: w.UID, status: w.Value}
		}
		if e := guest.Put(t.Mem(), at, &info); e != 0 {
			return 0, e
		}
	}
	return 0, putRusage(t, a.Addr(4), w.Usage)
}

// putRusage writes a usage where at points, if it does.
func putRusage(t *proc.Thread, at guest.Addr, u proc.Usage) linux.Errno {
	if at == 0 {
		return 0
	}
	r := u.Rusage()
	return guest.Put(t.Mem(), at, &r)
}
