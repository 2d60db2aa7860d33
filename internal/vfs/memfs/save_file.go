package memfs

import (
	"math"
	"math/bits"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

// StateType names the type.
func (*file) StateType() string { return "memfs.file" }

// SaveState writes the file with its content. Memory that is an unchanged copy of the base and not mapped is
// not worth it: the file is written as if it had none.
func (f *file) SaveState(e *state.Encoder) {
	f.inode.saveInode(e)
	e.Int(f.Writers.Count())
	e.Int(f.size.Load())
	e.Uint(f.version)
	e.Uint(uint64(f.pins))
	for _, b := range []bool{f.dead, f.linkable, f.sealable, f.base != nil} {
		e.Bool(b)
	}
	e.Uint(uint64(f.seals))
	m, below := f.memory, f.baseSize
	if m != nil && m.mappings == 0 && m.isBase(f) {
		m, below = nil, f.baseKept
	}
	if f.base != nil {
		e.String(f.base.path)
		e.Int(below)
		e.Int(f.baseKept)
	}
	e.Bool(m != nil)
	if m == nil {
		switch {
		case f.memory != nil: // there are none
			e.Bool(false)
		case f.pages.count > 1 && f.lent == nil:
			f.lend(e)
		default:
			f.savePages(e)
		}
		return
	}
	m.saveState(e, f)
}

// isBase reports whether the memory is an unchanged copy of the base.
func (m *memory) isBase(f *file) bool { return m.clean && m.version == f.version && m.writers == 0 }

// LoadState reads it.
func (f *file) LoadState(d *state.Decoder) {
	f.inode.loadInode(d, linux.S_IFREG)
	f.Writers.Restore(d.Int(math.MinInt32, math.MaxInt32))
	f.size.Store(d.Int(0, math.MaxInt64))
	f.version = d.Uint(math.MaxUint64)
	f.pins = int(d.Uint(math.MaxInt32))
	f.dead, f.linkable, f.sealable = d.Bool(), d.Bool(), d.Bool()
	based := d.Bool()
	f.seals = uint32(d.Uint(linux.F_ALL_SEALS))
	if based {
		path := d.String()
		f.base = &baseFile{path: path, open: func() (vfs.File, linux.Errno) { return f.fs.openBase(path) }}
		f.baseSize, f.baseKept = d.Int(0, f.size.Load()), d.Int(0, math.MaxInt64)
	}
	if d.Bool() {
		f.loadMemory(d)
		return
	}
	for d.Bool() {
		f.loadPages(d)
	}
	f.recountLocked()
}

// group is up to 64 KiB of a file's pages, from a multiple of 64 KiB on, so that equal files make equal chunks.
type group struct {
	index int64
	data  uint16 // pages that it has
	holes uint16 // pages of zeros that hide the base's
	first *page  // of those in data
	bytes []byte // of those in data, in order, if they are several
	end   int64  // of the content, from the last of these pages on; after it are zeros
}

const groupPages = 16

// add puts a page into the group, after which the content has so many bytes from its beginning. A single page is
// not copied.
func (g *group) add(p *page, bit uint16, end int64) {
	switch {
	case g.data == 0:
		g.first = p
	case len(g.bytes) == 0:
		g.bytes = append(append(g.bytes, g.first[:]...), p[:]...)
	default:
		g.bytes = append(g.bytes, p[:]...)
	}
	g.data |= bit
	g.end = end
}

// save writes the group and empties it. What is small is not worth a chunk.
func (g *group) save(e *state.Encoder) {
	if g.data|g.holes == 0 {
		return
	}
	e.Bool(true)
	e.Int(g.index)
	e.Uint(uint64(g.data))
	e.Uint(uint64(g.holes))
	if g.data != 0 {
		small := len(g.bytes) == 0
		if e.Bool(small); small {
			e.Bytes(trimmed(g.first[:max(0, min(g.end, pageSize))]))
		} else {
			e.Chunk(g.bytes)
		}
	}
	g.data, g.holes, g.bytes = 0, 0, g.bytes[:0]
}

// at makes it the group of page i, and gives the page's bit.
func (g *group) at(e *state.Encoder, i int64) uint16 {
	if i/groupPages != g.index {
		g.save(e)
		g.index = i / groupPages
	}
	return 1 << (i % groupPages)
}

// savePages writes the pages on the heap.
func (f *file) savePages(e *state.Encoder) {
	var g group
	for i, ok := f.pages.next(0); ok && !e.Failed(); i, ok = f.pages.next(i + 1) {
		bit := g.at(e, i)
		if pg := f.pages.get(i); pg == hole {
			g.holes |= bit
		} else {
			g.add(pg, bit, f.size.Load()-i*pageSize)
		}
	}
	g.save(e)
	e.Bool(false)
}

// loadGroup reads one group.
func loadGroup(d *state.Decoder) (g group) {
	g.index = d.Int(0, math.MaxInt64/pageSize/groupPages)
	g.data, g.holes = uint16(d.Uint(math.MaxUint16)), uint16(d.Uint(math.MaxUint16))
	size := bits.OnesCount16(g.data) * pageSize
	// What lies far away has branches of the tree of its own. A chunk counts itself.
	cost := int64(min(size, pageSize))
	if g.index > 1<<10 {
		cost += 10 << 10
	}
	if g.data&g.holes != 0 {
		d.Failf("pages of a group are holes, and are not")
	}
	if !d.Take(cost) || g.data == 0 {
		return g
	}
	small := d.Bool()
	if small != (size == pageSize) {
		d.Failf("a group of %d bytes is said to be small or not", size)
		return g
	}
	if g.bytes = make([]byte, size); small {
		if b := d.Bytes(); copy(g.bytes, b) < len(b) {
			d.Failf("a page of %d bytes", len(b))
		}
		return g
	}
	if b := d.Chunk(); copy(g.bytes, b) != size {
		d.Failf("%d bytes for pages of %d", len(b), size)
	}
	return g
}

// each calls do for the pages that have data.
func (g *group) each(do func(i int64, p []byte)) {
	for k, at := 0, 0; k < groupPages && at+pageSize <= len(g.bytes); k++ {
		if g.data>>k&1 != 0 {
			do(g.index*groupPages+int64(k), g.bytes[at:at+pageSize])
			at += pageSize
		}
	}
}

// loadPages reads a group onto the heap.
func (f *file) loadPages(d *state.Decoder) {
	g := loadGroup(d)
	if d.Failed() {
		return
	}
	g.each(func(i int64, p []byte) { f.pages.set(i, (*page)(p)) })
	for k := range int64(groupPages) {
		if g.holes>>k&1 != 0 {
			f.pages.set(g.index*groupPages+k, hole)
		}
	}
}

// saveState writes the memory of a file, with the runs that hold pages. Who waits for words in it comes again.
func (m *memory) saveState(e *state.Encoder, f *file) {
	e.Int(m.users.Load())
	e.Uint(uint64(m.mappings))
	e.Uint(uint64(m.writers))
	e.Bool(m.clean)
	e.Uint(m.version)
	e.Bool(m.isBase(f))
	if m.isBase(f) {
		return
	}
	e.Int(m.free)
	var g group
	buf, pg := make([]byte, pageSize), (*page)(nil)
	errno := m.data(0, f.size.Load(), func(lo, hi int64) linux.Errno {
		for at := lo; at < hi && !e.Failed(); at += pageSize {
			n, errno := m.read(buf, at)
			if errno != 0 {
				return errno
			}
			clear(buf[n:])
			bit := g.at(e, at/pageSize)
			if len(g.bytes) == 0 {
				pg = new(page) // the group keeps it
			}
			copy(pg[:], buf)
			g.add(pg, bit, f.size.Load()-at)
		}
		return 0
	})
	if errno != 0 {
		e.Fail(errno)
	}
	g.save(e)
	e.Bool(false)
}

// loadMemory makes the content memory of the host again.
func (f *file) loadMemory(d *state.Decoder) {
	users, mappings, writers := d.Int(0, math.MaxInt32), int(d.Uint(math.MaxInt32)), int(d.Uint(math.MaxInt32))
	clean, version, copied := d.Bool(), d.Uint(math.MaxUint64), d.Bool()
	if d.Failed() {
		return
	}
	m, errno := f.fs.memories.make("file", f.size.Load())
	if errno != 0 {
		d.Failf("memory of %d bytes for a file that is mapped: %w", f.size.Load(), errno)
		return
	}
	d.Undo(func() { m.host.Close() })
	m.mappings, m.writers, m.clean, m.version = mappings, writers, clean, version
	m.users.Store(users)
	f.memory = m
	if copied {
		f.memoryOfBase(d)
		return
	}
	m.free = d.Int(0, math.MaxInt64)
	for d.Bool() {
		g := loadGroup(d)
		if d.Failed() {
			return
		}
		size := f.size.Load()
		g.each(func(i int64, p []byte) {
			p = p[:max(0, min(pageSize, size-i*pageSize))]
			if _, errno := m.write(p, i*pageSize); errno != 0 {
				d.Failf("memory of %d bytes for a file that is mapped: %w", size, errno)
			}
		})
	}
	f.chargeLocked()
}

// memoryOfBase copies the base into the memory, once that can be read.
func (f *file) memoryOfBase(d *state.Decoder) {
	if f.base == nil {
		d.Failf("file %d is a copy of no base", f.ino)
		return
	}
	d.Complete(func() error {
		f.baseSize = f.baseKept
		errno := f.copyBaseLocked(f.memory)
		f.baseSize = 0
		if errno != 0 {
			return errno
		}
		f.memory.free = f.memory.pages()
		f.chargeLocked()
		return nil
	})
}
