package syscalls

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Calls that make, move and remove names.

func mkdir(t *proc.Thread, a Args) (int64, linux.Errno) {
	return mkdirAt(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1))
}

func mkdirat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return mkdirAt(t, a.Int(0), a.Addr(1), a.Uint(2))
}

func mkdirAt(t *proc.Thread, dirfd int32, addr guest.Addr, mode uint32) (int64, linux.Errno) {
	return named(t, dirfd, addr, 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Mkdir(p.at, p.name, mode)
	})
}

func rmdir(t *proc.Thread, a Args) (int64, linux.Errno) {
	return unlinkAt(t, linux.AT_FDCWD, a.Addr(0), linux.AT_REMOVEDIR)
}

func unlink(t *proc.Thread, a Args) (int64, linux.Errno) {
	return unlinkAt(t, linux.AT_FDCWD, a.Addr(0), 0)
}

func unlinkat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return unlinkAt(t, a.Int(0), a.Addr(1), a.Uint(2))
}

func unlinkAt(t *proc.Thread, dirfd int32, addr guest.Addr, flags uint32) (int64, linux.Errno) {
	if flags&^linux.AT_REMOVEDIR != 0 {
		return 0, linux.EINVAL
	}
	return named(t, dirfd, addr, 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Unlink(p.at, p.name, flags)
	})
}

// namedTwo does f with the two path arguments of rename and link; flags are for the first.
func namedTwo(t *proc.Thread, fromfd int32, from guest.Addr, tofd int32, to guest.Addr, flags uint32,
	f func(c *vfs.Context, p, q *place) linux.Errno,
) (int64, linux.Errno) {
	return named(t, fromfd, from, flags, func(c *vfs.Context, p *place) linux.Errno {
		_, e := named(t, tofd, to, 0, func(c *vfs.Context, q *place) linux.Errno { return f(c, p, q) })
		return e
	})
}

func rename(t *proc.Thread, a Args) (int64, linux.Errno) {
	return renameAt(t, linux.AT_FDCWD, a.Addr(0), linux.AT_FDCWD, a.Addr(1), 0)
}

func renameat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return renameAt(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), 0)
}

func renameat2(t *proc.Thread, a Args) (int64, linux.Errno) {
	return renameAt(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), a.Uint(4))
}

func renameAt(t *proc.Thread, fromfd int32, from guest.Addr, tofd int32, to guest.Addr, flags uint32) (int64, linux.Errno) {
	return namedTwo(t, fromfd, from, tofd, to, 0, func(c *vfs.Context, p, q *place) linux.Errno {
		return c.Rename(p.at, p.name, q.at, q.name, flags)
	})
}

func link(t *proc.Thread, a Args) (int64, linux.Errno) {
	return linkAt(t, linux.AT_FDCWD, a.Addr(0), linux.AT_FDCWD, a.Addr(1), 0)
}

func linkat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return linkAt(t, a.Int(0), a.Addr(1), a.Int(2), a.Addr(3), a.Uint(4))
}

func linkAt(t *proc.Thread, fromfd int32, from guest.Addr, tofd int32, to guest.Addr, flags uint32) (int64, linux.Errno) {
	if flags&^(linux.AT_SYMLINK_FOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return 0, linux.EINVAL
	}
	return namedTwo(t, fromfd, from, tofd, to, flags, func(c *vfs.Context, p, q *place) linux.Errno {
		return c.Link(p.at, p.name, q.at, q.name, flags)
	})
}

func symlink(t *proc.Thread, a Args) (int64, linux.Errno) {
	return symlinkAt(t, a.Addr(0), linux.AT_FDCWD, a.Addr(1))
}

func symlinkat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return symlinkAt(t, a.Addr(0), a.Int(1), a.Addr(2))
}

func symlinkAt(t *proc.Thread, target guest.Addr, dirfd int32, addr guest.Addr) (int64, linux.Errno) {
	text, e := t.Mem().String(target, linux.PATH_MAX, linux.ENAMETOOLONG)
	if e != 0 {
		return 0, e
	}
	return named(t, dirfd, addr, 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Symlink(text, p.at, p.name)
	})
}

func readlink(t *proc.Thread, a Args) (int64, linux.Errno) {
	return readlinkAt(t, linux.AT_FDCWD, a.Addr(0), a.Addr(1), a.Int(2))
}

func readlinkat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return readlinkAt(t, a.Int(0), a.Addr(1), a.Addr(2), a.Int(3))
}

// readlinkAt stores the target without a NUL, cut to size. An empty path means the link
// that the descriptor was opened on (O_PATH|O_NOFOLLOW).
func readlinkAt(t *proc.Thread, dirfd int32, addr, to guest.Addr, size int32) (n int64, e linux.Errno) {
	if size <= 0 {
		return 0, linux.EINVAL
	}
	_, e = named(t, dirfd, addr, self, func(c *vfs.Context, p *place) linux.Errno {
		if p.name == "" && p.dir == nil {
			return linux.ENOENT
		}
		text, e := c.Readlink(p.at, p.name)
		if e != 0 {
			return e
		}
		text = text[:min(len(text), int(size))]
		n = int64(len(text))
		return t.Mem().Write(to, []byte(text))
	})
	if e != 0 {
		return 0, e
	}
	return n, 0
}

func mknod(t *proc.Thread, a Args) (int64, linux.Errno) {
	return mknodAt(t, linux.AT_FDCWD, a.Addr(0), a.Uint(1), a[2])
}

func mknodat(t *proc.Thread, a Args) (int64, linux.Errno) {
	return mknodAt(t, a.Int(0), a.Addr(1), a.Uint(2), a[3])
}

func mknodAt(t *proc.Thread, dirfd int32, addr guest.Addr, mode uint32, rdev uint64) (int64, linux.Errno) {
	return named(t, dirfd, addr, 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Mknod(p.at, p.name, mode, rdev)
	})
}

func mount(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.EPERM }

func umount2(*proc.Thread, Args) (int64, linux.Errno) { return 0, linux.EPERM }
