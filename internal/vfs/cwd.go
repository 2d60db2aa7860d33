package vfs

import (
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// Chdir is chdir(2), and fchdir(2) with AT_EMPTY_PATH.
func (c *Context) Chdir(at Path, name string, flags uint32) linux.Errno {
	p, e := c.searchable(at, name, flags)
	if e == 0 {
		c.update(func(s *dirState) { s.cwd = p })
	}
	return e
}

// Chroot is chroot(2): the working directory stays.
func (c *Context) Chroot(name string) linux.Errno {
	p, e := c.searchable(Path{}, name, 0)
	if e != 0 {
		return e
	}
	if !c.Cred().Super() {
		return linux.EPERM
	}
	c.update(func(s *dirState) { s.root = p })
	return 0
}

// searchable resolves name to a directory that the caller may enter.
func (c *Context) searchable(at Path, name string, flags uint32) (Path, linux.Errno) {
	p, e := c.reach(at, name, flags, c.Cred(), policy.Look)
	if e != 0 {
		return p, e
	}
	d, ok := p.Node().(Dir)
	if !ok {
		return p, linux.ENOTDIR
	}
	if !c.Cred().allowed(d.Perm(), linux.X_OK) {
		return p, linux.EACCES
	}
	return p, 0
}

// Getcwd is getcwd(2): ENOENT once the directory is removed.
func (c *Context) Getcwd() (string, linux.Errno) {
	s := c.dirs.now.Load()
	if s.cwd.Entry.Removed() {
		return "", linux.ENOENT
	}
	name, reached := absolute(s.cwd, s.root)
	switch {
	case len(name) >= linux.PATH_MAX:
		return "", linux.ENAMETOOLONG
	case !reached:
		name = "(unreachable)" + name
	}
	return name, 0
}

// PathString names p as the process sees it: what /proc/PID/fd shows. A removed name ends
// in " (deleted)". Of a path that is longer than PATH_MAX only the end is given.
func (c *Context) PathString(p Path) string {
	if p.IsZero() {
		return ""
	}
	pl := p.Entry.place.Load()
	if pl.kind == anonymous {
		return pl.name
	}
	name, _ := absolute(p, c.Root())
	if pl.kind == removed {
		name += " (deleted)"
	}
	return name
}

// absolute gives the path of p below root, or from the top of the tree if root is not
// above it. It reads the chain of places twice: if nothing has changed in between, the
// chain held at one instant (places are never reused while they are referred to).
func absolute(p, root Path) (name string, reached bool) {
	var chain, again []*place
	chain, _ = places(p, root, nil)
	for range retries {
		again, reached = places(p, root, again[:0])
		if same(chain, again) {
			break
		}
		chain, again = again, chain
	}
	var b strings.Builder
	for i := len(chain) - 1; i >= 0; i-- {
		if chain[i].parent != nil {
			b.WriteByte('/')
			b.WriteString(chain[i].name)
		}
	}
	if b.Len() == 0 {
		return "/", reached
	}
	return b.String(), reached
}

// places appends the places from p up to root, or as many as make a path of PATH_MAX.
func places(p, root Path, chain []*place) ([]*place, bool) {
	for length := 0; p != root; {
		pl := p.Entry.place.Load()
		if pl.parent != nil {
			if length >= linux.PATH_MAX {
				return chain, true
			}
			length += 1 + len(pl.name)
			chain = append(chain, pl)
			p.Entry = pl.parent
			continue
		}
		if p.Mount.parent == nil {
			return chain, false
		}
		p = Path{p.Mount.parent, p.Mount.at}
	}
	return chain, true
}

func same(a, b []*place) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
