package vfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// OpenHow is how Open opens.
type OpenHow struct {
	Flags   uint32 // O_*
	Mode    uint32 // of a file that is created; umask is applied by Open
	Resolve uint64 // RESOLVE_* of openat2(2)
}

// Open opens name, as openat2(2). The Path is that of the File.
func (c *Context) Open(at Path, name string, how OpenHow) (File, Path, linux.Errno) {
	if e := how.check(); e != 0 {
		return nil, Path{}, e
	}
	w, e := c.start(at, name, c.Cred(), how.Resolve)
	if e != 0 {
		return nil, Path{}, e
	}
	switch {
	case how.Flags&linux.O_PATH != 0:
		return w.openPath(how)
	case how.Flags&linux.O_TMPFILE == linux.O_TMPFILE:
		return w.openTemp(how)
	case how.Flags&linux.O_CREAT != 0:
		return w.openCreate(how)
	}
	p, e := w.resolveAll(how.Flags&linux.O_NOFOLLOW == 0)
	if e != 0 {
		return nil, Path{}, e
	}
	return w.open(p, how.Flags)
}

// check refuses combinations of flags and drops those that do not count.
func (h *OpenHow) check() linux.Errno {
	f := h.Flags
	if f&linux.O_PATH != 0 {
		h.Flags &= linux.O_PATH | linux.O_DIRECTORY | linux.O_NOFOLLOW | linux.O_CLOEXEC
		return 0
	}
	h.Mode &= linux.S_IALLUGO
	const tmpfile = linux.O_TMPFILE &^ linux.O_DIRECTORY
	switch {
	case f&tmpfile != 0 && (f&linux.O_DIRECTORY == 0 || f&linux.O_CREAT != 0 || f&linux.O_ACCMODE == linux.O_RDONLY):
		return linux.EINVAL
	case f&tmpfile == 0 && f&linux.O_CREAT != 0 && f&linux.O_DIRECTORY != 0:
		return linux.EINVAL
	case h.Resolve&linux.RESOLVE_BENEATH != 0 && h.Resolve&linux.RESOLVE_IN_ROOT != 0:
		return linux.EINVAL
	}
	return 0
}

// wants gives the rights that an open with flags needs.
func wants(flags uint32) uint32 {
	want := uint32(linux.R_OK | linux.W_OK)
	switch flags & linux.O_ACCMODE {
	case linux.O_RDONLY:
		want = linux.R_OK
	case linux.O_WRONLY:
		want = linux.W_OK
	}
	if flags&linux.O_TRUNC != 0 {
		want |= linux.W_OK
	}
	return want
}

// open opens what exists at p.
func (w *walker) open(p Path, flags uint32) (File, Path, linux.Errno) {
	if s := w.c.ns.witness; s != nil {
		s.end(p)
	}
	if e := w.c.mayOpen(p, flags); e != 0 {
		return nil, Path{}, e
	}
	want, perm := wants(flags), p.Node().Perm()
	typ := perm.Type()
	write := want&linux.W_OK != 0
	switch {
	case flags&linux.O_DIRECTORY != 0 && typ != linux.S_IFDIR:
		return nil, Path{}, linux.ENOTDIR
	case typ == linux.S_IFLNK:
		return nil, Path{}, linux.ELOOP
	case typ == linux.S_IFDIR && write:
		return nil, Path{}, linux.EISDIR
	case typ == linux.S_IFREG && write && p.readOnly():
		w.c.ns.witness.denied()
		return nil, Path{}, linux.EROFS
	case !w.cred.allowed(perm, want):
		w.c.ns.witness.denied()
		return nil, Path{}, linux.EACCES
	case flags&linux.O_NOATIME != 0 && !w.cred.owns(perm):
		return nil, Path{}, linux.EPERM
	}
	return w.finish(p, flags)
}

// finish opens the node at p after all checks.
func (w *walker) finish(p Path, flags uint32) (f File, _ Path, e linux.Errno) {
	if s, ok := p.Node().(Special); ok {
		f, e = w.c.openSpecial(p, s, flags)
	} else {
		if flags&linux.O_TRUNC != 0 {
			if kill := w.cred.Kill(p.Node().Perm()); kill != 0 {
				p.Node().SetAttr(&Attr{Set: kill})
			}
		}
		f, e = p.Node().Open(w.c, flags)
	}
	if e != 0 {
		return nil, Path{}, e
	}
	p.Tell(linux.IN_OPEN)
	if flags&linux.O_TRUNC != 0 {
		p.Tell(linux.IN_MODIFY)
	}
	return f, p, 0
}

