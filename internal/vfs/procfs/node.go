package procfs

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// kind is what a node is: a row of a table.
type kind struct {
	name string
	mode uint32 // with the type bits
	ino  uint64 // number of the row, unique in its table

	text  func(r *request) []byte                  // of a regular file
	store func(r *request, p []byte) linux.Errno   // of a regular file that can be written
	link  func(r *request) (string, linux.Errno)   // of a symbolic link
	jump  func(r *request) (vfs.Path, linux.Errno) // of a magic link
	rows  []*kind                                  // of a directory: what is always there
	list  func(r *request) []member                // of a directory: what comes and goes
	find  func(r *request, name string) (vfs.Node, bool)

	private bool // for the process's user and root only
}

// member is an entry of a directory that comes and goes. Its cookie grows with num.
type member struct {
	name string
	num  int
	typ  uint8
}

// request is one look at a node: who asks, and about which process.
type request struct {
	fs   *FS
	c    *vfs.Context // nil if nobody in particular
	proc Process      // nil outside of /proc/PID
	tid  int
	num  int
}

// node is a file of /proc. Nodes are compared by value.
type node struct {
	fs   *FS
	kind *kind
	pid  int // 0: not of a process
	tid  int // 0: of the process as a whole
	num  int // of a descriptor
}

// wrap gives the node the methods of its type.
func (n node) wrap() vfs.Node {
	switch {
	case n.kind.jump != nil:
		return magic{link{n}}
	case n.kind.link != nil:
		return link{n}
	case n.kind.mode&linux.S_IFMT == linux.S_IFDIR:
		return dir{n}
	}
	return file{n}
}

// request prepares a look. ENOENT: the process has gone.
func (n node) request(c *vfs.Context) (*request, linux.Errno) {
	r := &request{fs: n.fs, c: c, tid: n.tid, num: n.num}
	if n.pid == 0 {
		return r, 0
	}
	p, ok := n.process()
	if !ok {
		return nil, linux.ENOENT
	}
	r.proc = p
	return r, n.allowed(c, p)
}

// process finds the process, as the thread shows it if the node is of one.
func (n node) process() (Process, bool) {
	p, ok := n.fs.sys.Find(n.pid)
	if ok && n.tid != 0 {
		return p.Thread(n.tid)
	}
	return p, ok
}

// allowed keeps what is private from other users.
func (n node) allowed(c *vfs.Context, p Process) linux.Errno {
	if !n.kind.private || c == nil || c.Cred().Super() {
		return 0
	}
	f := p.Facts()
	if c.Cred().FSUID == f.UID[1] && f.UID[0] == f.UID[1] {
		return 0
	}
	return linux.EACCES
}

// owner gives the ids that the node belongs to: those of its process.
func (n node) owner() (uid, gid uint32) {
	if n.pid != 0 {
		if p, ok := n.process(); ok {
			f := p.Facts()
			return f.UID[1], f.GID[1]
		}
	}
	return 0, 0
}

// Perm gives mode and owner.
func (n node) Perm() vfs.Perm {
	uid, gid := n.owner()
	return vfs.Perm{Mode: n.kind.mode, UID: uid, GID: gid}
}

// Stat gives the attributes. Sizes are 0, as on Linux.
func (n node) Stat() (linux.Stat, linux.Errno) {
	t := n.fs.boot
	if n.pid != 0 {
		p, ok := n.process()
		if !ok {
			return linux.Stat{}, linux.ENOENT
		}
		s := p.Facts().Started
		t = linux.Timespec{Sec: s.Unix(), Nsec: int64(s.Nanosecond())}
	}
	uid, gid := n.owner()
	s := linux.Stat{
		Dev: n.fs.dev, Ino: n.ino(), Nlink: 1, Mode: n.kind.mode, UID: uid, GID: gid,
		Blksize: 1024, Atim: t, Mtim: t, Ctim: t,
	}
	if n.kind.mode&linux.S_IFMT == linux.S_IFDIR {
		s.Nlink = 2
	}
	if n.kind == linkFD {
		s.Size, s.Mode = 64, n.fdMode()
	}
	return s, 0
}

// fdMode shows in the mode of a descriptor's link how it is open.
func (n node) fdMode() uint32 {
	mode := uint32(linux.S_IFLNK | 0o100)
	p, ok := n.fs.sys.Find(n.pid)
	if !ok {
		return mode
	}
	d, e := p.Files().GetAny(int32(n.num))
	if e != 0 {
		return mode
	}
	defer d.Unref()
	if d.Readable() {
		mode |= 0o400
	}
	if d.Writable() {
		mode |= 0o200
	}
	return mode
}

// ino numbers the node: thread and process (15 bits each), row, descriptor.
func (n node) ino() uint64 {
	return uint64(n.tid)<<48 | uint64(n.pid)<<33 | n.kind.ino<<24 | uint64(uint32(n.num))&0xffffff
}

// SetAttr refuses.
func (n node) SetAttr(*vfs.Attr) linux.Errno { return linux.EPERM }

// link is a symbolic link.
type link struct{ node }

// Open is not called for links.
func (l link) Open(*vfs.Context, uint32) (vfs.File, linux.Errno) { return nil, linux.ELOOP }

// Readlink gives the target.
func (l link) Readlink(c *vfs.Context) (string, linux.Errno) {
	r, e := l.request(c)
	if e != 0 {
		return "", e
	}
	return l.kind.link(r)
}

// magic is a link to an object.
type magic struct{ link }

// Jump gives the object's place.
func (m magic) Jump(c *vfs.Context) (vfs.Path, linux.Errno) {
	r, e := m.request(c)
	if e != 0 {
		return vfs.Path{}, e
	}
	return m.kind.jump(r)
}
