package memfs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

// Types are what this package saves. The base of a file system is an external, or an object of package layerfs.
var Types = []state.Type{
	state.Of[FS](1), state.Of[file](1), state.Of[dir](1), state.Of[symlink](1), state.Of[special](1),
	state.Of[handle](1), state.Of[dirHandle](1), state.Of[mapping](1),
}

// Externals are those of the base.
func (fs *FS) Externals(give func(name string, o any)) {
	if h, ok := fs.opts.Base.(vfs.HostBacked); ok {
		h.Externals(give)
	}
}

// StateType names the type.
func (*FS) StateType() string { return "memfs.FS" }

// SaveState writes the file system. What files that are memory of the host are charged is not counted: they are charged
// again as they are loaded.
func (fs *FS) SaveState(e *state.Encoder) {
	o := &fs.opts
	e.Uint(o.Dev)
	e.Int(o.Bytes)
	e.Int(o.Inodes)
	e.Uint(uint64(o.Mode))
	e.String(o.Type)
	e.Int(o.Magic)
	state.RefAny(e, o.Base)
	state.Ref(e, fs.root)
	e.Uint(fs.lastIno.Load())
	e.Int(fs.inodes.used.Load())
	used := fs.pages.used.Load()
	for m := range fs.memories.all {
		used -= m.charged
	}
	e.Int(used)
	fs.links.saveState(e)
}

// LoadState reads it. Files may be there already, and charged.
func (fs *FS) LoadState(d *state.Decoder) {
	o := &fs.opts
	o.Dev = d.Uint(math.MaxUint64)
	o.Bytes, o.Inodes = d.Int(1, math.MaxInt64), d.Int(1, math.MaxInt64)
	o.Mode = uint32(d.Uint(0o7777))
	o.Type, o.Magic = d.String(), d.Int(math.MinInt64, math.MaxInt64)
	o.Base = state.Get[Base](d)
	o.Clock = func() int64 { return time.Now().UnixNano() }
	fs.root = state.Need[*vfs.Entry](d)
	fs.lastIno.Store(d.Uint(math.MaxUint64))
	fs.inodes.limit, fs.pages.limit = o.Inodes, o.Bytes/pageSize
	fs.inodes.used.Add(d.Int(0, math.MaxInt64))
	fs.pages.used.Add(d.Int(0, math.MaxInt64/2))
	fs.links.loadState(d)
	d.Complete(func() error {
		if n, ok := fs.root.Node().(*dir); !ok || n.fs != fs || n.entry != fs.root {
			return errors.New("the root of a file system in memory is no directory of it")
		}
		return nil
	})
}

// saveState writes which files of the base that have several names are known.
func (l *baseLinks) saveState(e *state.Encoder) {
	keys := make([][2]uint64, 0, len(l.known))
	for k := range l.known {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]uint64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	e.Len(len(keys))
	for _, k := range keys {
		e.Uint(k[0])
		e.Uint(k[1])
		state.RefAny(e, l.known[k])
	}
}

func (l *baseLinks) loadState(d *state.Decoder) {
	for range d.Count(3) {
		if l.known == nil {
			l.known = map[[2]uint64]vfs.Node{}
		}
		k := [2]uint64{d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)}
		l.known[k] = state.Need[vfs.Node](d)
	}
}

// saveInode writes what all nodes have.
func (n *inode) saveInode(e *state.Encoder) {
	state.Ref(e, n.fs)
	e.Uint(n.ino)
	e.Int(n.born)
	e.Uint(uint64(n.mode.Load()))
	e.Uint(n.owner.Load())
	e.Int(int64(n.nlink.Load()))
	e.Int(n.atime.Load())
	e.Int(n.mtime.Load())
	e.Int(n.ctime.Load())
	e.Int(int64(n.free))
}

// loadInode reads it; kinds are the types that it may have.
func (n *inode) loadInode(d *state.Decoder, kinds ...uint32) {
	n.fs = state.Need[*FS](d)
	n.ino = d.Uint(math.MaxUint64)
	time := func() int64 { return d.Int(math.MinInt64, math.MaxInt64) }
	n.born = time()
	n.mode.Store(uint32(d.Uint(math.MaxUint32)))
	n.owner.Store(d.Uint(math.MaxUint64))
	n.nlink.Store(int32(d.Int(math.MinInt32, math.MaxInt32)))
	n.atime.Store(time())
	n.mtime.Store(time())
	n.ctime.Store(time())
	n.free = int32(d.Int(math.MinInt32, math.MaxInt32))
	if !slices.Contains(kinds, n.mode.Load()&linux.S_IFMT) {
		d.Failf("inode %d has mode %o", n.ino, n.mode.Load())
	}
}

// StateType names the type.
func (*dir) StateType() string { return "memfs.dir" }

// SaveState writes the directory: its names in their order by age, or that they are still those of the base.
func (x *dir) SaveState(e *state.Encoder) {
	x.inode.saveInode(e)
	state.Ref(e, x.entry)
	e.Int(x.seq)
	e.Bool(x.removed)
	e.Bool(x.base != nil)
	if x.base != nil {
		e.String(x.basePath)
	}
	e.Len(len(x.order) - x.gone)
	for _, o := range x.order {
		if o.entry != nil {
			e.Int(o.seq)
			state.Ref(e, o.entry)
		}
	}
}

