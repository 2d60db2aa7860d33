package vfs

import "vkernel/internal/linux"

// allowed reports whether c may do want (a set of R_OK, W_OK, X_OK) to a node with p.
func (c *Cred) allowed(p Perm, want uint32) bool {
	if c.Super() {
		// Root needs one x bit to execute, except to search.
		return want&linux.X_OK == 0 || p.Type() == linux.S_IFDIR || p.Mode&linux.S_IXUGO != 0
	}
	bits := p.Mode
	switch {
	case c.FSUID == p.UID:
		bits >>= 6
	case c.InGroup(p.GID):
		bits >>= 3
	}
	return bits&want == want
}

// Allowed reports whether c may do want, a set of R_OK, W_OK and X_OK, to a node with p.
func (c *Cred) Allowed(p Perm, want uint32) bool { return c.allowed(p, want) }

// owns reports whether c may do what is reserved to the owner.
func (c *Cred) owns(p Perm) bool { return c.FSUID == p.UID || c.Super() }

// mayCreate checks that names can be made in dir.
func (c *Cred) mayCreate(dir Path) linux.Errno {
	switch {
	case dir.Entry.Removed():
		return linux.ENOENT
	case !c.allowed(dir.Node().Perm(), linux.W_OK|linux.X_OK):
		return linux.EACCES
	}
	return 0
}

// mayDelete checks that child can be removed from dir, or replaced by a directory or by
// something else.
func (c *Cred) mayDelete(dir Path, child *Entry, isDir bool) linux.Errno {
	d, v := dir.Node().Perm(), child.node.Perm()
	switch {
	case !c.allowed(d, linux.W_OK|linux.X_OK):
		return linux.EACCES
	case d.Mode&linux.S_ISVTX != 0 && c.FSUID != v.UID && c.FSUID != d.UID && !c.Super():
		return linux.EPERM
	case isDir && v.Type() != linux.S_IFDIR:
		return linux.ENOTDIR
	case !isDir && v.Type() == linux.S_IFDIR:
		return linux.EISDIR
	}
	return 0
}

// mayLink reports whether c may make a hard link to a node with p, by the rule of the
// sysctl fs.protected_hardlinks: its owner may, others only to a plain file that they may
// read and write.
func (c *Cred) mayLink(p Perm) bool {
	return c.owns(p) ||
		p.Type() == linux.S_IFREG && p.Mode&linux.S_ISUID == 0 &&
			p.Mode&(linux.S_ISGID|linux.S_IXGRP) != linux.S_ISGID|linux.S_IXGRP &&
			c.allowed(p, linux.R_OK|linux.W_OK)
}

// mayReuse reports whether an open with O_CREAT may use what is there already, by Linux's
// rule for sticky directories that all may write. Regular files and FIFOs have a sysctl of
// their own for it, which is off.
func (c *Cred) mayReuse(dir, p Perm) bool {
	const trap = linux.S_ISVTX | 0o002
	return dir.Mode&trap != trap || p.Type() == linux.S_IFREG || p.Type() == linux.S_IFIFO ||
		p.UID == dir.UID || p.UID == c.FSUID
}

// changedBy reports whether the given of KillPriv and KillGroup would change the mode.
func (p Perm) changedBy(kill AttrSet) bool {
	const group = linux.S_ISGID | linux.S_IXGRP
	return p.Mode&linux.S_ISUID != 0 || p.Mode&group == group ||
		kill&KillGroup != 0 && p.Mode&linux.S_ISGID != 0
}

// Kill gives the changes of mode that go with a change of content by c: setuid and setgid
// bits do not survive one by others than root.
func (c *Cred) Kill(p Perm) AttrSet {
	switch {
	case c.Super() || p.Mode&(linux.S_ISUID|linux.S_ISGID) == 0:
		return 0
	case !c.InGroup(p.GID):
		return KillPriv | KillGroup
	}
	return KillPriv
}

// readOnly reports whether nothing may change through p's mount.
func (p Path) readOnly() bool { return p.Mount.Flags&ReadOnly != 0 }

// newNode applies umask, setgid directories and ownership to a node to be made in dir.
func (c *Context) newNode(dir Path, mode uint32) NewNode {
	cred, d := c.Cred(), dir.Node().Perm()
	n := NewNode{Mode: mode &^ c.Umask(), UID: cred.FSUID, GID: cred.FSGID}
	if d.Mode&linux.S_ISGID == 0 {
		return n
	}
	n.GID = d.GID
	switch {
	case mode&linux.S_IFMT == linux.S_IFDIR:
		n.Mode |= linux.S_ISGID
	case mode&linux.S_IXGRP != 0 && !cred.Super() && !cred.InGroup(d.GID):
		n.Mode &^= linux.S_ISGID
	}
	return n
}
