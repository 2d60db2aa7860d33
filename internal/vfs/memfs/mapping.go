package memfs

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"slices"
	"sync/atomic"

	"vkernel/internal/futex"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
	"vkernel/internal/vfs"
)

// mapping is the use of a file's memory by mappings of one description.
type mapping struct {
	f       *file // its memory stays as long as there are mappings
	writes  bool  // through it the content may change
	counted bool  // it counts as a writer of f
	holds   atomic.Int64
}

// Mapping makes the content memory of the host, if it is not, and keeps it so.
func (h *handle) Mapping(writes bool) (vfs.Mapping, linux.Errno) {
	f := h.f
	p := &mapping{f: f, writes: writes, counted: h.writes && !mutant.Off("mapping.busy")}
	if p.counted && !f.BeginWrite() {
		return nil, linux.ETXTBSY
	}
	e := linux.ENOENT
	if f.Pin() {
		if e = p.begin(); e != 0 {
			f.Unpin()
		}
	}
	if e != 0 {
		if p.counted {
			f.EndWrite()
		}
		return nil, e
	}
	p.Hold()
	return p, 0
}

func (p *mapping) begin() linux.Errno {
	f := p.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.memory == nil {
		if e := f.moveToMemoryLocked(); e != 0 {
			return e
		}
	}
	f.memory.mappings++
	if p.writes = p.writes && f.seals&unwritable == 0; p.writes {
		f.memory.writers++
		f.noted()
	}
	return 0
}

// end is the last Release. A guest may have changed the content until now.
func (p *mapping) end() {
	f := p.f
	f.mu.Lock()
	defer f.mu.Unlock()
	f.memory.mappings--
	if p.writes {
		f.memory.writers--
		if !mutant.Off("mapping.version") {
			f.changesLocked()
		}
	}
	f.chargeLocked()
	if f.memory.mappings == 0 {
		f.leaveMemoryLocked()
	}
}

// FD is the memory's descriptor.
func (p *mapping) FD() int { return p.f.memory.fd }

// Writes tells whether it may write.
func (p *mapping) Writes() bool { return p.writes }

// Futexes are the waiters for words in the file.
func (p *mapping) Futexes() *futex.Set { return &p.f.memory.futexes }

// Sync has nothing to do.
func (p *mapping) Sync() linux.Errno { return 0 }

// Users counts the holds of all mappings of the file.
func (p *mapping) Users() int { return int(p.f.memory.users.Load()) }

// Cached says no: the memory is the container's.
func (p *mapping) Cached() bool { return false }

// Hold holds it once more. Precondition: it is held, or new.
func (p *mapping) Hold() {
	p.holds.Add(1)
	p.f.memory.users.Add(1)
}

// Release ends a Hold.
func (p *mapping) Release() {
	p.f.memory.users.Add(-1)
	if p.holds.Add(-1) != 0 {
		return
	}
	p.end()
	if p.counted {
		p.f.EndWrite()
	}
	p.f.Unpin()
	p.f.fs.trimKept()
}

// moveToMemoryLocked copies the content into a memory and lets go of the pages. Precondition: mu is held, the
// file is pinned.
func (f *file) moveToMemoryLocked() linux.Errno {
	m, e := f.fs.memories.make("file", f.size.Load())
	if e != 0 {
		return e
	}
	if m.clean = f.pages.count == 0 && f.overlaid == 0; f.baseSize > 0 {
		m.clean = m.clean && f.baseSize == f.size.Load()
		e = f.copyBaseLocked(m)
	}
	if e == 0 {
		m.free = m.pages()
		e = f.copyPagesLocked(m)
	}
	if e != 0 {
		f.fs.memories.drop(m, f)
		return e
	}
	m.clean = m.clean && f.baseSize > 0
	m.version, m.charged = f.version, f.pages.count
	f.pages.cut(0, 1<<62, f.putPage)
	f.baseKept, f.baseSize, f.overlaid = f.baseSize, 0, 0
	f.memory = m
	f.chargeLocked()
	return 0
}

// copyBaseLocked copies the base where nothing lies over it. Where the base knows what its content has to be,
// what was copied is what was verified: a host's file that changes below the container changes no mapping.
func (f *file) copyBaseLocked(m *memory) linux.Errno {
	src, e := f.base.get()
	if e != 0 {
		return e
	}
	var sum hash.Hash
	v, verified := src.(vfs.Verified)
	if verified {
		sum = sha256.New()
	}
	buf := make([]byte, copyStep)
	for off := int64(0); ; {
		n, e := src.Read(buf, off)
		if e != 0 {
			return e
		}
		if n == 0 {
			if off < f.baseSize {
				return linux.EIO
			}
			break
		}
		if verified {
			sum.Write(buf[:n])
		} else if off >= f.baseSize {
			break
		}
		if e := f.copyOverLocked(m, buf[:n], off); e != 0 {
			return e
		}
		off += int64(n)
	}
	if verified {
		if want := v.SHA256(); !bytes.Equal(sum.Sum(nil), want[:]) {
			return linux.EIO
		}
	}
	return 0
}

