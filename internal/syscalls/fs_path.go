package syscalls

import (
	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// place is a path argument: a name and where it starts. done gives back what it holds.
type place struct {
	at   vfs.Path
	name string
	dir  *fd.Description
}

func (p *place) done() {
	if p.dir != nil {
		p.dir.Unref()
	}
}

// pathAt reads the path at addr, relative to a directory descriptor. flags are those of
// the *at calls: with AT_EMPTY_PATH an empty name, or none, means the descriptor itself.
func pathAt(t *proc.Thread, dirfd int32, addr guest.Addr, flags uint32) (p place, e linux.Errno) {
	empty := flags&linux.AT_EMPTY_PATH != 0
	if addr != 0 || !empty {
		if p.name, e = t.Mem().String(addr, linux.PATH_MAX, linux.ENAMETOOLONG); e != 0 {
			return p, e
		}
	}
	if p.name == "" && !empty {
		return p, linux.ENOENT
	}
	if p.name != "" && p.name[0] == '/' {
		return p, 0
	}
	return p, p.from(t, dirfd)
}

// from makes a directory descriptor the place where the name starts.
func (p *place) from(t *proc.Thread, dirfd int32) (e linux.Errno) {
	if dirfd == linux.AT_FDCWD {
		return 0
	}
	if p.dir, e = t.Files().GetAny(dirfd); e == 0 {
		p.at = p.dir.Path()
	}
	return e
}

// named does f with the path argument.
func named(t *proc.Thread, dirfd int32, addr guest.Addr, flags uint32, f func(c *vfs.Context, p *place) linux.Errno) (int64, linux.Errno) {
	p, e := pathAt(t, dirfd, addr, flags)
	if e != 0 {
		return 0, e
	}
	defer p.done()
	return 0, f(t.FS(), &p)
}

// opened does f with an open description, O_PATH included.
func opened(t *proc.Thread, n int32, f func(d *fd.Description) linux.Errno) (int64, linux.Errno) {
	d, e := t.Files().GetAny(n)
	if e != 0 {
		return 0, e
	}
	defer d.Unref()
	return 0, f(d)
}

// self is the flag by which a call on a path acts on the descriptor itself.
const self = linux.AT_EMPTY_PATH
