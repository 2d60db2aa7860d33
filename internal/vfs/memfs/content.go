package memfs

import (
	"math"

	"vkernel/internal/linux"
)

// read copies content at off into p.
func (f *file) read(p []byte, off int64) (n int, e linux.Errno) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	size := f.size.Load()
	if off >= size {
		return 0, 0
	}
	p = p[:min(int64(len(p)), size-off)]
	if f.memory != nil {
		return f.memory.read(p, off)
	}
	for n < len(p) {
		at := off + int64(n)
		in := at % pageSize
		part := p[n:min(len(p), n+int(pageSize-in))]
		switch pg := f.pages.get(at / pageSize); {
		case pg != nil:
			copy(part, pg[in:])
		case at < f.baseSize:
			if e := f.readBaseLocked(part, at); e != 0 {
				if n > 0 {
					return n, 0
				}
				return 0, e
			}
		default:
			clear(part)
		}
		n += len(part)
	}
	return n, 0
}

// readBaseLocked fills p from the base, with zeros from baseSize on. Precondition: mu is
// held, and the file is pinned.
func (f *file) readBaseLocked(p []byte, off int64) linux.Errno {
	want := p[:min(int64(len(p)), f.baseSize-off)]
	clear(p[len(want):])
	for len(want) > 0 {
		n, e := f.base.read(want, off)
		if e != 0 {
			return e
		}
		if n == 0 { // the base is shorter than it said
			return linux.EIO
		}
		want, off = want[n:], off+int64(n)
	}
	return 0
}

// writeLocked copies p into the content at off. What fits before the limit of the file
// system is written; nothing is ENOSPC. Precondition: mu is held.
func (f *file) writeLocked(p []byte, off int64) (n int, e linux.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	if off == math.MaxInt64 {
		return 0, linux.EFBIG
	}
	p = p[:min(int64(len(p)), math.MaxInt64-off)]
	f.changesLocked()
	if f.memory != nil {
		return f.writeMemoryLocked(p, off)
	}
	// p may fault. Then what was copied beyond the size must not show up later.
	defer func() {
		end := off + int64(n)
		if end > f.size.Load() {
			f.size.Store(end)
		}
		if n < len(p) {
			f.scrubLocked(end)
		}
		f.countLocked()
		if n > 0 {
			f.touch()
		}
	}()
	for n < len(p) {
		at := off + int64(n)
		in := at % pageSize
		part := p[n:min(len(p), n+int(pageSize-in))]
		pg, e := f.pageLocked(at/pageSize, len(part) == pageSize)
		if e != 0 {
			if n > 0 {
				return n, 0
			}
			return 0, e
		}
		copy(pg[in:], part)
		n += len(part)
	}
	return n, 0
}

// scrubLocked clears what lies beyond the size in the page around at, where a write broke
// off, and drops that page if it lies beyond the size as a whole.
func (f *file) scrubLocked(at int64) {
	size := f.size.Load()
	i := at / pageSize
	if i*pageSize >= size {
		f.pages.cut(i, i+1, f.freePage)
	} else if p := f.pages.get(i); real(p) == 1 && size < (i+1)*pageSize {
		clear(f.ownLocked(i, p)[size-i*pageSize:])
	}
}

// pageLocked gives page i for writing, making it if it is absent, with the content of the
// base unless all of it will be overwritten. Precondition: mu is held.
func (f *file) pageLocked(i int64, whole bool) (*page, linux.Errno) {
	pg := f.pages.get(i)
	if real(pg) == 1 {
		return f.ownLocked(i, pg), 0
	}
	if !f.fs.pages.take(1) {
		return nil, linux.ENOSPC
	}
	fresh := f.fs.pool.get()
	if at := i * pageSize; pg == nil && at < f.baseSize && !whole {
		if e := f.readBaseLocked(fresh[:], at); e != 0 {
			f.freePage(fresh)
			return nil, e
		}
	}
	if pg == nil && i < f.basePages() {
		f.overlaid++
	}
	f.pages.set(i, fresh)
	return fresh, 0
}

// dataLocked reports whether page i is not a hole. Precondition: mu is held for reading.
func (f *file) dataLocked(i int64) bool {
	pg := f.pages.get(i)
	return real(pg) == 1 || pg == nil && i < f.basePages()
}

// zeroLocked makes the range [lo, hi) zeros, and whole pages of it holes.
func (f *file) zeroLocked(lo, hi int64) linux.Errno {
	if lo >= hi {
		return 0
	}
	if f.memory != nil {
		return f.zeroMemoryLocked(lo, hi)
	}
	first, last := (lo+pageSize-1)/pageSize, hi/pageSize
	if lo%pageSize != 0 {
		if e := f.clearLocked(lo, min(hi, first*pageSize)); e != 0 {
			return e
		}
	}
	if end := last * pageSize; end < hi && first <= last {
		if e := f.clearLocked(end, hi); e != 0 {
			return e
		}
	}
	if first < last {
		f.pages.cut(first, last, f.freePage)
		for i := first; i < min(last, f.basePages()); i++ {
			f.pages.set(i, hole)
		}
		f.recountLocked()
	}
	return 0
}

// clearLocked zeroes a range inside one page.
func (f *file) clearLocked(lo, hi int64) linux.Errno {
	i := lo / pageSize
	if lo >= hi || !f.dataLocked(i) {
		return 0
	}
	pg, e := f.pageLocked(i, false)
	if e != 0 {
		return e
	}
	clear(pg[lo-i*pageSize : hi-i*pageSize])
	return 0
}

// allocateLocked makes the pages of [lo, hi) that are absent: all or none.
func (f *file) allocateLocked(lo, hi int64) linux.Errno {
	if hi-lo > f.fs.pages.limit {
		return linux.ENOSPC
	}
	if f.memory != nil {
		return f.allocateMemoryLocked(lo, hi)
	}
	var made []int64
	for i := lo; i < hi; i++ {
		if f.dataLocked(i) {
			continue
		}
		if _, e := f.pageLocked(i, false); e != 0 {
			for _, m := range made {
				f.pages.cut(m, m+1, f.freePage)
				if m < f.basePages() {
					f.pages.set(m, hole) // it was one: never data of the base again
				}
			}
			return e
		}
		made = append(made, i)
	}
	return 0
}
