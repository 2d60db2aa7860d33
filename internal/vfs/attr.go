package vfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// Stat is newfstatat(2).
func (c *Context) Stat(at Path, name string, flags uint32) (linux.Stat, linux.Errno) {
	p, e := c.statPath(at, name, flags)
	if e != 0 {
		return linux.Stat{}, e
	}
	return p.Node().Stat()
}

func (c *Context) statPath(at Path, name string, flags uint32) (Path, linux.Errno) {
	if flags&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH|linux.AT_NO_AUTOMOUNT|linux.AT_STATX_SYNC_TYPE) != 0 {
		return Path{}, linux.EINVAL
	}
	return c.reach(at, name, flags, c.Cred(), policy.Look)
}

// BirthTimer is a node that knows when it was made.
type BirthTimer interface {
	BirthTime() linux.Timespec
}

// Statx is statx(2): everything that is known, whatever the mask asks for.
func (c *Context) Statx(at Path, name string, flags uint32) (linux.Statx, linux.Errno) {
	p, e := c.statPath(at, name, flags)
	if e != 0 {
		return linux.Statx{}, e
	}
	s, e := p.Node().Stat()
	if e != 0 {
		return linux.Statx{}, e
	}
	x := s.Statx()
	if b, ok := p.Node().(BirthTimer); ok {
		t := b.BirthTime()
		x.Btime = linux.StatxTimestamp{Sec: t.Sec, Nsec: uint32(t.Nsec)}
		x.Mask |= linux.STATX_BTIME
	}
	x.MntID = uint64(p.Mount.ID)
	x.Mask |= linux.STATX_MNT_ID
	x.AttributesMask = linux.STATX_ATTR_MOUNT_ROOT
	if p.Entry == p.Mount.root {
		x.Attributes = linux.STATX_ATTR_MOUNT_ROOT
	}
	return x, 0
}

// Statfs is statfs(2), and fstatfs(2) with AT_EMPTY_PATH.
func (c *Context) Statfs(at Path, name string, flags uint32) (linux.Statfs, linux.Errno) {
	p, e := c.reach(at, name, flags, c.Cred(), policy.Look)
	if e != 0 {
		return linux.Statfs{}, e
	}
	if p.Mount.FS == nil {
		return linux.Statfs{Type: linux.PIPEFS_MAGIC, Bsize: 4096, Namelen: linux.NAME_MAX, Frsize: 4096}, 0
	}
	s, e := p.Mount.FS.Statfs()
	if e != 0 {
		return s, e
	}
	s.Flags |= linux.ST_VALID | linux.ST_RELATIME
	for flag, st := range map[MountFlags]int64{
		ReadOnly: linux.ST_RDONLY, NoSUID: linux.ST_NOSUID, NoDev: linux.ST_NODEV, NoExec: linux.ST_NOEXEC,
	} {
		if p.Mount.Flags&flag != 0 {
			s.Flags |= st
		}
	}
	return s, 0
}

