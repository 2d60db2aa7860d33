package memfs

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Base is a read-only tree under a file system, which never changes.
type Base interface {
	Root() (BaseNode, linux.Errno)
	// Find gives the node of a path that a BaseNode had.
	Find(path string) (BaseNode, linux.Errno)
}

// BaseNode describes a node of a base.
type BaseNode struct {
	Path string     // in the base, absolute: a file system that was saved finds the node again
	Stat linux.Stat // Dev and Ino tell hard links; the rest is what the guest sees at first
	Link string     // target of a symbolic link
	// List gives the names of a directory; it is called once or not at all.
	List func() ([]BaseEntry, linux.Errno)
	// Open opens a regular file for reading. It may be called again after a Close.
	Open func() (vfs.File, linux.Errno)
}

// BaseEntry is a name in a directory of a base.
type BaseEntry struct {
	Name string
	Node BaseNode
}

// baseLinks finds the node of a file in the base that has several names.
type baseLinks struct {
	mu sync.Mutex

	// guarded by mu
	known map[[2]uint64]vfs.Node
}

// initBase sets up an inode that comes from the base.
func (n *inode) initBase(fs *FS, s *linux.Stat) {
	n.fs, n.ino = fs, fs.lastIno.Add(1)
	n.mode.Store(s.Mode)
	n.setOwner(s.UID, s.GID)
	n.nlink.Store(int32(s.Nlink))
	n.free = int32(s.Nlink)
	n.atime.Store(nanos(s.Atim, 0))
	n.mtime.Store(nanos(s.Mtim, 0))
	n.ctime.Store(nanos(s.Ctim, 0))
	n.born = min(n.mtime.Load(), n.ctime.Load())
}

func (fs *FS) baseDir(b *BaseNode) *dir {
	d := &dir{children: map[string]child{}, seq: dotDotCookie, base: b.List, basePath: b.Path}
	d.initBase(fs, &b.Stat)
	d.free = 1
	return d
}

// populateLocked takes the names of the base over. Precondition: mu is held, base is set.
func (d *dir) populateLocked() linux.Errno {
	list, e := d.base()
	if e != 0 {
		return e
	}
	d.nlink.Store(2)
	for i := range list {
		n := d.fs.baseNode(&list[i].Node)
		ent := vfs.NewEntry(d.entry, list[i].Name, n)
		if sub, ok := n.(*dir); ok {
			sub.entry = ent
		}
		d.insertLocked(list[i].Name, ent)
	}
	d.base = nil
	return 0
}

// baseNode makes the node for b, or finds it if it was made for another of its names.
func (fs *FS) baseNode(b *BaseNode) vfs.Node {
	if b.Stat.Mode&linux.S_IFMT == linux.S_IFDIR {
		return fs.baseDir(b)
	}
	if b.Stat.Nlink <= 1 {
		return fs.newBaseNode(b)
	}
	key := [2]uint64{b.Stat.Dev, b.Stat.Ino}
	fs.links.mu.Lock()
	defer fs.links.mu.Unlock()
	if n, ok := fs.links.known[key]; ok {
		return n
	}
	if fs.links.known == nil {
		fs.links.known = map[[2]uint64]vfs.Node{}
	}
	n := fs.newBaseNode(b)
	fs.links.known[key] = n
	return n
}

func (fs *FS) newBaseNode(b *BaseNode) vfs.Node {
	switch b.Stat.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		f := &file{base: &baseFile{path: b.Path, open: b.Open}, baseSize: b.Stat.Size}
		f.initBase(fs, &b.Stat)
		f.size.Store(b.Stat.Size)
		f.blocks.Store(f.basePages())
		return f
	case linux.S_IFLNK:
		l := &symlink{target: b.Link}
		l.initBase(fs, &b.Stat)
		return l
	}
	s := &special{rdev: b.Stat.Rdev}
	s.initBase(fs, &b.Stat)
	return s
}

// baseFile is the content of a file in the base: open between the first read and the end
// of the last handle.
type baseFile struct {
	path string
	mu   sync.Mutex
	open func() (vfs.File, linux.Errno)

	// guarded by mu
	file vfs.File
}

// read reads at off. The file stays open as long as the caller's pin.
func (b *baseFile) read(p []byte, off int64) (int, linux.Errno) {
	f, e := b.get()
	if e != 0 {
		return 0, e
	}
	return f.Read(p, off)
}

func (b *baseFile) get() (vfs.File, linux.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		return b.file, 0
	}
	f, e := b.open()
	if e == 0 {
		b.file = f
	}
	return f, e
}

// close closes it until the next read.
func (b *baseFile) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		b.file.Close()
		b.file = nil
	}
}
