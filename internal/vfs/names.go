package vfs

import (
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// retries bounds how often a call starts again because a name changed between the look
// at it and the act. Each time somebody else has made progress.
const retries = 1000

// createAt resolves all but the last component of name and checks that a node can be made
// there. Slashes after the name are for directories only.
func (c *Context) createAt(at Path, name string, slashes bool) (dir DirWriter, w walker, e linux.Errno) {
	w, e = c.lookupParent(at, name)
	if e != 0 {
		return nil, w, e
	}
	if w.kind != lastName {
		return nil, w, linux.EEXIST
	}
	d := w.pos.Node().(Dir)
	_, e = w.child(d, w.last)
	if e := w.mayMakeName(e == 0); e != 0 {
		return nil, w, e
	}
	switch {
	case e == 0:
		return nil, w, linux.EEXIST
	case e != linux.ENOENT:
		return nil, w, e
	case w.slash && !slashes:
		return nil, w, linux.ENOENT
	case w.pos.readOnly():
		return nil, w, linux.EROFS
	}
	dir, _ = d.(DirWriter)
	return dir, w, 0
}

// mayMake checks rights for a node to be made where createAt found the name free.
func (w *walker) mayMake(dir DirWriter) linux.Errno {
	if e := w.cred.mayCreate(w.pos); e != 0 {
		return e
	}
	if dir == nil { // procfs: on Linux its lookup fails first
		return linux.ENOENT
	}
	return 0
}

// makeNode makes a node of the given mode at name.
func (c *Context) makeNode(at Path, name string, mode uint32, fill func(*NewNode)) (Path, linux.Errno) {
	isDir := mode&linux.S_IFMT == linux.S_IFDIR
	dir, w, e := c.createAt(at, name, isDir)
	if e != 0 {
		return Path{}, e
	}
	if e := w.mayMake(dir); e != 0 {
		return Path{}, e
	}
	n := c.newNode(w.pos, mode)
	if fill != nil {
		fill(&n)
	}
	ent, e := dir.Create(w.pos.Entry, w.last, &n)
	if e != 0 {
		return Path{}, e
	}
	w.pos.tellName(w.pos.Entry, linux.IN_CREATE, w.last, ent.node)
	return Path{w.pos.Mount, ent}, 0
}

// Mkdir is mkdirat(2).
func (c *Context) Mkdir(at Path, name string, mode uint32) linux.Errno {
	_, e := c.makeNode(at, name, linux.S_IFDIR|mode&(linux.S_IRWXUGO|linux.S_ISVTX), nil)
	return e
}

// Mknod is mknodat(2). Nobody has CAP_MKNOD: devices are EPERM, except the one that stands
// for a whiteout (character device 0, 0), which does nothing.
func (c *Context) Mknod(at Path, name string, mode uint32, rdev uint64) linux.Errno {
	switch mode & linux.S_IFMT {
	case 0:
		mode |= linux.S_IFREG
	case linux.S_IFREG, linux.S_IFIFO, linux.S_IFSOCK:
	case linux.S_IFCHR, linux.S_IFBLK:
		if mode&linux.S_IFMT == linux.S_IFCHR && rdev == 0 {
			break
		}
		dir, w, e := c.createAt(at, name, false)
		if e == 0 {
			e = w.mayMake(dir)
		}
		if e == 0 {
			e = linux.EPERM
		}
		return e
	case linux.S_IFDIR:
		return linux.EPERM
	default:
		return linux.EINVAL
	}
	_, e := c.makeNode(at, name, mode&(linux.S_IFMT|linux.S_IALLUGO), nil)
	return e
}

// MakeDevice makes a device node, for the kernel's own use when it fills /dev.
func (c *Context) MakeDevice(at Path, name string, mode uint32, rdev uint64) linux.Errno {
	_, e := c.makeNode(at, name, mode, func(n *NewNode) { n.Rdev = rdev })
	return e
}

// MakeSocket makes a socket node, as bind(2) does; a name that exists is EADDRINUSE. may is asked
// before, with the place that the node will have; nil: it may.
func (c *Context) MakeSocket(at Path, name string, mode uint32, may func(place string) linux.Errno) (Path, linux.Errno) {
	dir, w, e := c.createAt(at, name, false)
	if e == 0 {
		e = w.mayMake(dir)
	}
	if e == 0 && may != nil {
		e = may(strings.TrimSuffix(c.place(w.pos), "/") + "/" + w.last)
	}
	if e == 0 {
		n := c.newNode(w.pos, linux.S_IFSOCK|mode&linux.S_IRWXUGO)
		var ent *Entry
		if ent, e = dir.Create(w.pos.Entry, w.last, &n); e == 0 {
			return Path{w.pos.Mount, ent}, 0
		}
	}
	if e == linux.EEXIST {
		e = linux.EADDRINUSE
	}
	return Path{}, e
}

// FindSocket finds the node of a socket, to which the caller may write, and its place.
// ECONNREFUSED: it is none.
func (c *Context) FindSocket(at Path, name string) (Special, string, linux.Errno) {
	p, e := c.reach(at, name, 0, c.Cred(), policy.Write)
	if e != 0 {
		return nil, "", e
	}
	if !c.Cred().allowed(p.Node().Perm(), linux.W_OK) {
		return nil, "", linux.EACCES
	}
	n, ok := p.Node().(Special)
	if !ok || n.Perm().Type() != linux.S_IFSOCK {
		return nil, "", linux.ECONNREFUSED
	}
	return n, c.place(p), 0
}

// place is the path of p from the root of the container.
func (c *Context) place(p Path) string {
	name, _ := absolute(p, c.ns.Root())
	return name
}

// Symlink is symlinkat(2).
func (c *Context) Symlink(target string, at Path, name string) linux.Errno {
	if target == "" {
		return linux.ENOENT
	}
	if len(target) >= linux.PATH_MAX {
		return linux.ENAMETOOLONG
	}
	_, e := c.makeNode(at, name, linux.S_IFLNK|linux.S_IRWXUGO, func(n *NewNode) {
		n.Mode, n.Link = linux.S_IFLNK|linux.S_IRWXUGO, target
	})
	return e
}

// Link is linkat(2).
func (c *Context) Link(at Path, name string, toAt Path, to string, flags uint32) linux.Errno {
	if flags&^(linux.AT_SYMLINK_FOLLOW|linux.AT_EMPTY_PATH) != 0 {
		return linux.EINVAL
	}
	// linkat follows on request, the others unless asked not to.
	old, e := c.reach(at, name, (flags^linux.AT_SYMLINK_FOLLOW)&linux.AT_SYMLINK_FOLLOW>>2|flags&linux.AT_EMPTY_PATH, c.Cred(), policy.Write)
	if e != 0 {
		return e
	}
	dir, w, e := c.createAt(toAt, to, false)
	if e != 0 {
		return e
	}
	if old.Mount != w.pos.Mount {
		return linux.EXDEV
	}
	if !w.cred.mayLink(old.Node().Perm()) {
		return linux.EPERM
	}
	if e := w.mayMake(dir); e != 0 {
		return e
	}
	if old.Node().Perm().Type() == linux.S_IFDIR {
		return linux.EPERM
	}
	if _, e = dir.Link(w.pos.Entry, w.last, old.Node()); e != 0 {
		return e
	}
	if m := w.pos.listening(); m != nil {
		m.send(old.Node(), linux.IN_ATTRIB, 0, "", false)
	}
	w.pos.tellName(w.pos.Entry, linux.IN_CREATE, w.last, old.Node())
	return 0
}

// Readlink is readlinkat(2). An empty name reads at itself.
func (c *Context) Readlink(at Path, name string) (string, linux.Errno) {
	p, e := c.reach(at, name, linux.AT_SYMLINK_NOFOLLOW|linux.AT_EMPTY_PATH, c.Cred(), policy.Look)
	if e != 0 {
		return "", e
	}
	l, ok := p.Node().(Symlink)
	switch {
	case ok:
		return l.Readlink(c)
	case name == "":
		return "", linux.ENOENT
	}
	return "", linux.EINVAL
}