// Access is faccessat2(2): with the real ids, unless flags have AT_EACCESS.
func (c *Context) Access(at Path, name string, mode, flags uint32) linux.Errno {
	if mode&^(linux.R_OK|linux.W_OK|linux.X_OK) != 0 ||
		flags&^(linux.AT_EACCESS|linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	cred := c.Cred()
	if flags&linux.AT_EACCESS == 0 {
		cred = cred.real()
	}
	p, e := c.reach(at, name, flags, cred, accessFor(mode))
	if e != 0 {
		return e
	}
	perm := p.Node().Perm()
	typ := perm.Type()
	switch {
	case mode&linux.X_OK != 0 && typ == linux.S_IFREG && p.Mount.Flags&NoExec != 0:
		return linux.EACCES
	case !cred.allowed(perm, mode):
		c.ns.witness.denied()
		return linux.EACCES
	case mode&linux.W_OK != 0 && p.readOnly() && (typ == linux.S_IFREG || typ == linux.S_IFDIR || typ == linux.S_IFLNK):
		c.ns.witness.denied()
		return linux.EROFS
	}
	return 0
}

// change resolves name and applies the Attr that f makes from the node's permissions.
func (c *Context) change(at Path, name string, flags uint32, f func(cred *Cred, p Perm, a *Attr) linux.Errno) linux.Errno {
	cred := c.Cred()
	p, e := c.reach(at, name, flags, cred, policy.Write)
	if e != 0 {
		return e
	}
	if p.readOnly() {
		return linux.EROFS
	}
	var a Attr
	if e := f(cred, p.Node().Perm(), &a); e != 0 {
		return e
	}
	if e := p.Node().SetAttr(&a); e != 0 {
		return e
	}
	if mask := attrEvents(a.Set); mask != 0 {
		p.Tell(mask)
	}
	return 0
}

// Chmod is fchmodat2(2).
func (c *Context) Chmod(at Path, name string, mode, flags uint32) linux.Errno {
	if flags&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	return c.change(at, name, flags, func(cred *Cred, p Perm, a *Attr) linux.Errno {
		if p.Type() == linux.S_IFLNK {
			return linux.EOPNOTSUPP
		}
		if !cred.owns(p) {
			return linux.EPERM
		}
		a.Set, a.Mode = SetMode, mode&linux.S_IALLUGO
		if !cred.Super() && !cred.InGroup(p.GID) {
			a.Mode &^= linux.S_ISGID
		}
		return 0
	})
}

// Chown is fchownat(2); an id of ^0 stays.
func (c *Context) Chown(at Path, name string, uid, gid uint32, flags uint32) linux.Errno {
	if flags&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	const stays = ^uint32(0)
	return c.change(at, name, flags, func(cred *Cred, p Perm, a *Attr) linux.Errno {
		if uid != stays {
			if !cred.Super() && (cred.FSUID != p.UID || uid != p.UID) {
				return linux.EPERM
			}
			a.Set, a.UID = a.Set|SetUID, uid
		}
		if gid != stays {
			if !cred.Super() && (cred.FSUID != p.UID || gid != p.GID && !cred.InGroup(gid)) {
				return linux.EPERM
			}
			a.Set, a.GID = a.Set|SetGID, gid
		}
		if p.Type() == linux.S_IFDIR {
			return 0
		}
		kill := KillPriv | cred.Kill(p)
		a.Set |= kill
		if p.changedBy(kill) && !cred.owns(p) {
			return linux.EPERM
		}
		return 0
	})
}

// Utimens is utimensat(2); times nil means now.
func (c *Context) Utimens(at Path, name string, times *[2]linux.Timespec, flags uint32) linux.Errno {
	now := linux.Timespec{Nsec: linux.UTIME_NOW}
	t := [2]linux.Timespec{now, now}
	if times != nil {
		t = *times
	}
	if t[0].Nsec == linux.UTIME_OMIT && t[1].Nsec == linux.UTIME_OMIT {
		return 0
	}
	if flags&^(linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	return c.change(at, name, flags, func(cred *Cred, p Perm, a *Attr) linux.Errno {
		for _, v := range t {
			if v.Nsec != linux.UTIME_NOW && v.Nsec != linux.UTIME_OMIT && uint64(v.Nsec) > 999_999_999 {
				return linux.EINVAL
			}
		}
		touch := t[0].Nsec == linux.UTIME_NOW && t[1].Nsec == linux.UTIME_NOW
		switch {
		case cred.owns(p):
		case !touch:
			return linux.EPERM
		case !cred.allowed(p, linux.W_OK):
			return linux.EACCES
		}
		if t[0].Nsec != linux.UTIME_OMIT {
			a.Set, a.Atime = a.Set|SetAtime, t[0]
		}
		if t[1].Nsec != linux.UTIME_OMIT {
			a.Set, a.Mtime = a.Set|SetMtime, t[1]
		}
		return 0
	})
}

// Truncate is truncate(2).
func (c *Context) Truncate(at Path, name string, size int64) linux.Errno {
	if size < 0 {
		return linux.EINVAL
	}
	cred := c.Cred()
	p, e := c.reach(at, name, 0, cred, policy.Write)
	if e != 0 {
		return e
	}
	perm := p.Node().Perm()
	switch {
	case perm.Type() == linux.S_IFDIR:
		return linux.EISDIR
	case perm.Type() != linux.S_IFREG:
		return linux.EINVAL
	case p.readOnly():
		return linux.EROFS
	case !cred.allowed(perm, linux.W_OK):
		return linux.EACCES
	}
	a := Attr{Set: SetSize | cred.Kill(perm), Size: size}
	if e := p.Node().SetAttr(&a); e != 0 {
		return e
	}
	p.Tell(linux.IN_MODIFY)
	return 0
}
