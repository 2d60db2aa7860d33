package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// Directories: reading them, and those of the process.

func getdents(t *proc.Thread, a Args) (int64, linux.Errno) {
	return readDir(t, a, (*linux.Dirent).Put)
}

func getdents64(t *proc.Thread, a Args) (int64, linux.Errno) {
	return readDir(t, a, (*linux.Dirent).Put64)
}

// maxDirents bounds the buffer of one getdents(2); more is not used.
const maxDirents = 1 << 20

// readDir fills guest memory with entries in the form of put. EINVAL: not even one fits.
func readDir(t *proc.Thread, a Args, put func(*linux.Dirent, []byte) int) (int64, linux.Errno) {
	n := 0
	_, e := onFile(t, a.Int(0), func(c *vfs.Context, d *fd.Description) linux.Errno {
		return t.Mem().View(a.Addr(1), int(min(a.Size(2), maxDirents)), func(p []byte) linux.Errno {
			full := false
			e := d.ReadDir(c, func(ent *linux.Dirent) bool {
				k := put(ent, p[n:])
				n += k
				full = k == 0
				return !full
			})
			if full && n == 0 {
				return linux.EINVAL
			}
			return e
		})
	})
	if e != 0 {
		return 0, e
	}
	return int64(n), 0
}

func getcwd(t *proc.Thread, a Args) (int64, linux.Errno) {
	s, e := t.FS().Getcwd()
	if e != 0 {
		return 0, e
	}
	if uint64(len(s)) >= uint64(a.Size(1)) {
		return 0, linux.ERANGE
	}
	return int64(len(s)) + 1, t.Mem().Write(a.Addr(0), append([]byte(s), 0))
}

func chdir(t *proc.Thread, a Args) (int64, linux.Errno) {
	return named(t, linux.AT_FDCWD, a.Addr(0), 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Chdir(p.at, p.name, 0)
	})
}

func fchdir(t *proc.Thread, a Args) (int64, linux.Errno) {
	return opened(t, a.Int(0), func(d *fd.Description) linux.Errno {
		return t.FS().Chdir(d.Path(), "", self)
	})
}

func chroot(t *proc.Thread, a Args) (int64, linux.Errno) {
	return named(t, linux.AT_FDCWD, a.Addr(0), 0, func(c *vfs.Context, p *place) linux.Errno {
		return c.Chroot(p.name)
	})
}

func umask(t *proc.Thread, a Args) (int64, linux.Errno) {
	return int64(t.FS().SetUmask(a.Uint(0))), 0
}

// Extended attributes: no file system here has any, so that a file that exists answers as
// one on such a file system does.

func xattrNone(t *proc.Thread, a Args) (int64, linux.Errno) {
	return xattrPath(t, a, 0, linux.EOPNOTSUPP)
}

func lxattrNone(t *proc.Thread, a Args) (int64, linux.Errno) {
	return xattrPath(t, a, linux.AT_SYMLINK_NOFOLLOW, linux.EOPNOTSUPP)
}

func fxattrNone(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(*vfs.Context, *fd.Description) linux.Errno { return linux.EOPNOTSUPP })
}

func listxattr(t *proc.Thread, a Args) (int64, linux.Errno) { return xattrPath(t, a, 0, 0) }

func llistxattr(t *proc.Thread, a Args) (int64, linux.Errno) {
	return xattrPath(t, a, linux.AT_SYMLINK_NOFOLLOW, 0)
}

func flistxattr(t *proc.Thread, a Args) (int64, linux.Errno) {
	return onFile(t, a.Int(0), func(*vfs.Context, *fd.Description) linux.Errno { return 0 })
}

// xattrPath answers e for a path that exists.
func xattrPath(t *proc.Thread, a Args, flags uint32, e linux.Errno) (int64, linux.Errno) {
	return named(t, linux.AT_FDCWD, guest.Addr(a.Addr(0)), 0, func(c *vfs.Context, p *place) linux.Errno {
		if _, missing := c.Lookup(p.at, p.name, flags); missing != 0 {
			return missing
		}
		return e
	})
}