// openCreate opens with O_CREAT.
func (w *walker) openCreate(how OpenHow) (File, Path, linux.Errno) {
	excl := how.Flags&linux.O_EXCL != 0
	follow := !excl && how.Flags&linux.O_NOFOLLOW == 0
	for {
		if e := w.parent(); e != 0 {
			return nil, Path{}, e
		}
		if e := w.visible(); e != 0 {
			return nil, Path{}, e
		}
		if w.kind != lastName {
			return w.openDots(how.Flags, excl)
		}
		if w.slash {
			return nil, Path{}, linux.EISDIR
		}
		p, e := w.child(w.pos.Node().(Dir), w.last)
		if e == linux.ENOENT {
			f, p, e := w.create(how)
			if e == linux.EEXIST && !excl {
				w.rest = w.last // somebody else was faster
				continue
			}
			return f, p, e
		}
		if e != 0 {
			return nil, Path{}, e
		}
		if l, ok := p.Node().(Symlink); ok && follow {
			if e := w.followLast(l, p); e != 0 {
				return nil, Path{}, e
			}
			continue
		}
		return w.openExisting(p, how.Flags, excl)
	}
}

// openDots is openCreate for a path that ends in ".", ".." or is a root.
func (w *walker) openDots(flags uint32, excl bool) (File, Path, linux.Errno) {
	p, e := w.special()
	if e == 0 {
		e = linux.EISDIR
		if excl {
			e = linux.EEXIST
		} else if _, ok := p.Node().(Dir); !ok { // a magic link led to it
			return w.open(p, flags)
		}
	}
	return nil, Path{}, e
}

// openExisting is openCreate where the name is taken.
func (w *walker) openExisting(p Path, flags uint32, excl bool) (File, Path, linux.Errno) {
	if excl {
		return nil, Path{}, w.exists()
	}
	if p.Node().Perm().Type() == linux.S_IFDIR {
		return nil, Path{}, linux.EISDIR
	}
	if !w.cred.mayReuse(w.pos.Node().Perm(), p.Node().Perm()) {
		return nil, Path{}, linux.EACCES
	}
	return w.open(p, flags)
}

// create makes the last component as a regular file and opens it, whatever its mode.
func (w *walker) create(how OpenHow) (File, Path, linux.Errno) {
	if e := w.c.may(w.pos, w.last, policy.Write); e != 0 {
		return nil, Path{}, e
	}
	if w.pos.readOnly() {
		return nil, Path{}, linux.EROFS
	}
	dir, ok := w.pos.Node().(DirWriter)
	if e := w.cred.mayCreate(w.pos); e != 0 {
		return nil, Path{}, e
	}
	if !ok { // procfs: on Linux its lookup fails first
		return nil, Path{}, linux.ENOENT
	}
	n := w.c.newNode(w.pos, linux.S_IFREG|how.Mode)
	n.Open = true
	ent, e := dir.Create(w.pos.Entry, w.last, &n)
	if e != 0 {
		return nil, Path{}, e
	}
	w.pos.tellName(w.pos.Entry, linux.IN_CREATE, w.last, ent.node)
	return w.finish(Path{w.pos.Mount, ent}, how.Flags&^linux.O_TRUNC)
}

// openTemp opens with O_TMPFILE.
func (w *walker) openTemp(how OpenHow) (File, Path, linux.Errno) {
	p, e := w.resolveAll(how.Flags&linux.O_NOFOLLOW == 0)
	if e != 0 {
		return nil, Path{}, e
	}
	if e := w.c.may(p, "", policy.Write); e != 0 {
		return nil, Path{}, e
	}
	if p.Node().Perm().Type() != linux.S_IFDIR {
		return nil, Path{}, linux.ENOTDIR
	}
	if p.readOnly() {
		return nil, Path{}, linux.EROFS
	}
	if !w.cred.allowed(p.Node().Perm(), linux.W_OK|linux.X_OK) {
		return nil, Path{}, linux.EACCES
	}
	dir, ok := p.Node().(DirWriter)
	if !ok {
		return nil, Path{}, linux.EOPNOTSUPP
	}
	n := w.c.newNode(p, linux.S_IFREG|how.Mode)
	n.Excl = how.Flags&linux.O_EXCL != 0
	node, e := dir.Tmpfile(p.Entry, &n)
	if e != 0 {
		return nil, Path{}, e
	}
	ent := NewEntry(p.Entry, "#"+decimal(node), node)
	ent.Remove()
	return w.finish(Path{p.Mount, ent}, how.Flags&^linux.O_TRUNC)
}
