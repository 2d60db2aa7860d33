package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Attributes of files, read.

func stat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return statAt(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), 0)
}

func lstat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return statAt(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), linux.AT_SYMLINK_NOFOLLOW)
}

func newfstatat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return statAt(t, a.Int(0), a.Addr(1), a.Addr(2), a.Uint(3))
}

func statAt(t *proc.Thread, dirfd int32, addr, to guest.Addr, flags uint32) (int64, linux.Errno) {
	p, e := pathAt(t, dirfd, addr, flags)
	if e != 0 {
		return 0, e
	}
	defer p.done()
	st, e := statPlace(t, &p, flags)
	if e != 0 {
		return 0, e
	}
	return 0, guest.Put(t.Mem(), to, &st)
}

// statPlace is fstatat(2): of a descriptor itself, it asks the open file.
func statPlace(t *proc.Thread, p *place, flags uint32) (linux.Stat, linux.Errno) {
	if p.name == "" && p.dir != nil {
		return p.dir.File().Stat()
	}
	return t.FS().Stat(p.at, p.name, flags)
}

func fstat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return opened(t, a.Int(0), func(d *fd.Description) linux.Errno {
		st, e := d.File().Stat()
		if e != 0 {
			return e
		}
		return guest.Put(t.Mem(), a.Addr(1), &st)
	})
}

func statx(t *proc.Thread, a Args) (int64, linux.Errno) {
	flags, mask := a.Uint(2), a.Uint(3)
	if mask&linux.STATX__RESERVED != 0 || flags&linux.AT_STATX_SYNC_TYPE == linux.AT_STATX_SYNC_TYPE {
		return 0, linux.EINVAL
	}
	p, e := pathAt(t, a.Int(0), a.Addr(1), flags)
	if e != 0 {
		return 0, e
	}
	defer p.done()
	var x linux.Statx
	if p.name == "" && p.dir != nil {
		var st linux.Stat
		st, e = p.dir.File().Stat()
		x = st.Statx()
	} else {
		x, e = t.FS().Statx(p.at, p.name, flags)
	}
	if e != 0 {
		return 0, e
	}
	return 0, guest.Put(t.Mem(), a.Addr(4), &x)
}

func statfs(t *proc.Thread, a Args) (int64, linux.Errno) {
	return named(t, linux.AT_FDCWD, a.Addr(0), 0, func(c *vfs.Context, p *place) linux.Errno {
		return putStatfs(t, p.at, p.name, 0, a.Addr(1))
	})
}

func fstatfs(t *proc.Thread, a Args) (int64, linux.Errno) {
	return opened(t, a.Int(0), func(d *fd.Description) linux.Errno {
		return putStatfs(t, d.Path(), "", self, a.Addr(1))
	})
}

func putStatfs(t *proc.Thread, at vfs.Path, name string, flags uint32, to guest.Addr) linux.Errno {
	s, e := t.FS().Statfs(at, name, flags)
	if e != 0 {
		return e
	}
	return guest.Put(t.Mem(), to, &s)
}

func access(t *proc.Thread, a Args) (int64, linux.Errno) {
	return accessAt(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), 0)
}

func faccessat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return accessAt(t, a.Int(0), a.Addr(1), a.Uint(2), 0) // the call has no flags argument
}

func faccessat2(t *proc.Thread, a Args) (int64, linux.Errno) {
	return accessAt(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

func accessAt(t *proc.Thread, dirfd int32, addr guest.Addr, mode, flags uint32) (int64, linux.Errno) {
	return named(t, dirfd, addr, flags, func(c *vfs.Context, p *place) linux.Errno {
		return c.Access(p.at, p.name, mode, flags)
	})
}
