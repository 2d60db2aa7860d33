package hostfs

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// node is what all nodes have.
type node struct {
	fs    *FS
	entry *vfs.Entry // its name; set before it can be found
	ino   uint64
	typ   uint32
	perm  atomic.Pointer[vfs.Perm] // as last seen
}

func (n *node) init(fs *FS, s *unix.Stat_t) {
	n.fs, n.ino, n.typ = fs, s.Ino, s.Mode&unix.S_IFMT
	n.see(s)
}

// is reports whether s is of the same inode.
func (n *node) is(s *unix.Stat_t) bool {
	return s.Dev == n.fs.dev && s.Ino == n.ino && s.Mode&unix.S_IFMT == n.typ
}

// see converts what the host tells, and remembers the permissions.
func (n *node) see(s *unix.Stat_t) linux.Stat {
	t := linux.Stat{
		Dev: n.fs.opts.Dev, Ino: s.Ino, Nlink: s.Nlink, Mode: s.Mode &^ (linux.S_ISUID | linux.S_ISGID),
		UID: s.Uid, GID: s.Gid, Size: s.Size, Blksize: s.Blksize, Blocks: s.Blocks,
		Atim: linux.Timespec{Sec: s.Atim.Sec, Nsec: s.Atim.Nsec},
		Mtim: linux.Timespec{Sec: s.Mtim.Sec, Nsec: s.Mtim.Nsec},
		Ctim: linux.Timespec{Sec: s.Ctim.Sec, Nsec: s.Ctim.Nsec},
	}
	if o := n.fs.opts.Owner; o != nil {
		t.UID, t.GID = o.UID, o.GID
	}
	if p := n.perm.Load(); p == nil || p.Mode != t.Mode || p.UID != t.UID || p.GID != t.GID {
		n.perm.Store(&vfs.Perm{Mode: t.Mode, UID: t.UID, GID: t.GID})
	}
	return t
}

// Perm gives the permissions as last seen: every lookup looks.
func (n *node) Perm() vfs.Perm { return *n.perm.Load() }

// reach calls f with the directory and name under which the node is found, after checking
// that it is still there.
func (n *node) reach(f func(dfd int, name string) error) (s unix.Stat_t, e linux.Errno) {
	if n.entry.Removed() {
		return s, linux.ENOENT
	}
	parent := n.entry.Parent().Node().(*dir)
	dfd, e := parent.acquire()
	if e != 0 {
		return s, e
	}
	defer parent.release()
	name := n.entry.Name()
	if err := unix.Fstatat(dfd, name, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return s, from(err)
	}
	if !n.is(&s) {
		return s, linux.ESTALE
	}
	if f == nil {
		return s, 0
	}
	return s, from(f(dfd, name))
}

// Stat is lstat(2).
func (n *node) Stat() (linux.Stat, linux.Errno) {
	s, e := n.reach(nil)
	if e != 0 {
		return linux.Stat{}, e
	}
	return n.see(&s), 0
}

// SetAttr changes mode, owner and times. Setuid and setgid bits are left out.
func (n *node) SetAttr(a *vfs.Attr) linux.Errno {
	if n.fs.opts.ReadOnly {
		return linux.EROFS
	}
	_, e := n.reach(func(dfd int, name string) error { return n.change(dfd, name, a) })
	if e == 0 {
		_, e = n.Stat() // to remember
	}
	return e
}

// change applies a to name in dfd; "" is dfd itself.
func (n *node) change(dfd int, name string, a *vfs.Attr) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if name == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	if a.Set&vfs.SetMode != 0 {
		if err := chmodAt(dfd, name, a.Mode&(linux.S_IRWXUGO|linux.S_ISVTX), flags); err != nil {
			return err
		}
	}
	if a.Set&(vfs.SetUID|vfs.SetGID) != 0 {
		uid, gid := -1, -1
		if a.Set&vfs.SetUID != 0 {
			uid = int(a.UID)
		}
		if a.Set&vfs.SetGID != 0 {
			gid = int(a.GID)
		}
		if err := unix.Fchownat(dfd, name, uid, gid, flags); err != nil {
			return err
		}
	}
	if a.Set&(vfs.SetAtime|vfs.SetMtime) == 0 {
		return nil
	}
	ts := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
	if a.Set&vfs.SetAtime != 0 {
		ts[0] = unix.Timespec{Sec: a.Atime.Sec, Nsec: a.Atime.Nsec}
	}
	if a.Set&vfs.SetMtime != 0 {
		ts[1] = unix.Timespec{Sec: a.Mtime.Sec, Nsec: a.Mtime.Nsec}
	}
	return unix.UtimesNanoAt(dfd, name, ts, flags)
}

// chmodAt is fchmodat2. Hosts before Linux 6.6 lack it: there the file is opened.
func chmodAt(dfd int, name string, mode uint32, flags int) error {
	err := unix.Fchmodat(dfd, name, mode, flags)
	if err != unix.EOPNOTSUPP {
		return err
	}
	if name == "" {
		name = "."
	}
	const quiet = unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := openAt(dfd, name, unix.O_RDONLY|quiet, 0)
	if err == unix.EACCES {
		fd, err = openAt(dfd, name, unix.O_WRONLY|quiet, 0)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fchmod(fd, mode)
}

// link is a symbolic link.
type link struct{ node }

// Open refuses: it is not called for links.
func (l *link) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ELOOP }

// Readlink gives the target, which vfs follows in the guest's tree.
func (l *link) Readlink(*vfs.Context) (target string, e linux.Errno) {
	_, e = l.reach(func(dfd int, name string) error {
		buf := make([]byte, linux.PATH_MAX)
		n, err := unix.Readlinkat(dfd, name, buf)
		if err == nil {
			target = string(buf[:n])
		}
		return err
	})
	return target, e
}

// other is a node that cannot be used.
type other struct{ node }

// Open refuses.
func (o *other) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ENXIO }