// copyOverLocked writes a piece of the base, at off, into m: up to baseSize, and not where a page lies over it.
func (f *file) copyOverLocked(m *memory, p []byte, off int64) linux.Errno {
	end := min(off+int64(len(p)), f.baseSize)
	for at := off; at < end; {
		i := at / pageSize
		next, over := f.pages.next(i)
		to := end
		if over {
			to = min(end, max(next*pageSize, at))
		}
		if at < to {
			if _, e := m.write(p[at-off:to-off], at); e != 0 {
				return linux.ENOMEM
			}
			at = to
			continue
		}
		at = min(end, (i+1)*pageSize)
	}
	return 0
}

// copyPagesLocked writes the file's own pages into m.
func (f *file) copyPagesLocked(m *memory) linux.Errno {
	size := f.size.Load()
	for i, ok := f.pages.next(0); ok && i*pageSize < size; i, ok = f.pages.next(i + 1) {
		pg := f.pages.get(i)
		if pg == hole {
			continue
		}
		if _, e := m.write(pg[:min(pageSize, size-i*pageSize)], i*pageSize); e != 0 {
			return linux.ENOMEM
		}
	}
	return 0
}

// leaveMemoryLocked gives up the memory of a file that nobody maps any more, where that is cheap: a copy of
// the base is kept for a while, a small file goes back to the heap, a large one stays what it is.
func (f *file) leaveMemoryLocked() {
	m := f.memory
	if m.clean && m.version == f.version {
		f.fs.keep(f)
		return
	}
	if f.size.Load() > smallFile {
		return
	}
	f.moveToHeapLocked()
}

// moveToHeapLocked is the reverse of moveToMemoryLocked, for a small file that nobody maps. Nothing changes if
// there is no room for it, or if it has pages that fallocate made: the host does not say which.
func (f *file) moveToHeapLocked() {
	m, size := f.memory, f.size.Load()
	more := max(m.pages()-m.charged, 0) // on the heap all pages are the file's own
	if !f.fs.pages.take(more) {
		return
	}
	buf := make([]byte, size)
	n := int64(0)
	e := m.data(0, size, func(lo, hi int64) linux.Errno {
		n += (hi+pageSize-1)/pageSize - lo/pageSize
		_, e := m.read(buf[lo:hi], lo)
		return e
	})
	if e != 0 || n != m.pages() {
		f.fs.pages.give(more)
		return
	}
	m.data(0, size, func(lo, hi int64) linux.Errno {
		for i := lo / pageSize; i*pageSize < hi; i++ {
			pg := f.fs.pool.get()
			copy(pg[:], buf[i*pageSize:])
			f.pages.set(i, pg)
		}
		return 0
	})
	f.memory = nil
	f.fs.pages.give(m.charged + more - n)
	f.fs.memories.drop(m, f)
	f.recountLocked()
}

// keep notes a file whose copy of the base nobody maps.
func (fs *FS) keep(f *file) {
	fs.memories.mu.Lock()
	defer fs.memories.mu.Unlock()
	fs.memories.forgetLocked(f)
	fs.memories.kept = append(fs.memories.kept, f)
}

// forgetLocked takes a file off the list of those that are kept.
func (s *memories) forgetLocked(f *file) {
	if k := slices.Index(s.kept, f); k >= 0 {
		s.kept = slices.Delete(s.kept, k, k+1)
	}
}

// trimKept lets go of the oldest copies that nobody maps, if they are too many bytes.
func (fs *FS) trimKept() {
	for {
		f := fs.oldestKept()
		if f == nil {
			return
		}
		f.dropCopy()
	}
}

func (fs *FS) oldestKept() *file {
	s := &fs.memories
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := int64(0)
	for _, f := range s.kept {
		sum += f.size.Load()
	}
	if sum <= keptBytes && len(s.kept) <= s.limit/2 {
		return nil
	}
	f := s.kept[0]
	s.forgetLocked(f)
	return f
}

// dropCopy goes back to the base, if the file is still as that is, and nobody maps it.
func (f *file) dropCopy() {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.memory
	if m == nil || m.mappings > 0 || !m.clean || m.version != f.version {
		return
	}
	f.memory = nil
	f.baseSize = f.baseKept
	f.fs.pages.give(m.charged)
	f.fs.memories.drop(m, f)
	f.recountLocked()
}
