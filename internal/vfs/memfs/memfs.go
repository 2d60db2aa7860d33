// Package memfs is a writable file system in memory.
//
// # Model
//
// A directory holds its entries in a map, and in a list by age, whose sequence numbers are
// the cookies of readdir. A regular file holds pages of 4 KiB in a radix tree; a page that
// is absent is a hole. Every page and every name is charged against the limits of the file
// system before it exists, and given back when it goes: ENOSPC is exact.
//
// A file system may lie over a Base, a read-only tree that never changes (package layerfs).
// Then a directory takes over the names of its base directory when it is first looked at,
// and an absent page of a file is the page of the base file. So a name that is deleted or
// renamed needs no record, a rename of a directory moves one entry, and a write copies one
// page. What came from the base is not charged; what is changed or added is.
//
// # Mappings
//
// The content of a file that is mapped is a file in the host's memory (a memfd), so that a mapping shows its
// pages, reads and writes go to the same, and a truncation takes them away under a mapping (mapping.go). It becomes one at its first mapping; what it has
// of the base is copied then, and is compared with the digest of the base's list, if it has one. When the last mapping has gone a small file goes back to
// the heap, a large one stays, and an unchanged copy of the base is kept for the next. A file that is
// never mapped costs no descriptor and no system call. While a mapping may write, the content has no version.
//
// # Lifetime
//
// A regular file lives while it has names, open handles or pins. With the last of them it
// is dead: its pages are given back, and it cannot be opened any more. Directories, links
// and special files own nothing but their name.
//
// # Lock order
//
//	FS.renames            renames from one directory to another
//	dir.mu                an ancestor before a descendant; unrelated ones by inode number
//	file.mu               content; held while guest memory is touched, released by defer
//	inode.attr            attributes, links and pins
//	FS.pool               free pages
//	memories.mu           which files are memory of the host
//
// The order of two unrelated directories is stable because only a rename between
// directories could make one the ancestor of the other, and only such a rename holds two.
// Sizes, times, modes and owners are atomic: a walk and a stat take no lock of a file.
package memfs

import (
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
)

// Options are the parameters of a file system.
type Options struct {
	Dev    uint64       // st_dev, different for each file system of a container
	Bytes  int64        // limit of content; 0 is DefaultBytes
	Inodes int64        // limit of names and files; 0 is DefaultInodes
	Mode   uint32       // of the root directory; 0 is 0755
	Type   string       // as in /proc/mounts; "" is tmpfs
	Magic  int64        // as in statfs; 0 is TMPFS_MAGIC
	Base   Base         // what it lies over, or nil
	Clock  func() int64 // realtime in ns; nil is the host's
}

// Limits where Options has none.
const (
	DefaultBytes  = 1 << 30
	DefaultInodes = 1 << 18
)

// FS is a file system in memory.
type FS struct {
	opts Options
	root *vfs.Entry

	lastIno atomic.Uint64
	edits   atomic.Uint64 // of all inodes that are watched
	inodes  counter
	pages   counter

	renames sync.Mutex
	links   baseLinks
	pool    pagePool

	memories memories
}

// New makes a file system, empty or over its base.
func New(opts Options) (*FS, linux.Errno) {
	if opts.Bytes <= 0 {
		opts.Bytes = DefaultBytes
	}
	if opts.Inodes <= 0 {
		opts.Inodes = DefaultInodes
	}
	if opts.Mode == 0 {
		opts.Mode = 0o755
	}
	if opts.Type == "" {
		opts.Type, opts.Magic = "tmpfs", linux.TMPFS_MAGIC
	}
	if opts.Clock == nil {
		opts.Clock = func() int64 { return time.Now().UnixNano() }
	}
	fs := &FS{opts: opts}
	fs.inodes.limit = opts.Inodes
	fs.pages.limit = opts.Bytes / pageSize
	var d *dir
	if opts.Base != nil {
		b, e := opts.Base.Root()
		if e != 0 {
			return nil, e
		}
		d = fs.baseDir(&b)
	} else {
		d = fs.newDir(&vfs.NewNode{Mode: linux.S_IFDIR | opts.Mode})
		fs.inodes.take(1)
	}
	fs.root = vfs.NewRoot(d)
	d.entry = fs.root
	return fs, 0
}

// Root is the root directory.
func (fs *FS) Root() *vfs.Entry { return fs.root }

// Type is the name of the file system's type.
func (fs *FS) Type() string { return fs.opts.Type }

// Statfs tells the limits and what is left of them.
func (fs *FS) Statfs() (linux.Statfs, linux.Errno) {
	s := linux.Statfs{
		Type: fs.opts.Magic, Bsize: pageSize, Frsize: pageSize, Namelen: linux.NAME_MAX,
		Blocks: uint64(fs.pages.limit), Bfree: uint64(fs.pages.left()),
		Files: uint64(fs.inodes.limit), Ffree: uint64(fs.inodes.left()),
		Fsid: [2]int32{int32(fs.opts.Dev), int32(fs.opts.Dev >> 32)},
	}
	s.Bavail = s.Bfree
	return s, 0
}

// counter counts what is in use of something limited.
type counter struct {
	limit int64
	used  atomic.Int64
}

// take reserves n, or says that there are not so many left.
func (c *counter) take(n int64) bool {
	for {
		u := c.used.Load()
		if n > c.limit-u {
			return false
		}
		if c.used.CompareAndSwap(u, u+n) {
			return true
		}
	}
}

func (c *counter) give(n int64) { c.used.Add(-n) }

func (c *counter) left() int64 { return c.limit - c.used.Load() }
