package vfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
)

// Rules on paths (package policy). They are asked when a walk is over, about the place that
// it led to, and of a name that is to be made or removed about the directory and the name:
//
//	Look   stat, statx, access(F_OK), readlink, chdir, chroot, statfs, getxattr, open(O_PATH)
//	Read   open for reading, access(R_OK)
//	Write  open for writing, O_CREAT, O_TMPFILE, truncate, mkdir, mknod, symlink, bind of a
//	       UNIX socket, both names of rename, both of link (a second name in a place for
//	       writing would make any file writable), unlink, rmdir, chmod, chown, utimes,
//	       access(W_OK), and chmod, chown, utimes of a descriptor, which are about a file and
//	       not about what is written through it
//
// execve is not among them: what may be executed is said by content, not by place. What a
// descriptor leads to is asked only when it is opened again (/proc/PID/fd); pipes and files
// without a name cannot be. What the rules would not let be
// looked at is EACCES to every call, whether it exists or not: nobody learns what there is.

// SetPaths makes the rules hold from now on, and for contexts that are forked off.
func (c *Context) SetPaths(p *policy.Paths) { c.paths.Store(p) }

// deepest is how many directories a path may have for a rule to be asked without allocating.
const deepest = 40

// may asks the rules about p, or the name last in the directory p.
func (c *Context) may(p Path, last string, a policy.Access) linux.Errno {
	rules := c.paths.Load()
	if rules == nil || ruled(rules, p, last, a) || mutant.Off("policy.paths") {
		return 0
	}
	return linux.EACCES
}

func ruled(rules *policy.Paths, p Path, last string, a policy.Access) bool {
	if p.Mount == nowhere {
		return false
	}
	var first, second [deepest]*place
	chain, cut := places(p, Path{}, first[:0])
	again := second[:0]
	for range retries {
		again, cut = places(p, Path{}, again[:0])
		if same(chain, again) {
			break
		}
		chain, again = again, chain
	}
	if cut {
		return false // longer than a path may be: its beginning is not known
	}
	var buffer [deepest]string
	names := buffer[:0]
	for i := len(chain) - 1; i >= 0; i-- {
		names = append(names, chain[i].name)
	}
	return rules.Allows(names, last, a)
}

// reach is lookup for an access.
func (c *Context) reach(at Path, name string, flags uint32, cred *Cred, a policy.Access) (Path, linux.Errno) {
	p, e := c.lookup(at, name, flags, cred)
	if e != 0 {
		return p, e
	}
	if name == "" && (a != policy.Write || p.Mount == nowhere) {
		return p, 0 // an open descriptor
	}
	if e := c.may(p, "", a); e != 0 {
		return Path{}, e
	}
	return p, 0
}

// hide is the error of a name that was not found in the directory at pos.
func (w *walker) hide(name string, e linux.Errno) linux.Errno {
	if name == "." || name == ".." {
		return e
	}
	if hidden := w.c.may(w.pos, name, policy.Look); hidden != 0 {
		return hidden
	}
	return e
}

// notDir is the error of what is used as a directory and is none.
func (w *walker) notDir(p Path) linux.Errno {
	if e := w.c.may(p, "", policy.Look); e != 0 {
		return e
	}
	return linux.ENOTDIR
}

// visible asks whether the last component, which may or may not be there, can be looked at.
func (w *walker) visible() linux.Errno {
	last := ""
	if w.kind == lastName {
		last = w.last
	}
	return w.c.may(w.pos, last, policy.Look)
}

// mayMakeName asks about a name that is to be made in the directory at pos. What is there
// already, and may be looked at, is EEXIST, as programs expect that make a path's directories
// one by one.
func (w *walker) mayMakeName(there bool) linux.Errno {
	e := w.c.may(w.pos, w.last, policy.Write)
	if e != 0 && there && w.c.may(w.pos, w.last, policy.Look) == 0 {
		return linux.EEXIST
	}
	return e
}

// exists is the error of a name that is taken, for an exclusive open.
func (w *walker) exists() linux.Errno {
	if e := w.mayMakeName(true); e != 0 {
		return e
	}
	return linux.EEXIST
}

// mayOpen asks about an open with flags.
func (c *Context) mayOpen(p Path, flags uint32) linux.Errno {
	if c.paths.Load() == nil {
		return 0
	}
	want := wants(flags)
	if want&linux.W_OK != 0 {
		return c.may(p, "", policy.Write) // which includes reading
	}
	return c.may(p, "", policy.Read)
}

// accessFor is what access(2) asks for.
func accessFor(mode uint32) policy.Access {
	switch {
	case mode&linux.W_OK != 0:
		return policy.Write
	case mode&linux.R_OK != 0:
		return policy.Read
	}
	return policy.Look
}
