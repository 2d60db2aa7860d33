package vfs

import (
	"strconv"

	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/wait"
)

// pathFile is what an O_PATH descriptor holds: it can be used as a place, not be read or
// written (package fd answers EBADF before it comes to that).
type pathFile struct {
	node Node
}

func (f *pathFile) Stat() (linux.Stat, linux.Errno)        { return f.node.Stat() }
func (f *pathFile) Read([]byte, int64) (int, linux.Errno)  { return 0, linux.EBADF }
func (f *pathFile) Write([]byte, int64) (int, linux.Errno) { return 0, linux.EBADF }
func (f *pathFile) Poll() wait.Events                      { return wait.Nval }
func (f *pathFile) Queue() *wait.Queue                     { return nil }

func (f *pathFile) Close() {
	if p, ok := f.node.(Pinner); ok {
		p.Unpin()
	}
}

// openPath opens with O_PATH.
func (w *walker) openPath(how OpenHow) (File, Path, linux.Errno) {
	p, e := w.resolveAll(how.Flags&linux.O_NOFOLLOW == 0)
	if e != 0 {
		return nil, Path{}, e
	}
	if e := w.c.may(p, "", policy.Look); e != 0 {
		return nil, Path{}, e
	}
	if how.Flags&linux.O_DIRECTORY != 0 && p.Node().Perm().Type() != linux.S_IFDIR {
		return nil, Path{}, linux.ENOTDIR
	}
	if pin, ok := p.Node().(Pinner); ok && !pin.Pin() {
		return nil, Path{}, linux.ENOENT
	}
	return &pathFile{p.Node()}, p, 0
}

// OpenExec opens a program for execveat(2): a regular file that the caller may execute.
// The right to read is not needed. A Text is open to nobody for writing (ETXTBSY) from then
// on until the caller says AllowWrite, and its content is kept, though it be deleted: it is
// /proc/PID/exe.
func (c *Context) OpenExec(at Path, name string, flags uint32) (File, Path, linux.Errno) {
	p, e := c.lookup(at, name, flags, c.Cred())
	if e != 0 {
		return nil, Path{}, e
	}
	perm := p.Node().Perm()
	switch {
	case perm.Type() == linux.S_IFLNK:
		return nil, Path{}, linux.ELOOP
	case perm.Type() != linux.S_IFREG && !mutant.Off("exec.kind"),
		p.Mount.Flags&NoExec != 0 && !mutant.Off("exec.noexec"),
		!c.Cred().allowed(perm, linux.X_OK) && !mutant.Off("exec.x-bit"):
		return nil, p, linux.EACCES
	}
	text, ok := p.Node().(Text)
	if ok && !text.DenyWrite() && !mutant.Off("exec.busy") {
		return nil, p, linux.ETXTBSY
	}
	f, e := p.Node().Open(c, linux.O_RDONLY)
	if e != 0 {
		if ok {
			text.AllowWrite()
		}
		return nil, p, e
	}
	if pin, ok := p.Node().(Pinner); ok {
		pin.Pin() // it lives, since it is open
	}
	return f, p, 0
}

// AllowWrite ends what OpenExec began for the file at p.
func AllowWrite(p Path) {
	if p.IsZero() {
		return
	}
	if text, ok := p.Node().(Text); ok {
		text.AllowWrite()
	}
	if pin, ok := p.Node().(Pinner); ok {
		pin.Unpin()
	}
}

// decimal is the inode number of n as text.
func decimal(n Node) string {
	s, _ := n.Stat()
	return strconv.FormatUint(s.Ino, 10)
}