// LoadState reads it. The names are those of the entries.
func (x *dir) LoadState(d *state.Decoder) {
	x.inode.loadInode(d, linux.S_IFDIR)
	x.entry = state.Need[*vfs.Entry](d)
	x.seq = d.Int(dotDotCookie, math.MaxInt64/2)
	x.removed = d.Bool()
	if d.Bool() {
		x.basePath = d.String()
		x.base = func() ([]BaseEntry, linux.Errno) { return x.fs.listBase(x.basePath) }
	}
	x.order = make([]ordered, d.Count(2))
	for i := range x.order {
		x.order[i] = ordered{d.Int(dotDotCookie+1, x.seq), state.Need[*vfs.Entry](d)}
	}
	d.Complete(x.loadChildren)
}

// loadChildren makes the map of names.
func (x *dir) loadChildren() error {
	if x.entry.Node() != x {
		return fmt.Errorf("directory %d has a name that leads elsewhere", x.ino)
	}
	if p := x.entry.Parent(); p != nil {
		if n, ok := p.Node().(*dir); !ok || n.fs != x.fs {
			return fmt.Errorf("directory %d lies in no directory of its file system", x.ino)
		}
	}
	x.children = make(map[string]child, len(x.order))
	for i, o := range x.order {
		name := o.entry.Name()
		n, ok := o.entry.Node().(member)
		switch {
		case !ok || n.system() != x.fs || o.entry.Parent() != x.entry:
			return fmt.Errorf("directory %d holds %.100q, which does not lie there", x.ino, name)
		case i > 0 && x.order[i-1].seq >= o.seq:
			return fmt.Errorf("directory %d holds its names out of order", x.ino)
		}
		x.children[name] = child{o.entry, o.seq}
	}
	if len(x.children) != len(x.order) {
		return fmt.Errorf("directory %d holds a name twice", x.ino)
	}
	return nil
}

func (n *inode) system() *FS { return n.fs }

// listBase lists a directory of the base.
func (fs *FS) listBase(path string) ([]BaseEntry, linux.Errno) {
	n, e := fs.findBase(path)
	if e != 0 {
		return nil, e
	}
	if n.List == nil {
		return nil, linux.ENOTDIR
	}
	return n.List()
}

// openBase opens a file of the base.
func (fs *FS) openBase(path string) (vfs.File, linux.Errno) {
	n, e := fs.findBase(path)
	if e != 0 {
		return nil, e
	}
	if n.Open == nil {
		return nil, linux.EIO
	}
	return n.Open()
}

func (fs *FS) findBase(path string) (BaseNode, linux.Errno) {
	if fs.opts.Base == nil {
		return BaseNode{}, linux.EIO
	}
	return fs.opts.Base.Find(path)
}

// StateType names the type.
func (*symlink) StateType() string { return "memfs.symlink" }

// SaveState writes the link.
func (l *symlink) SaveState(e *state.Encoder) {
	l.inode.saveInode(e)
	e.String(l.target)
	e.Bool(l.paid)
}

// LoadState reads it.
func (l *symlink) LoadState(d *state.Decoder) {
	l.inode.loadInode(d, linux.S_IFLNK)
	l.target = d.String()
	l.paid = d.Bool()
}

// StateType names the type.
func (*special) StateType() string { return "memfs.special" }

// SaveState writes the node and what is behind it.
func (s *special) SaveState(e *state.Encoder) {
	s.inode.saveInode(e)
	e.Uint(s.rdev)
	state.RefAny(e, s.attached)
}

// LoadState reads it.
func (s *special) LoadState(d *state.Decoder) {
	s.inode.loadInode(d, linux.S_IFIFO, linux.S_IFSOCK, linux.S_IFCHR, linux.S_IFBLK)
	s.rdev = d.Uint(math.MaxUint64)
	s.attached = state.Get[any](d)
}

// StateType names the type.
func (*handle) StateType() string { return "memfs.handle" }

// SaveState writes the handle. Its file has counted it.
func (h *handle) SaveState(e *state.Encoder) {
	state.Ref(e, h.f)
	e.Bool(h.noatime)
	state.Ref(e, h.cred)
	e.Bool(h.writes)
}

// LoadState reads it.
func (h *handle) LoadState(d *state.Decoder) {
	h.f = state.Need[*file](d)
	h.noatime = d.Bool()
	h.cred = state.Need[*vfs.Cred](d)
	h.writes = d.Bool()
}

// StateType names the type.
func (*dirHandle) StateType() string { return "memfs.dirHandle" }

// SaveState writes the handle.
func (h *dirHandle) SaveState(e *state.Encoder) {
	state.Ref(e, h.d)
	e.Bool(h.noatime)
}

// LoadState reads it.
func (h *dirHandle) LoadState(d *state.Decoder) {
	h.d = state.Need[*dir](d)
	h.noatime = d.Bool()
}

// StateType names the type.
func (*mapping) StateType() string { return "memfs.mapping" }

// SaveState writes the use of a file's memory. The memory has counted it.
func (p *mapping) SaveState(e *state.Encoder) {
	state.Ref(e, p.f)
	e.Bool(p.writes)
	e.Bool(p.counted)
	e.Int(p.holds.Load())
}

// LoadState reads it.
func (p *mapping) LoadState(d *state.Decoder) {
	p.f = state.Need[*file](d)
	p.writes, p.counted = d.Bool(), d.Bool()
	p.holds.Store(d.Int(1, math.MaxInt32))
	d.After(func() error {
		if m := p.f.memory; m == nil || m.mappings == 0 || m.users.Load() < p.holds.Load() {
			return fmt.Errorf("file %d is mapped, and it is not said that it is", p.f.ino)
		}
		return nil
	})
}

// trimmed gives what is before the zeros at the end.
func trimmed(p []byte) []byte { return bytes.TrimRight(p, "\x00") }
