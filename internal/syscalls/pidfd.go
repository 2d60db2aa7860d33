package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// pidfdName is what a link to a pidfd shows.
const pidfdName = "anon_inode:[pidfd]"

// pidfdOpen makes a descriptor for a process. It is always close-on-exec.
func pidfdOpen(t *proc.Thread, a Args) (int64, linux.Errno) {
	pid, flags := a.Int(0), a.Uint(1)
	if flags&^linux.PIDFD_NONBLOCK != 0 || pid <= 0 {
		return 0, linux.EINVAL
	}
	p, ok := t.Table().Find(int(pid))
	if !ok || p.State() == proc.Dead {
		if _, thread := t.Table().FindThread(int(pid)); thread {
			return 0, linux.ENOENT
		}
		return 0, linux.ESRCH
	}
	return installAnon(t, proc.NewPidFD(p), pidfdName, linux.O_RDWR|linux.O_CLOEXEC|flags)
}

// withPidFD does f with the process of a pidfd. EBADF: it is none.
func withPidFD(t *proc.Thread, n int32, f func(d *fd.Description, p *proc.Process) (int64, linux.Errno)) (int64, linux.Errno) {
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	pidfd, ok := d.File().(*proc.PidFD)
	if !ok {
		return 0, linux.EBADF
	}
	p, e := pidfd.Process()
	if e != 0 {
		return 0, e
	}
	return f(d, p)
}

func pidfdSendSignal(t *proc.Thread, a Args) (int64, linux.Errno) {
	sig, flags := a.Signal(1), a.Uint(3)
	switch flags {
	case 0, linux.PIDFD_SIGNAL_THREAD, linux.PIDFD_SIGNAL_THREAD_GROUP, linux.PIDFD_SIGNAL_PROCESS_GROUP:
	default:
		return 0, linux.EINVAL
	}
	return withPidFD(t, a.Int(0), func(_ *fd.Description, p *proc.Process) (int64, linux.Errno) {
		info := sender(t, sig, linux.SI_USER)
		if at := a.Addr(2); at != 0 {
			given, e := guest.Get[linux.SigInfo](t.Mem(), at)
			switch {
			case e != 0:
				return 0, e
			case given.Signo != int32(sig):
				return 0, linux.EINVAL
			case p != t.Process() && (given.Code >= 0 || given.Code == linux.SI_TKILL):
				return 0, linux.EPERM
			}
			info = given
		}
		if !validSignal(sig) {
			return 0, linux.EINVAL
		}
		switch flags {
		case linux.PIDFD_SIGNAL_PROCESS_GROUP:
			return 0, sendAll(t, t.Table().Members(int(p.Group())), info)
		case linux.PIDFD_SIGNAL_THREAD:
			return 0, sendThread(t, int32(p.PID()), int32(p.PID()), info)
		}
		return 0, send(t, p, info)
	})
}

// pidfdGetfd copies a descriptor of another process, if the caller might trace it.
func pidfdGetfd(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Uint(2) != 0 {
		return 0, linux.EINVAL
	}
	return withPidFD(t, a.Int(0), func(_ *fd.Description, p *proc.Process) (int64, linux.Errno) {
		if !t.Process().MayInspect(p) {
			return 0, linux.EPERM
		}
		d, e := p.Take(a.Int(1))
		if e != 0 {
			return 0, e
		}
		if !t.Process().MayInspect(p) { // it has become another program meanwhile, whose descriptor this may be
			d.Unref()
			return 0, linux.EPERM
		}
		n, e := t.Files().Install(d, 0, true, t.Limit(linux.RLIMIT_NOFILE))
		return int64(n), e
	})
}
