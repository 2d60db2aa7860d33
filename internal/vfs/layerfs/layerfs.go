// Package layerfs puts a writable layer in memory over a read-only file system.
//
// # Model
//
// A layer is a file system of package memfs whose Base is another file system, which must
// not change while the layer lives. The layer never writes to it. When a directory is
// first looked at, its names are copied into memory, each with a node that has an inode
// number of its own from then on; content stays below, and a page is copied when it is
// first written to. So what other systems keep records for follows by itself: a removed
// name is a name that is no longer in memory (whiteout), a directory made where one was
// removed starts without names (opaque), a directory of the base is renamed by moving its
// entry, and an inode number never changes by being written to (copy-up).
//
// The names of a hard link in the base share one node, by device and inode number.
//
// The limits of the layer count what is added or changed. What lies below is bounded by
// who made it.
//
// # Lock order
//
// That of memfs; the file system below comes after it.
package layerfs

import (
	"path"
	"strings"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/memfs"
)

// New makes a layer over lower. opts.Base is set here.
func New(lower vfs.FS, opts memfs.Options) (*memfs.FS, linux.Errno) {
	opts.Base = &base{lower: lower, c: vfs.NewContext(vfs.NewNamespace(lower, "", vfs.ReadOnly), vfs.Root(), nil)}
	if opts.Type == "" {
		opts.Type, opts.Magic = "overlay", linux.OVERLAYFS_SUPER_MAGIC
	}
	return memfs.New(opts)
}

// base is a file system seen as a base of memfs.
type base struct {
	lower vfs.FS
	c     *vfs.Context // root's, to read it with
}

// Root describes the root directory.
func (b *base) Root() (memfs.BaseNode, linux.Errno) { return b.node("/", b.lower.Root()) }

// Find walks to a path. A name that is not there any more is ENOENT.
func (b *base) Find(name string) (memfs.BaseNode, linux.Errno) {
	ent := b.lower.Root()
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			continue
		}
		d, ok := ent.Node().(vfs.Dir)
		if !ok {
			return memfs.BaseNode{}, linux.ENOTDIR
		}
		var e linux.Errno
		if ent, e = d.Lookup(b.c, ent, part); e != 0 {
			return memfs.BaseNode{}, e
		}
	}
	return b.node(name, ent)
}

// node describes the node of an entry, whose path in the file system below is name.
func (b *base) node(name string, ent *vfs.Entry) (n memfs.BaseNode, e linux.Errno) {
	n.Path = name
	if n.Stat, e = ent.Node().Stat(); e != 0 {
		return n, e
	}
	switch v := ent.Node().(type) {
	case vfs.Dir:
		n.List = func() ([]memfs.BaseEntry, linux.Errno) { return b.list(name, ent, v) }
	case vfs.Symlink:
		n.Link, e = v.Readlink(b.c)
	default:
		n.Open = func() (vfs.File, linux.Errno) { return v.Open(b.c, linux.O_RDONLY|linux.O_NOATIME) }
	}
	return n, e
}

// list reads a directory. A name that is not found any more, or that lies out of reach,
// is left out.
func (b *base) list(at string, ent *vfs.Entry, d vfs.Dir) ([]memfs.BaseEntry, linux.Errno) {
	names, e := b.names(d)
	if e != 0 {
		return nil, e
	}
	list := make([]memfs.BaseEntry, 0, len(names))
	for _, name := range names {
		child, e := d.Lookup(b.c, ent, name)
		if e == linux.ENOENT || e == linux.EXDEV {
			continue
		}
		if e != 0 {
			return nil, e
		}
		n, e := b.node(path.Join(at, name), child)
		if e != 0 {
			return nil, e
		}
		list = append(list, memfs.BaseEntry{Name: name, Node: n})
	}
	return list, 0
}

// names lists the names in a directory, without "." and "..".
func (b *base) names(d vfs.Dir) ([]string, linux.Errno) {
	f, e := d.Open(b.c, linux.O_RDONLY|linux.O_DIRECTORY)
	if e != 0 {
		return nil, e
	}
	defer f.Close()
	r, ok := f.(vfs.DirReader)
	if !ok {
		return nil, linux.ENOTDIR
	}
	var names []string
	e = r.ReadDir(b.c, 0, func(ent *linux.Dirent) bool {
		if ent.Name != "." && ent.Name != ".." {
			names = append(names, ent.Name)
		}
		return true
	})
	return names, e
}

// Types are what this package saves.
var Types = []state.Type{state.Of[base](1)}

// StateType names the type.
func (*base) StateType() string { return "layerfs.base" }

// SaveState writes the file system below, and the context that reads it.
func (b *base) SaveState(e *state.Encoder) {
	state.RefAny(e, b.lower)
	state.Ref(e, b.c)
}

// LoadState reads it.
func (b *base) LoadState(d *state.Decoder) {
	b.lower = state.Need[vfs.FS](d)
	b.c = state.Need[*vfs.Context](d)
}

// Externals are those of the file system below.
func (b *base) Externals(give func(name string, o any)) {
	if h, ok := b.lower.(vfs.HostBacked); ok {
		h.Externals(give)
	}
}
