package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Attributes of files, changed.

func chmod(t *proc.Thread, a Args) (int64, linux.Errno) {
	return chmodAt(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), 0)
}

func fchmod(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(c *vfs.Context, d *fd.Description) linux.Errno {
		return c.Chmod(d.Path(), "", a.Uint(1), self)
	})
}

// fchmodat is fchmodat2 too: programs that import the former with three arguments pass no
// flags.
func fchmodat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return chmodAt(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

func chmodAt(t *proc.Thread, dirfd int32, addr guest.Addr, mode, flags uint32) (int64, linux.Errno) {
	return named(t, dirfd, addr, flags, func(c *vfs.Context, p *place) linux.Errno {
		return c.Chmod(p.at, p.name, mode, flags)
	})
}

// onFile does f with an open description, not O_PATH.
func onFile(t *proc.Thread, n int32, f func(c *vfs.Context, d *fd.Description) linux.Errno) (int64, linux.Errno) {
	d, e := t.Files().Get(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return 0, f(t.FS(), d)
}

func chown(t *proc.Thread, a Args) (int64, linux.Errno) {
	return chownAt(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2), 0)
}

func lchown(t *proc.Thread, a Args) (int64, linux.Errno) {
	return chownAt(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2), linux.AT_SYMLINK_NOFOLLOW)
}

func fchown(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(c *vfs.Context, d *fd.Description) linux.Errno {
		return c.Chown(d.Path(), "", a.Uint(1), a.Uint(2), self)
	})
}

func fchownat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return chownAt(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3), a.Uint(4))
}

func chownAt(t *proc.Thread, dirfd int32, addr guest.Addr, uid, gid, flags uint32) (int64, linux.Errno) {
	return named(t, dirfd, addr, flags, func(c *vfs.Context, p *place) linux.Errno {
		return c.Chown(p.at, p.name, uid, gid, flags)
	})
}

func utime(t *proc.Thread, a Args) (int64, linux.Errno) {
	if a.Addr(1) == 0 {
		return utimeAt(t, linux.AT_FDCWD, a.Addr(0), nil, 0)
	}
	b, e := guest.Get[[2]int64](t.Mem(), a.Addr(1)) // struct utimbuf
	if e != 0 {
		return 0, e
	}
	return utimeAt(t, linux.AT_FDCWD, a.Addr(0), &[2]linux.Timespec{{Sec: b[0]}, {Sec: b[1]}}, 0)
}

func utimes(t *proc.Thread, a Args) (int64, linux.Errno) {
	times, e := timevals(t.Mem(), a.Addr(1))
	if e != 0 {
		return 0, e
	}
	return utimeAt(t, linux.AT_FDCWD, a.Addr(0), times, 0)
}

func futimesat(t *proc.Thread, a Args) (int64, linux.Errno) {
	times, e := timevals(t.Mem(), a.Addr(2))
	if e != 0 {
		return 0, e
	}
	if a.Addr(1) == 0 {
		return utimeFile(t, a.Int(0), times)
	}
	return utimeAt(t, a.Int(0), a.Addr(1), times, 0)
}

// timevals reads the two times of utimes(2); none at a null address.
func timevals(m guest.Memory, addr guest.Addr) (*[2]linux.Timespec, linux.Errno) {
	if addr == 0 {
		return nil, 0
	}
	v, e := guest.Get[[2]linux.Timeval](m, addr)
	if e != 0 {
		return nil, e
	}
	var times [2]linux.Timespec
	for i := range v {
		usec := int64(int32(v[i].Usec))
		if usec < 0 || usec >= 1e6 {
			return nil, linux.EINVAL
		}
		times[i] = linux.Timespec{Sec: v[i].Sec, Nsec: usec * 1000}
	}
	return &times, 0
}

func utimensat(t *proc.Thread, a Args) (int64, linux.Errno) {
	var times *[2]linux.Timespec
	if addr := a.Addr(2); addr != 0 {
		v, e := guest.Get[[2]linux.Timespec](t.Mem(), addr)
		if e != 0 {
			return 0, e
		}
		for i := range v {
			v[i].Nsec = int64(int32(v[i].Nsec)) // the upper half is padding
			if v[i].Nsec == linux.UTIME_OMIT || v[i].Nsec == linux.UTIME_NOW {
				continue
			}
			if v[i].Nsec < 0 || v[i].Nsec >= 1e9 {
				return 0, linux.EINVAL
			}
		}
		times = &v
	}
	flags := a.Uint(3)
	if a.Addr(1) == 0 && flags&self == 0 {
		if flags != 0 {
			return 0, linux.EINVAL
		}
		return utimeFile(t, a.Int(0), times)
	}
	return utimeAt(t, a.Int(0), a.Addr(1), times, flags)
}

func utimeAt(t *proc.Thread, dirfd int32, addr guest.Addr, times *[2]linux.Timespec, flags uint32) (int64, linux.Errno) {
	return named(t, dirfd, addr, flags, func(c *vfs.Context, p *place) linux.Errno {
		return c.Utimens(p.at, p.name, times, flags)
	})
}

// utimeFile is futimens(3).
func utimeFile(t *proc.Thread, n int32, times *[2]linux.Timespec) (int64, linux.Errno) {
	return onFile(t, n, func(c *vfs.Context, d *fd.Description) linux.Errno {
		return c.Utimens(d.Path(), "", times, self)
	})
}

func truncate(t *proc.Thread, a Args) (int64, linux.Errno) {
	size := a.Long(1)
	if size < 0 {
		return 0, linux.EINVAL
	}
	if e := mayGrow(t, size); e != 0 {
		return 0, e
	}
	return named(t, linux.AT_FDCWD, a.Addr(0), 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Truncate(p.at, p.name, size)
	})
}

// mayGrow applies RLIMIT_FSIZE to a new size.
func mayGrow(t *proc.Thread, size int64) linux.Errno {
	if uint64(size) > t.Limit(linux.RLIMIT_FSIZE) {
		t.Raise(linux.SIGXFSZ)
		return linux.EFBIG
	}
	return 0
}
