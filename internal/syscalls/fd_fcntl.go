package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
	pipes "vkernel/internal/vfs/pipe"
)

func fcntl(t *proc.Thread, a Args) (int64, linux.Errno) {
	n, cmd, arg := a.Int(0), a.Int(1), a.Uint(2)
	switch cmd {
	case linux.F_DUPFD, linux.F_DUPFD_CLOEXEC:
		if uint64(arg) >= t.Limit(linux.RLIMIT_NOFILE) {
			if _, e := t.Files().Cloexec(n); e != 0 {
				return 0, e
			}
			return 0, linux.EINVAL
		}
		return duplicate(t, n, int(arg), cmd == linux.F_DUPFD_CLOEXEC)
	case linux.F_GETFD:
		on, e := t.Files().Cloexec(n)
		if on {
			return linux.FD_CLOEXEC, e
		}
		return 0, e
	case linux.F_SETFD:
		return 0, t.Files().SetCloexec(n, arg&linux.FD_CLOEXEC != 0)
	}
	d, e := t.Files().GetAny(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	if cmd == linux.F_GETFL {
		return int64(d.Flags()), 0
	}
	if d.Flags()&linux.O_PATH != 0 {
		return 0, linux.EBADF
	}
	return fcntlFile(t, d, n, cmd, arg)
}

// fcntlFile serves the commands that act on the description or its file.
func fcntlFile(t *proc.Thread, d *fd.Description, n, cmd int32, arg uint32) (int64, linux.Errno) {
	switch cmd {
	case linux.F_SETFL:
		setAsync(t, d, n, arg&linux.O_ASYNC != 0)
		return 0, d.SetFlags(arg)
	case linux.F_GETLK, linux.F_OFD_GETLK:
		return 0, getLock(t, d, arg, cmd == linux.F_OFD_GETLK)
	case linux.F_SETLK, linux.F_OFD_SETLK:
		return 0, setLock(t, d, arg, cmd == linux.F_OFD_SETLK, false)
	case linux.F_SETLKW, linux.F_OFD_SETLKW:
		return 0, setLock(t, d, arg, cmd == linux.F_OFD_SETLKW, true)
	case linux.F_GETPIPE_SZ, linux.F_SETPIPE_SZ:
		end, ok := d.File().(*pipes.End)
		if !ok {
			return 0, linux.EBADF
		}
		if cmd == linux.F_GETPIPE_SZ {
			return int64(end.Pipe().Capacity()), 0
		}
		size, e := end.Pipe().SetCapacity(int(int32(arg)))
		return int64(size), e
	case linux.F_ADD_SEALS, linux.F_GET_SEALS:
		return sealFile(d, cmd, arg)
	case linux.F_SETOWN, linux.F_GETOWN, linux.F_SETOWN_EX, linux.F_GETOWN_EX, linux.F_SETSIG, linux.F_GETSIG:
		return fcntlOwner(t, d, cmd, arg)
	case linux.F_NOTIFY:
		return 0, notifyDirectory(t, d, n, arg)
	case linux.F_GETLEASE:
		return linux.F_UNLCK, 0
	}
	return 0, linux.EINVAL
}

// sealFile serves the seals of memory files; others have none.
func sealFile(d *fd.Description, cmd int32, seals uint32) (int64, linux.Errno) {
	s, ok := d.File().(vfs.Sealer)
	switch {
	case cmd == linux.F_ADD_SEALS && !d.Writable():
		return 0, linux.EPERM
	case !ok:
		return 0, linux.EINVAL
	case cmd == linux.F_GET_SEALS:
		return int64(s.Seals()), 0
	}
	return 0, s.AddSeals(seals)
}
