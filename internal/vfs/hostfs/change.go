package hostfs

import (
	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Create makes a regular file, directory or symbolic link, owned by the kernel's user.
func (d *dir) Create(at *vfs.Entry, name string, v *vfs.NewNode) (ent *vfs.Entry, e linux.Errno) {
	if d.fs.opts.ReadOnly {
		return nil, linux.EROFS
	}
	e = d.with(func(dfd int) linux.Errno {
		fresh, err := make1(dfd, name, v)
		if err != nil {
			return from(err)
		}
		if ent, e = d.findLocked(dfd, at, name); e != 0 {
			closeFD(fresh)
			return e
		}
		if f, ok := ent.Node().(*file); ok && fresh >= 0 {
			f.keep(fresh)
		} else {
			closeFD(fresh)
		}
		return 0
	})
	return ent, e
}

// make1 makes the node; fresh is the descriptor of a file that will be opened at once,
// whatever its mode, else -1.
func make1(dfd int, name string, v *vfs.NewNode) (fresh int, err error) {
	switch v.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		fd, err := openAt(dfd, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, v.Mode&linux.S_IRWXUGO)
		if err != nil {
			return -1, err
		}
		// The umask of the kernel's process is not the guest's.
		err = unix.Fchmod(fd, v.Mode&linux.S_IRWXUGO)
		if err != nil || !v.Open {
			unix.Close(fd)
			fd = -1
		}
		return fd, err
	case linux.S_IFDIR:
		mode := v.Mode & (linux.S_IRWXUGO | linux.S_ISVTX)
		if err := unix.Mkdirat(dfd, name, mode); err != nil {
			return -1, err
		}
		return -1, chmodAt(dfd, name, mode, unix.AT_SYMLINK_NOFOLLOW)
	case linux.S_IFLNK:
		return -1, unix.Symlinkat(v.Link, dfd, name)
	}
	return -1, unix.EPERM
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// Tmpfile is not served: programs fall back to names.
func (d *dir) Tmpfile(*vfs.Entry, *vfs.NewNode) (vfs.Node, linux.Errno) {
	return nil, linux.EOPNOTSUPP
}

// Link gives a file or symbolic link one more name.
func (d *dir) Link(at *vfs.Entry, name string, target vfs.Node) (ent *vfs.Entry, e linux.Errno) {
	if d.fs.opts.ReadOnly {
		return nil, linux.EROFS
	}
	var t *node
	switch n := target.(type) {
	case *file:
		t = &n.node
	case *link:
		t = &n.node
	default:
		return nil, linux.EPERM
	}
	if t.fs != d.fs {
		return nil, linux.EXDEV
	}
	e = d.with(func(dfd int) linux.Errno {
		_, e := t.reach(func(from int, old string) error { return unix.Linkat(from, old, dfd, name, 0) })
		if e == 0 {
			ent, e = d.findLocked(dfd, at, name)
		}
		return e
	})
	return ent, e
}

// Remove removes a name.
func (d *dir) Remove(_ *vfs.Entry, child *vfs.Entry, isDir bool) linux.Errno {
	if d.fs.opts.ReadOnly {
		return linux.EROFS
	}
	return d.with(func(dfd int) linux.Errno {
		if !d.holdsLocked(child) {
			return linux.ENOENT
		}
		flags := 0
		if isDir {
			flags = unix.AT_REMOVEDIR
		}
		if err := unix.Unlinkat(dfd, child.Name(), flags); err != nil {
			return from(err)
		}
		delete(d.known, child.Name())
		child.Remove()
		return 0
	})
}

// Rename moves a child, or exchanges two.
func (d *dir) Rename(_ *vfs.Entry, child *vfs.Entry, to *vfs.Target) linux.Errno {
	dest, ok := to.Dir.Node().(*dir)
	switch {
	case !ok || dest.fs != d.fs:
		return linux.EXDEV
	case d.fs.opts.ReadOnly:
		return linux.EROFS
	}
	d.fs.renames.Lock()
	defer d.fs.renames.Unlock()
	if dest == d {
		return d.with(func(dfd int) linux.Errno { return d.renameLocked(dfd, child, dest, dfd, to) })
	}
	return d.with(func(dfd int) linux.Errno {
		return dest.with(func(destFD int) linux.Errno { return d.renameLocked(dfd, child, dest, destFD, to) })
	})
}

// renameLocked does it. Precondition: both directories are locked.
func (d *dir) renameLocked(dfd int, child *vfs.Entry, dest *dir, destFD int, to *vfs.Target) linux.Errno {
	if !d.holdsLocked(child) || to.Entry != nil && !dest.holdsLocked(to.Entry) {
		return linux.EAGAIN
	}
	name := child.Name()
	if to.Entry != nil && sameInode(dfd, name, destFD, to.Name) {
		return 0 // two names of one file: nothing happens
	}
	switch err := renameHost(dfd, name, destFD, to); {
	case err == unix.EEXIST && to.Entry == nil:
		return linux.EAGAIN
	case err != nil:
		return from(err)
	}
	parent := child.Parent()
	delete(d.known, name)
	if to.Exchange {
		to.Entry.Move(parent, name)
		d.rememberLocked(name, to.Entry)
	} else if to.Entry != nil {
		to.Entry.Remove()
	}
	child.Move(to.Dir, to.Name)
	dest.rememberLocked(to.Name, child)
	return 0
}

// renameHost renames on the host. What was not seen is not replaced, where the host's file
// system can do that.
func renameHost(dfd int, name string, destFD int, to *vfs.Target) error {
	flags := uint(0)
	switch {
	case to.Exchange:
		flags = unix.RENAME_EXCHANGE
	case to.Entry == nil:
		flags = unix.RENAME_NOREPLACE
	}
	err := unix.Renameat2(dfd, name, destFD, to.Name, flags)
	if err == unix.EINVAL && flags == unix.RENAME_NOREPLACE {
		err = unix.Renameat2(dfd, name, destFD, to.Name, 0)
	}
	return err
}

func sameInode(dfd int, name string, destFD int, to string) bool {
	var a, b unix.Stat_t
	return unix.Fstatat(dfd, name, &a, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		unix.Fstatat(destFD, to, &b, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		a.Dev == b.Dev && a.Ino == b.Ino
}
