package vfs

import (
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// maxLinks is how many symbolic links one walk follows.
const maxLinks = 40

// walker resolves one path.
type walker struct {
	c       *Context
	cred    *Cred
	root    Path // where absolute paths and links start, and above which .. does not lead
	pos     Path
	rest    string // what is still to be walked from pos
	links   int
	resolve uint64 // RESOLVE_*

	// The last component, set by parent.
	kind  lastKind
	last  string
	slash bool // slashes follow it
}

// lastKind says what the last component of a path is.
type lastKind uint8

const (
	lastName lastKind = iota
	lastRoot          // no component at all: "/"
	lastDot
	lastDotDot
)

// start begins a walk of name from at. The name is not empty.
func (c *Context) start(at Path, name string, cred *Cred, resolve uint64) (w walker, e linux.Errno) {
	if len(name) >= linux.PATH_MAX {
		return w, linux.ENAMETOOLONG
	}
	if name == "" {
		return w, linux.ENOENT
	}
	resolve |= c.resolve
	s := c.dirs.now.Load()
	if at.IsZero() {
		at = s.cwd
	}
	w = walker{c: c, cred: cred, root: s.root, pos: at, rest: name, resolve: resolve}
	if resolve&(linux.RESOLVE_IN_ROOT|linux.RESOLVE_BENEATH) != 0 {
		w.root = at
	}
	if name[0] != '/' {
		if _, ok := at.Node().(Dir); !ok {
			return w, linux.ENOTDIR
		}
		return w, 0
	}
	return w, w.jumpRoot()
}

// jumpRoot goes to the root, for an absolute path or link.
func (w *walker) jumpRoot() linux.Errno {
	if w.resolve&linux.RESOLVE_BENEATH != 0 {
		return w.escapes()
	}
	if w.resolve&linux.RESOLVE_NO_XDEV != 0 && w.root.Mount != w.pos.Mount {
		return linux.EXDEV
	}
	w.pos = w.root
	return 0
}

// parent walks up to the last component, which it describes in kind, last and slash; pos
// is then the directory in which that lies, and may be searched.
func (w *walker) parent() linux.Errno {
	for {
		slash := w.rest != ""
		w.rest = strings.TrimLeft(w.rest, "/")
		name, after := w.rest, ""
		if i := strings.IndexByte(w.rest, '/'); i >= 0 {
			name, after = w.rest[:i], w.rest[i:]
		}
		if name == "" {
			w.kind = lastRoot
			if _, ok := w.pos.Node().(Dir); !ok && slash {
				return w.notDir(w.pos) // a magic link led to a file
			}
			return 0
		}
		dir, ok := w.pos.Node().(Dir)
		if !ok {
			return w.notDir(w.pos)
		}
		if !w.cred.Super() && !w.cred.allowed(dir.Perm(), linux.X_OK) {
			w.c.ns.witness.denied()
			return linux.EACCES
		}
		if strings.Trim(after, "/") == "" {
			w.setLast(name, after != "")
			return 0
		}
		w.rest = after
		if e := w.component(dir, name); e != 0 {
			return e
		}
	}
}

// setLast records the last component.
func (w *walker) setLast(name string, slash bool) {
	w.last, w.slash, w.kind = name, slash, lastName
	switch name {
	case ".":
		w.kind = lastDot
	case "..":
		w.kind = lastDotDot
	}
}

// component goes one step that is not the last, following links.
func (w *walker) component(dir Dir, name string) linux.Errno {
	switch name {
	case ".":
		return 0
	case "..":
		return w.dotdot()
	}
	p, e := w.child(dir, name)
	if e != 0 {
		return e
	}
	if l, ok := p.Node().(Symlink); ok {
		return w.follow(l, p)
	}
	w.pos = p
	return 0
}

// child looks name up in dir, which is the node at pos.
func (w *walker) child(dir Dir, name string) (Path, linux.Errno) {
	ent, e := w.find(dir, name)
	if e != 0 {
		return Path{}, e
	}
	p := Path{w.pos.Mount, ent}
	if ent.mounted.Load() {
		if p = w.c.ns.top(p); p.Mount != w.pos.Mount && w.resolve&linux.RESOLVE_NO_XDEV != 0 {
			return Path{}, linux.EXDEV
		}
	}
	return p, 0
}

// find is child without mounts.
func (w *walker) find(dir Dir, name string) (*Entry, linux.Errno) {
	if len(name) > linux.NAME_MAX {
		if w.pos.Entry.Removed() {
			return nil, linux.ENOENT
		}
		return nil, linux.ENAMETOOLONG
	}
	ent, e := w.lookup(dir, name)
	if e != 0 {
		return nil, w.hide(name, e)
	}
	return ent, 0
}

// lookup asks dir, which lies at pos, for a name.
func (w *walker) lookup(dir Dir, name string) (*Entry, linux.Errno) {
	if s := w.c.ns.witness; s != nil {
		return s.find(w.c, w.pos, dir, name)
	}
	return dir.Lookup(w.c, w.pos.Entry, name)
}

// dotdot goes to the parent of pos.
func (w *walker) dotdot() linux.Errno {
	if w.pos == w.root {
		if w.resolve&linux.RESOLVE_BENEATH != 0 {
			return w.escapes()
		}
		return 0
	}
	p := w.c.ns.up(w.pos, w.root)
	if w.resolve&(linux.RESOLVE_BENEATH|linux.RESOLVE_IN_ROOT) != 0 && !w.c.ns.within(p, w.root) {
		return w.escapes() // what was walked has been moved out meanwhile
	}
	if w.resolve&linux.RESOLVE_NO_XDEV != 0 && p.Mount != w.pos.Mount {
		return linux.EXDEV
	}
	w.pos = p
	return 0
}

// escapes is the error of a walk that leads out of where it has to stay.
func (w *walker) escapes() linux.Errno {
	if w.c.resolve != 0 {
		return linux.EPERM
	}
	return linux.EXDEV
}

// follow puts the target of the link at p before the rest of the walk.
func (w *walker) follow(l Symlink, p Path) linux.Errno {
	if w.links++; w.links > maxLinks || w.resolve&linux.RESOLVE_NO_SYMLINKS != 0 {
		return linux.ELOOP
	}
	if m, ok := l.(MagicLink); ok {
		return w.jump(m)
	}
	target, e := l.Readlink(w.c)
	if e != 0 {
		return e
	}
	if target == "" {
		return linux.ENOENT
	}
	w.rest = target + w.rest
	if target[0] == '/' {
		return w.jumpRoot()
	}
	return 0
}

// jump follows a magic link.
func (w *walker) jump(m MagicLink) linux.Errno {
	if w.resolve&linux.RESOLVE_NO_MAGICLINKS != 0 {
		return linux.ELOOP
	}
	if w.resolve&(linux.RESOLVE_BENEATH|linux.RESOLVE_IN_ROOT) != 0 {
		return linux.EXDEV
	}
	p, e := m.Jump(w.c)
	if e != 0 {
		return e
	}
	if w.resolve&linux.RESOLVE_NO_XDEV != 0 && p.Mount != w.pos.Mount {
		return linux.EXDEV
	}
	w.pos = p
	return 0
}

// resolveAll walks to the end. A link in last place is followed if follow is set or
// slashes come after it.
func (w *walker) resolveAll(follow bool) (Path, linux.Errno) {
	p, e := w.resolveEnd(follow)
	if s := w.c.ns.witness; s != nil && e == 0 {
		s.end(p)
	}
	return p, e
}

func (w *walker) resolveEnd(follow bool) (Path, linux.Errno) {
	for {
		if e := w.parent(); e != 0 {
			return Path{}, e
		}
		if w.kind != lastName {
			return w.special()
		}
		p, e := w.child(w.pos.Node().(Dir), w.last)
		if e != 0 {
			return Path{}, e
		}
		l, ok := p.Node().(Symlink)
		if !ok || !follow && !w.slash {
			return p, w.checkSlash(p)
		}
		if e := w.followLast(l, p); e != 0 {
			return Path{}, e
		}
	}
}

// followLast follows a link in last place. The walk goes on with parent.
func (w *walker) followLast(l Symlink, p Path) linux.Errno {
	w.rest = ""
	if w.slash {
		w.rest = "/"
	}
	return w.follow(l, p)
}

// special ends a walk whose last component is no name.
func (w *walker) special() (Path, linux.Errno) {
	if w.kind == lastDotDot {
		if e := w.dotdot(); e != 0 {
			return Path{}, e
		}
	}
	return w.pos, 0
}

// checkSlash refuses slashes after what is no directory.
func (w *walker) checkSlash(p Path) linux.Errno {
	if w.slash {
		if _, ok := p.Node().(Dir); !ok {
			return w.notDir(p)
		}
	}
	return 0
}

// lookup resolves name by the rules common to the *at calls; of flags it looks at
// AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
func (c *Context) lookup(at Path, name string, flags uint32, cred *Cred) (Path, linux.Errno) {
	if name == "" && flags&linux.AT_EMPTY_PATH != 0 {
		if at.IsZero() {
			at = c.Cwd()
		}
		return at, 0
	}
	w, e := c.start(at, name, cred, 0)
	if e != 0 {
		return Path{}, e
	}
	return w.resolveAll(flags&linux.AT_SYMLINK_NOFOLLOW == 0)
}

// Lookup resolves name to a path, following a link in last place unless flags have
// AT_SYMLINK_NOFOLLOW.
func (c *Context) Lookup(at Path, name string, flags uint32) (Path, linux.Errno) {
	return c.reach(at, name, flags, c.Cred(), policy.Look)
}

// lookupParent resolves name up to its last component.
func (c *Context) lookupParent(at Path, name string) (w walker, e linux.Errno) {
	w, e = c.start(at, name, c.Cred(), 0)
	if e == 0 {
		e = w.parent()
	}
	if e == 0 {
		e = w.visible()
	}
	return w, e
}
