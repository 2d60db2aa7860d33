package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

func getrlimit(t *proc.Thread, a Args) (int64, linux.Errno) {
	return changeLimit(t, t.Process(), a.Uint(0), 0, a.Addr(1))
}

func setrlimit(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Addr(1) == 0 {
		return 0, linux.EFAULT
	}
	return changeLimit(t, t.Process(), a.Uint(0), a.Addr(1), 0)
}

func prlimit64(t *proc.Thread, a Args) (int64, linux.Errno) {
	p, e := target(t, a.Int(0))
	if e != 0 {
		return 0, e
	}
	if c, o := t.Cred(), p.Cred(); p != t.Process() && !c.Super() &&
		(uids(o) != ids{c.UID, c.UID, c.UID} || gids(o) != ids{c.GID, c.GID, c.GID}) {
		return 0, linux.EPERM
	}
	return changeLimit(t, p, a.Uint(1), a.Addr(2), a.Addr(3))
}

// changeLimit sets a limit from where set points and writes the old one where old points.
func changeLimit(t *proc.Thread, p *proc.Process, resource uint32, set, old guest.Addr) (int64, linux.Errno) {
	if resource >= linux.RLIM_NLIMITS {
		return 0, linux.EINVAL
	}
	before := p.Limits().Get(int(resource))
	if set != 0 {
		v, e := guest.Get[linux.Rlimit](t.Mem(), set)
		if e != 0 {
			return 0, e
		}
		if before, e = p.SetLimit(int(resource), v, t.Cred().Super()); e != 0 {
			return 0, e
		}
	}
	if old != 0 {
		return 0, guest.Put(t.Mem(), old, &before)
	}
	return 0, 0
}

func getrusage(t *proc.Thread, a Args) (int64, linux.Errno) {
	var u proc.Usage
	switch a.Int(0) {
	case linux.RUSAGE_SELF:
		u = t.Process().Usage()
	case linux.RUSAGE_THREAD:
		u = t.Usage()
	case linux.RUSAGE_CHILDREN:
		u = t.Process().ChildUsage()
	default:
		return 0, linux.EINVAL
	}
	r := u.Rusage()
	return 0, guest.Put(t.Mem(), a.Addr(1), &r)
}
