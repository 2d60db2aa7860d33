package memfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Rename moves a child, or exchanges two.
func (d *dir) Rename(at *vfs.Entry, child *vfs.Entry, to *vfs.Target) linux.Errno {
	dest, ok := to.Dir.Node().(*dir)
	if !ok || dest.fs != d.fs {
		return linux.EXDEV
	}
	if dest == d {
		if e := d.lock(); e != 0 {
			return e
		}
		defer d.mu.Unlock()
		return d.renameLocked(dest, child, to)
	}
	// Only renames between directories change what is above what: this lock keeps the
	// shape of the tree, as far as it matters here.
	d.fs.renames.Lock()
	defer d.fs.renames.Unlock()
	if e := cycle(at, child, to); e != 0 {
		return e
	}
	first, second := d, dest
	if at.Below(to.Dir) || !to.Dir.Below(at) && dest.ino < d.ino {
		first, second = dest, d
	}
	if e := first.lock(); e != 0 {
		return e
	}
	defer first.mu.Unlock()
	if e := second.lock(); e != 0 {
		return e
	}
	defer second.mu.Unlock()
	return d.renameLocked(dest, child, to)
}

// cycle refuses to put a directory below itself, and to replace one that is above what
// comes.
func cycle(at, child *vfs.Entry, to *vfs.Target) linux.Errno {
	switch {
	case to.Dir.Below(child):
		return linux.EINVAL
	case to.Entry == nil || !at.Below(to.Entry):
		return 0
	case to.Exchange:
		return linux.EINVAL
	}
	return linux.ENOTEMPTY
}

// renameLocked does it. Precondition: both directories are locked.
func (d *dir) renameLocked(dest *dir, child *vfs.Entry, to *vfs.Target) linux.Errno {
	if dest.removed {
		return linux.ENOENT
	}
	if !d.holdsLocked(child) || dest.children[to.Name].entry != to.Entry {
		return linux.EAGAIN
	}
	if to.Exchange {
		d.exchangeLocked(dest, child, to)
		return 0
	}
	if to.Entry != nil {
		if e := replaceable(child, to.Entry); e != 0 {
			return e
		}
		dest.deleteLocked(to.Name)
		to.Entry.Remove()
		to.Entry.Node().(member).unlinked()
	}
	d.deleteLocked(child.Name())
	child.Move(to.Dir, to.Name)
	dest.insertLocked(to.Name, child)
	d.touch()
	dest.touch()
	child.Node().(member).changed()
	return 0
}

// replaceable checks that child may take the place of old, and marks old as removed if it
// is a directory.
func replaceable(child, old *vfs.Entry) linux.Errno {
	_, isDir := child.Node().(*dir)
	sub, wasDir := old.Node().(*dir)
	switch {
	case isDir && !wasDir:
		return linux.ENOTDIR
	case !isDir && wasDir:
		return linux.EISDIR
	case wasDir:
		return sub.markRemoved()
	}
	return 0
}

// exchangeLocked lets child and to.Entry change places. Precondition: both directories are
// locked.
func (d *dir) exchangeLocked(dest *dir, child *vfs.Entry, to *vfs.Target) {
	name, parent := child.Name(), child.Parent()
	d.replaceLocked(name, to.Entry)
	dest.replaceLocked(to.Name, child)
	child.Move(to.Dir, to.Name)
	to.Entry.Move(parent, name)
	d.touch()
	dest.touch()
	child.Node().(member).changed()
	to.Entry.Node().(member).changed()
}
