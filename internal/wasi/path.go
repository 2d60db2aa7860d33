package wasi

import (
	"strings"

	"vkernel/internal/fd"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/proc"
	"vkernel/internal/vfs"
)

// place is a path argument: a name, the directory that it starts from, and the context whose
// walks stay where they have to. done gives back what it holds.
type place struct {
	c    *vfs.Context
	at   vfs.Path
	name string
	d    *fd.Description
	g    *grant

	confined bool
}

func (p *place) done() { p.d.Unref() }

// pathArg reads a string argument.
func pathArg(t *proc.Thread, addr guest.Addr, size uint32) (string, linux.Errno) {
	if size >= linux.PATH_MAX {
		return "", linux.ENAMETOOLONG
	}
	buf := make([]byte, size)
	if e := t.Mem().Read(addr, buf); e != 0 {
		return "", e
	}
	name := string(buf)
	switch {
	case name == "":
		return "", linux.ENOENT
	case strings.IndexByte(name, 0) >= 0:
		return "", linux.EINVAL
	}
	return name, 0
}

// pathAt reads a path argument relative to a directory descriptor that has the rights.
func pathAt(t *proc.Thread, n int32, addr guest.Addr, size uint32, need uint64) (p place, e linux.Errno) {
	if p.name, e = pathArg(t, addr, size); e != 0 {
		return p, e
	}
	if p.d, p.g, e = get(t, n, need); e != 0 {
		return p, e
	}
	if p.name[0] == '/' {
		p.done()
		return p, linux.EPERM
	}
	p.at, p.c = p.d.Path(), t.FS()
	if p.confined = !unconfined(t, p.g); p.confined {
		p.c = p.c.Confined()
	}
	return p, 0
}

// unconfined reports whether paths from a descriptor are resolved as on Linux.
func unconfined(t *proc.Thread, g *grant) bool {
	s, ok := t.Process().Foreign().(*state)
	return ok && s.whole && g.preopen != ""
}

// named does f with a path argument.
func named(t *proc.Thread, n int32, addr guest.Addr, size uint32, need uint64, f func(p *place) linux.Errno) (int64, linux.Errno) {
	p, e := pathAt(t, n, addr, size, need)
	if e != 0 {
		return 0, e
	}
	defer p.done()
	return 0, f(&p)
}

// Flags of a lookup.
const lookupFollow = 1

// lookupFlags gives the AT_ flags for those of a lookup.
func lookupFlags(flags uint32) (uint32, linux.Errno) {
	switch flags {
	case 0:
		return linux.AT_SYMLINK_NOFOLLOW, 0
	case lookupFollow:
		return 0, 0
	}
	return 0, linux.EINVAL
}

func pathCreateDirectory(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return named(t, a.Int(0), a.Addr(1), a.Size(2), rightCreateDirectory, func(p *place) linux.Errno {
		return p.c.Mkdir(p.at, p.name, 0o777)
	})
}

func pathFilestatGet(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	flags, e := lookupFlags(a.Uint(1))
	if e != 0 {
		return 0, e
	}
	return named(t, a.Int(0), a.Addr(2), a.Size(3), rightPathFilestat, func(p *place) linux.Errno {
		st, e := p.c.Stat(p.at, p.name, flags)
		if e != 0 {
			return e
		}
		fs := toFilestat(&st)
		return guest.Put(t.Mem(), a.Addr(4), &fs)
	})
}

func pathFilestatSetTimes(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	flags, e := lookupFlags(a.Uint(1))
	if e != 0 {
		return 0, e
	}
	times, e := timesToSet(a[4], a[5], uint32(t.Arg(6)))
	if e != 0 {
		return 0, e
	}
	return named(t, a.Int(0), a.Addr(2), a.Size(3), rightPathSetTimes, func(p *place) linux.Errno {
		return p.c.Utimens(p.at, p.name, &times, flags)
	})
}

// stricter is the context for a call with two paths: a confined one if either is.
func stricter(p, q *place) *vfs.Context {
	if p.confined {
		return p.c
	}
	return q.c
}

func pathLink(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	flags := uint32(0)
	switch a.Uint(1) {
	case 0:
	case lookupFollow:
		flags = linux.AT_SYMLINK_FOLLOW
	default:
		return 0, linux.EINVAL
	}
	return named(t, a.Int(0), a.Addr(2), a.Size(3), rightLinkSource, func(p *place) linux.Errno {
		_, e := named(t, a.Int(4), a.Addr(5), uint32(t.Arg(6)), rightLinkTarget, func(q *place) linux.Errno {
			return stricter(p, q).Link(p.at, p.name, q.at, q.name, flags)
		})
		return e
	})
}

func pathRename(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return named(t, a.Int(0), a.Addr(1), a.Size(2), rightRenameSource, func(p *place) linux.Errno {
		_, e := named(t, a.Int(3), a.Addr(4), a.Size(5), rightRenameTarget, func(q *place) linux.Errno {
			return stricter(p, q).Rename(p.at, p.name, q.at, q.name, 0)
		})
		return e
	})
}

// pathSymlink refuses absolute targets where paths may not be absolute.
func pathSymlink(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	target, e := pathArg(t, a.Addr(0), a.Size(1))
	if e != 0 {
		return 0, e
	}
	return named(t, a.Int(2), a.Addr(3), a.Size(4), rightSymlink, func(p *place) linux.Errno {
		if target[0] == '/' && p.confined {
			return linux.EPERM
		}
		return p.c.Symlink(target, p.at, p.name)
	})
}

// pathReadlink stores as much of the target as fits.
func pathReadlink(t *proc.Thread, a proc.Args) (n int64, e linux.Errno) {
	_, e = named(t, a.Int(0), a.Addr(1), a.Size(2), rightReadlink, func(p *place) linux.Errno {
		text, e := p.c.Readlink(p.at, p.name)
		if e != 0 {
			return e
		}
		text = text[:min(len(text), int(a.Size(4)))]
		n = int64(len(text))
		return t.Mem().Write(a.Addr(3), []byte(text))
	})
	return putSize(t, a.Addr(5), n, e)
}

func pathRemoveDirectory(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return named(t, a.Int(0), a.Addr(1), a.Size(2), rightRemoveDirectory, func(p *place) linux.Errno {
		return p.c.Unlink(p.at, p.name, linux.AT_REMOVEDIR)
	})
}

func pathUnlinkFile(t *proc.Thread, a proc.Args) (int64, linux.Errno) {
	return named(t, a.Int(0), a.Addr(1), a.Size(2), rightUnlink, func(p *place) linux.Errno {
		return p.c.Unlink(p.at, p.name, 0)
	})
}
