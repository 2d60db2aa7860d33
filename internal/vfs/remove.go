package vfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// Unlink is unlinkat(2): rmdir(2) with AT_REMOVEDIR.
func (c *Context) Unlink(at Path, name string, flags uint32) linux.Errno {
	if flags&^linux.AT_REMOVEDIR != 0 {
		return linux.EINVAL
	}
	w, e := c.lookupParent(at, name)
	if e != 0 {
		return e
	}
	isDir := flags&linux.AT_REMOVEDIR != 0
	if e := w.removable(isDir); e != 0 {
		return e
	}
	for range retries {
		// ENOENT of the file system means that the entry went away after the look.
		found, e := w.remove(isDir)
		if !found || e != linux.ENOENT {
			return e
		}
	}
	return linux.ENOENT
}

// removable refuses last components that are no names.
func (w *walker) removable(isDir bool) linux.Errno {
	switch {
	case w.kind == lastName:
		return 0
	case !isDir:
		return linux.EISDIR
	case w.kind == lastDot:
		return linux.EINVAL
	case w.kind == lastDotDot:
		return linux.ENOTEMPTY
	}
	return linux.EBUSY
}

// remove removes the last component.
func (w *walker) remove(isDir bool) (found bool, e linux.Errno) {
	if w.pos.readOnly() {
		return false, linux.EROFS
	}
	dir, child, e := w.entry()
	if e == 0 {
		e = w.c.may(w.pos, w.last, policy.Write)
	}
	if e != 0 {
		return false, e
	}
	if !isDir && w.slash {
		if child.node.Perm().Type() == linux.S_IFDIR {
			return false, linux.EISDIR
		}
		return false, linux.ENOTDIR
	}
	if e := w.cred.mayDelete(w.pos, child, isDir); e != 0 {
		return false, e
	}
	if child.Mounted() {
		return false, linux.EBUSY
	}
	d, ok := dir.(DirWriter)
	if !ok {
		return false, linux.EPERM
	}
	if e := d.Remove(w.pos.Entry, child, isDir); e != 0 {
		return true, e
	}
	w.pos.tellRemoved(child, w.last, isDir)
	return true, 0
}

// entry looks the last component up without following a link or entering a mount.
func (w *walker) entry() (Dir, *Entry, linux.Errno) {
	dir := w.pos.Node().(Dir)
	child, e := w.find(dir, w.last)
	return dir, child, e
}

// Rename is renameat2(2).
func (c *Context) Rename(at Path, name string, toAt Path, to string, flags uint32) linux.Errno {
	const exchange = linux.RENAME_EXCHANGE
	if flags&^(linux.RENAME_NOREPLACE|exchange) != 0 || flags == linux.RENAME_NOREPLACE|exchange {
		return linux.EINVAL
	}
	from, e := c.lookupParent(at, name)
	if e != 0 {
		return e
	}
	dest, e := c.lookupParent(toAt, to)
	if e != 0 {
		return e
	}
	switch {
	case from.pos.Mount != dest.pos.Mount:
		return linux.EXDEV
	case from.kind != lastName:
		return linux.EBUSY
	case dest.kind != lastName && flags&linux.RENAME_NOREPLACE != 0:
		return linux.EEXIST
	case dest.kind != lastName:
		return linux.EBUSY
	case from.pos.readOnly():
		return linux.EROFS
	}
	for range retries {
		if e := rename(&from, &dest, flags); e != linux.EAGAIN {
			return e
		}
	}
	return linux.EBUSY
}

// rename tries once; EAGAIN says that a name changed meanwhile.
func rename(from, dest *walker, flags uint32) linux.Errno {
	dir, child, e := from.entry()
	if e == 0 {
		e = from.c.may(from.pos, from.last, policy.Write)
	}
	if e != 0 {
		return e
	}
	if e := dest.c.may(dest.pos, dest.last, policy.Write); e != 0 {
		return e
	}
	_, old, e := dest.entry()
	if e == linux.ENOENT && flags&linux.RENAME_EXCHANGE == 0 && !dest.pos.Entry.Removed() {
		e = 0
	}
	if e != 0 {
		return e
	}
	if e := renameNames(from, dest, child, old, flags); e != 0 {
		return e
	}
	if old != nil && old.node == child.node {
		return 0
	}
	if e := renameRights(from, dest, child, old, flags); e != 0 {
		return e
	}
	if child.Mounted() || old != nil && old.Mounted() {
		return linux.EBUSY
	}
	d, ok := dir.(DirWriter)
	if !ok {
		return linux.EPERM
	}
	exchange := flags&linux.RENAME_EXCHANGE != 0
	e = d.Rename(from.pos.Entry, child, &Target{Dir: dest.pos.Entry, Name: dest.last, Entry: old, Exchange: exchange})
	switch {
	case e != 0:
		return e
	case exchange:
		from.pos.tellMoved(from.pos.Entry, dest.pos.Entry, from.last, dest.last, child, nil)
		from.pos.tellMoved(dest.pos.Entry, from.pos.Entry, dest.last, from.last, old, nil)
	default:
		from.pos.tellMoved(from.pos.Entry, dest.pos.Entry, from.last, dest.last, child, old)
	}
	return 0
}

// renameNames checks what depends on the names alone: trailing slashes and cycles. The
// file system checks cycles again, under its lock.
func renameNames(from, dest *walker, child, old *Entry, flags uint32) linux.Errno {
	exchange := flags&linux.RENAME_EXCHANGE != 0
	isDir := child.node.Perm().Type() == linux.S_IFDIR
	switch {
	case old != nil && flags&linux.RENAME_NOREPLACE != 0:
		return linux.EEXIST
	case exchange && dest.slash && old.node.Perm().Type() != linux.S_IFDIR,
		!isDir && from.slash,
		!isDir && dest.slash && !exchange:
		return linux.ENOTDIR
	case isDir && dest.pos.Entry.Below(child):
		return linux.EINVAL
	case old != nil && from.pos.Entry.Below(old) && exchange:
		return linux.EINVAL
	case old != nil && from.pos.Entry.Below(old):
		return linux.ENOTEMPTY
	}
	return 0
}

// renameRights checks permissions in both directories, and on directories whose ".."
// changes.
func renameRights(from, dest *walker, child, old *Entry, flags uint32) linux.Errno {
	cred, isDir := from.cred, child.node.Perm().Type() == linux.S_IFDIR
	if e := cred.mayDelete(from.pos, child, isDir); e != 0 {
		return e
	}
	oldDir := old != nil && old.node.Perm().Type() == linux.S_IFDIR
	exchange := flags&linux.RENAME_EXCHANGE != 0
	var e linux.Errno
	switch {
	case old == nil:
		e = cred.mayCreate(dest.pos)
	case exchange:
		e = cred.mayDelete(dest.pos, old, oldDir)
	default:
		e = cred.mayDelete(dest.pos, old, isDir)
	}
	if e != 0 || from.pos.Entry == dest.pos.Entry {
		return e
	}
	if isDir && !cred.allowed(child.node.Perm(), linux.W_OK) ||
		exchange && oldDir && !cred.allowed(old.node.Perm(), linux.W_OK) {
		return linux.EACCES
	}
	return 0
}
