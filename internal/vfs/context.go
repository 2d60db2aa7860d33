package vfs

import (
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/policy"
)

// Context is the file system state of a process. Its methods may be called from any
// goroutine. Methods that take (at, name) follow the rules of the *at calls: name is
// resolved from at, the zero Path standing for the working directory; with AT_EMPTY_PATH
// in flags and an empty name they act on at itself, which is how fchmod(2) and the like
// are served from a description's Path.
type Context struct {
	ns   *Namespace
	dirs *dirs
	cred atomic.Pointer[Cred]
	task any

	paths atomic.Pointer[policy.Paths] // see SetPaths; nil: no rules

	resolve uint64 // RESOLVE_* of all walks; see Confined
}

// dirs is what CLONE_FS shares.
type dirs struct {
	now atomic.Pointer[dirState]
}

// dirState is immutable.
type dirState struct {
	root, cwd Path
	umask     uint32
}

// NewContext makes the state of a first process: in the root of ns, umask 022. task is
// handed to those who want to know who calls (/proc/self).
func NewContext(ns *Namespace, cred *Cred, task any) *Context {
	c := &Context{ns: ns, dirs: new(dirs), task: task}
	root := ns.Root()
	c.dirs.now.Store(&dirState{root: root, cwd: root, umask: 0o022})
	c.cred.Store(cred)
	return c
}

// Fork copies the state for a new process.
func (c *Context) Fork(task any) *Context {
	n := new(Forked)
	c.ForkInto(n, task)
	return &n.Context
}

// Forked is a context with what it shares with nobody yet, as a part of something else.
type Forked struct {
	Context
	own dirs
}

// ForkInto is Fork; n is a zero value.
func (c *Context) ForkInto(n *Forked, task any) {
	n.own.now.Store(c.dirs.now.Load())
	n.ns, n.dirs, n.task = c.ns, &n.own, task
	n.cred.Store(c.cred.Load())
	n.paths.Store(c.paths.Load())
}

// Share is Fork with CLONE_FS: root, working directory and umask are one for both.
func (c *Context) Share(task any) *Context {
	n := &Context{ns: c.ns, dirs: c.dirs, task: task}
	n.cred.Store(c.cred.Load())
	n.paths.Store(c.paths.Load())
	return n
}

// Confined is the state for calls that may not leave the directory that they start from: all
// walks are those of openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS, save that
// to lead out is EPERM.
func (c *Context) Confined() *Context {
	n := &Context{ns: c.ns, dirs: c.dirs, task: c.task, resolve: linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS}
	n.cred.Store(c.cred.Load())
	n.paths.Store(c.paths.Load())
	return n
}

// Namespace is the tree of mounts.
func (c *Context) Namespace() *Namespace { return c.ns }

// Task is whom the context belongs to, as given to NewContext.
func (c *Context) Task() any { return c.task }

// Cred gives the credentials; they are not to be changed.
func (c *Context) Cred() *Cred { return c.cred.Load() }

// SetCred sets the credentials.
func (c *Context) SetCred(cred *Cred) { c.cred.Store(cred) }

// Root is the root directory of the process.
func (c *Context) Root() Path { return c.dirs.now.Load().root }

// Cwd is the working directory.
func (c *Context) Cwd() Path { return c.dirs.now.Load().cwd }

// Umask is the file mode creation mask.
func (c *Context) Umask() uint32 { return c.dirs.now.Load().umask }

// SetUmask sets the umask and gives the old one.
func (c *Context) SetUmask(mask uint32) (old uint32) {
	c.update(func(s *dirState) { old, s.umask = s.umask, mask&0o777 })
	return old
}

// update changes the shared state atomically; f may run more than once.
func (c *Context) update(f func(*dirState)) {
	for {
		old := c.dirs.now.Load()
		s := *old
		f(&s)
		if c.dirs.now.CompareAndSwap(old, &s) {
			return
		}
	}
}
