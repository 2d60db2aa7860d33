package memfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Create makes a node.
func (d *dir) Create(at *vfs.Entry, name string, v *vfs.NewNode) (*vfs.Entry, linux.Errno) {
	return d.add(at, name, func() (vfs.Node, linux.Errno) {
		if !d.fs.inodes.take(1) {
			return nil, linux.ENOSPC
		}
		n, e := d.fs.newNode(v)
		if e != 0 {
			d.fs.inodes.give(1)
		}
		return n, e
	})
}

// newNode makes the node that v describes, whose charge is paid.
func (fs *FS) newNode(v *vfs.NewNode) (vfs.Node, linux.Errno) {
	switch v.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		return fs.newFile(v), 0
	case linux.S_IFDIR:
		return fs.newDir(v), 0
	case linux.S_IFLNK:
		return fs.newSymlink(v)
	case linux.S_IFIFO, linux.S_IFSOCK, linux.S_IFCHR, linux.S_IFBLK:
		s := &special{rdev: v.Rdev}
		s.init(fs, v)
		return s, 0
	}
	return nil, linux.EINVAL
}

// add puts what node makes into the directory.
func (d *dir) add(at *vfs.Entry, name string, node func() (vfs.Node, linux.Errno)) (*vfs.Entry, linux.Errno) {
	if e := d.lock(); e != 0 {
		return nil, e
	}
	defer d.mu.Unlock()
	if d.removed {
		return nil, linux.ENOENT
	}
	if _, ok := d.children[name]; ok {
		return nil, linux.EEXIST
	}
	n, e := node()
	if e != 0 {
		return nil, e
	}
	ent := vfs.NewEntry(at, name, n)
	if sub, ok := n.(*dir); ok {
		sub.entry = ent
	}
	d.insertLocked(name, ent)
	d.touch()
	return ent, 0
}

// Tmpfile makes a file without a name.
func (d *dir) Tmpfile(_ *vfs.Entry, v *vfs.NewNode) (vfs.Node, linux.Errno) {
	if !d.fs.inodes.take(1) {
		return nil, linux.ENOSPC
	}
	f := d.fs.newFile(v)
	f.nlink.Store(0)
	f.linkable, f.sealable = !v.Excl, v.Sealable
	if v.NoExec {
		f.seals = linux.F_SEAL_EXEC
	}
	return f, 0
}

// Link gives a node one more name.
func (d *dir) Link(at *vfs.Entry, name string, target vfs.Node) (*vfs.Entry, linux.Errno) {
	return d.add(at, name, func() (vfs.Node, linux.Errno) {
		switch n := target.(type) {
		case *file:
			return n, n.linked()
		case *symlink:
			return n, n.linked()
		case *special:
			return n, n.linked()
		case *dir:
			return nil, linux.EPERM
		}
		return nil, linux.EXDEV
	})
}

// Remove takes a name away.
func (d *dir) Remove(_ *vfs.Entry, child *vfs.Entry, isDir bool) linux.Errno {
	if e := d.lock(); e != 0 {
		return e
	}
	defer d.mu.Unlock()
	if !d.holdsLocked(child) {
		return linux.ENOENT
	}
	sub, ok := child.Node().(*dir)
	switch {
	case isDir && !ok:
		return linux.ENOTDIR
	case !isDir && ok:
		return linux.EISDIR
	}
	if isDir {
		if e := sub.markRemoved(); e != 0 {
			return e
		}
	}
	d.deleteLocked(child.Name())
	child.Remove()
	d.touch()
	child.Node().(member).unlinked()
	return 0
}

// markRemoved marks an empty directory as removed. The parent's lock is held.
func (d *dir) markRemoved() linux.Errno {
	if e := d.lock(); e != 0 {
		return e
	}
	defer d.mu.Unlock()
	if len(d.children) > 0 {
		return linux.ENOTEMPTY
	}
	d.removed = true
	return 0
}

// unlinked records that the directory is removed.
func (d *dir) unlinked() bool {
	d.attr.Lock()
	defer d.attr.Unlock()
	d.nlink.Store(0)
	d.changed()
	d.giveNameLocked()
	return true
}
