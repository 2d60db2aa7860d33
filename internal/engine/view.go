package engine

import (
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// Thread makes a view: an instance with a stack and an area of its own, the area as in the
// program's image, over the memory of this one. It starts empty. The first view turns the memory
// into shared memory in place; the caller's guest must be out, those of other views may run.
// EAGAIN if there are too many instances or mappings, ENOMEM if the host has no memory: nothing
// has changed for the guest then.
func (i *Instance) Thread() (*Instance, linux.Errno) {
	m := i.memory.Load()
	if m == nil {
		var e linux.Errno
		if m, e = i.convert(); e != 0 {
			return nil, e
		}
	}
	return m.addView()
}

// Shared reports whether the memory may have more than one view.
func (i *Instance) Shared() bool { return i.memory.Load() != nil }

func (m *sharedMemory) addView() (*Instance, linux.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.p.code.slots
	if !s.declare(m.p.mappings, s.mappings) {
		return nil, linux.EAGAIN
	}
	if !s.declareAreas(m.cost) {
		s.undeclare(m.p.mappings, 0)
		return nil, linux.EAGAIN
	}
	at, e := m.p.takeSlot()
	if e != 0 {
		s.undeclare(m.p.mappings, m.cost)
		return nil, noRoom(e)
	}
	v := newInstance(m.p, at)
	v.changed, v.foreign = true, true
	if e := m.mapView(v.base, m.views[0].base); e != 0 {
		v.live = false
		s.undeclare(m.p.mappings, m.cost)
		m.p.recycle(v)
		return nil, noRoom(e)
	}
	v.memory.Store(m)
	v.storePages(m.pages)
	m.views = append(m.views, v)
	return v, 0
}

// leave takes a view away; the memory goes with the last one.
func (m *sharedMemory) leave(v *Instance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := slices.Index(m.views, v)
	if k < 0 {
		return
	}
	m.views = slices.Delete(m.views, k, k+1)
	m.p.code.slots.undeclare(0, m.cost)
	if len(m.views) == 0 {
		m.close()
	}
}

// imageHoles are the parts of the image that a fork of this instance does not have.
func (i *Instance) imageHoles() []hole {
	m := i.memory.Load()
	if m == nil {
		return i.holes
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.holes // never changed in place
}

// storePages sets the word that the guest of one view looks at, which may run.
func (i *Instance) storePages(n uint32) { atomic.StoreUint32(i.u32(layout.Pages), n) }

// convert makes the memory shared. Until the last step it is untouched: what it holds is copied
// into the file, then the file is mapped in its place.
func (i *Instance) convert() (*sharedMemory, linux.Errno) {
	m, e := openShared(i.p)
	if e != 0 {
		return nil, e
	}
	m.views = []*Instance{i}
	m.vmas = slices.Clone(*i.layout())
	m.holes, m.pages = slices.Clone(i.holes), i.Pages()
	m.cost = m.vmas.mappings(m.low())
	if !i.p.code.slots.declareAreas(m.cost - i.areas) {
		m.close()
		return nil, linux.EAGAIN
	}
	if e = i.export(m); e == 0 {
		i.changed, i.foreign = true, true
		if e = m.mapView(i.base, i.base); e != 0 {
			i.makePrivate(m)
		}
	}
	if e != 0 {
		i.p.code.slots.declareAreas(i.areas - m.cost)
		m.close()
		return nil, noRoom(e)
	}
	i.cutParts(hole{0, memorySize})
	i.p.code.slots.declareAreas(-i.partAreas)
	i.areas, i.partAreas, i.vmas, i.holes = 0, 0, nil, nil
	i.memory.Store(m)
	return m, 0
}

// export copies what the memory holds into the file.
func (i *Instance) export(m *sharedMemory) linux.Errno {
	for _, r := range m.vmas {
		if r.share != 0 {
			continue
		}
		at, size := i.base+uintptr(r.start), uintptr(r.end-r.start)
		if r.prot == ProtNone {
			if e := mprotect(at, size, ProtRead); e != 0 {
				return e
			}
		}
		e := i.exportRange(m, r.start, r.end)
		if e == 0 {
			e = i.exportParts(m, r.start, r.end)
		}
		if r.prot == ProtNone {
			if e := mprotect(at, size, ProtNone); e != 0 {
				return e
			}
		}
		if e != 0 {
			return e
		}
	}
	return 0
}

// exportParts copies what is mapped from layers.
func (i *Instance) exportParts(m *sharedMemory, start, end uint64) linux.Errno {
	for _, p := range i.parts {
		if c, ok := p.and(hole{start, end}); ok {
			if e := m.write(bytesAt(i.base+uintptr(c.start), uintptr(c.size())), c.start); e != 0 {
				return e
			}
		}
	}
	return 0
}

// exportRange copies all pages of the image and the private ones of what is not.
func (i *Instance) exportRange(m *sharedMemory, start, end uint64) linux.Errno {
	at := start
	for _, h := range i.p.imageWithout(start, end, m.holes) {
		if e := i.exportPrivate(m, at, h.start); e != 0 {
			return e
		}
		if e := m.write(bytesAt(i.base+uintptr(h.start), uintptr(h.end-h.start)), h.start); e != 0 {
			return e
		}
		at = h.end
	}
	return i.exportPrivate(m, at, end)
}

func (i *Instance) exportPrivate(m *sharedMemory, start, end uint64) (e linux.Errno) {
	if start >= end {
		return 0
	}
	scan := i.p.code.pagemap.private(i.base+uintptr(start), uintptr(end-start), func(at, size uintptr) {
		eachUsed(at, size, func(at, size uintptr) {
			if e == 0 {
				e = m.write(bytesAt(at, size), uint64(at-i.base))
			}
		})
	})
	if e == 0 {
		e = scan
	}
	return e
}

// eachUsed calls f for the runs of pages that are not all zero: a slot that was used before
// has others.
func eachUsed(at, size uintptr, f func(at, size uintptr)) {
	from := at
	for end := at + size; at < end; at += pageSize {
		if !isZero(at) {
			continue
		}
		if at > from {
			f(from, at-from)
		}
		from = at + pageSize
	}
	if at > from {
		f(from, at-from)
	}
}

func isZero(page uintptr) bool {
	for _, w := range (*[pageSize / 8]uint64)(pointer(page)) {
		if w != 0 {
			return false
		}
	}
	return true
}

// makePrivate undoes a conversion that failed while the file was mapped. If that fails too,
// memory is inaccessible: the guest faults.
func (i *Instance) makePrivate(m *sharedMemory) {
	i.holes = i.p.imageWithout(0, memorySize, nil)
	at := m.low()
	for _, r := range append(m.vmas.shares(), vma{start: memorySize}) {
		if at < r.start && reserve(i.base+uintptr(at), uintptr(r.start-at)) != 0 {
			return
		}
		at = r.end
	}
	for _, r := range m.vmas {
		if r.share == 0 {
			i.readBack(m, r)
		}
	}
}

// readBack fills a private vma from the file.
func (i *Instance) readBack(m *sharedMemory, r vma) linux.Errno {
	at, size := i.base+uintptr(r.start), uintptr(r.end-r.start)
	if e := mprotect(at, size, ProtRead|ProtWrite); e != 0 {
		return e
	}
	e := m.data(r.start, r.end, func(from, to uint64) linux.Errno {
		return m.read(i.base+uintptr(from), uintptr(to-from), from)
	})
	if e != 0 {
		reserve(at, size)
		return e
	}
	return mprotect(at, size, r.prot)
}

// moveBuffer is how much of a vma that moves is copied at once.
const moveBuffer = 256 << 10

// move is Instance.Move: what other views still write to the old place faults, as on Linux.
func (m *sharedMemory) move(from, to, length uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.protect(from, from+length, ProtNone); e != 0 {
		return e
	}
	buf := make([]byte, min(length, moveBuffer))
	e := m.data(from, from+length, func(start, end uint64) linux.Errno {
		for ; start < end; start += uint64(len(buf)) {
			b := buf[:min(uint64(len(buf)), end-start)]
			if e := m.read(address(b), uintptr(len(b)), start); e != 0 {
				return e
			}
			if e := m.write(b, start-from+to); e != 0 {
				return e
			}
		}
		return 0
	})
	if e == 0 {
		r := vma{start: to, end: to + length, prot: ProtRead | ProtWrite}
		e = m.change(func(l *vmas) { l.replace(to, to+length, r) },
			func() linux.Errno { return m.protect(to, to+length, ProtRead|ProtWrite) })
	}
	if e != 0 {
		m.punch(to, to+length)
		for _, v := range m.views {
			m.reprotect(v, from, from+length)
		}
		return e
	}
	return m.unmapLocked(from, from+length)
}

// copyPages is Instance.CopyPages, into an instance that has no threads. A page of the program's
// image that nobody has changed stays one in dst.
func (m *sharedMemory) copyPages(dst *Instance, start, end uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := start
	e := m.data(start, end, func(from, to uint64) linux.Errno {
		dst.clearImage(at, from)
		at = to
		return m.copyRun(dst, from, to)
	})
	if e == 0 {
		dst.clearImage(at, end)
	}
	return e
}

func (m *sharedMemory) copyRun(dst *Instance, start, end uint64) linux.Errno {
	at := start
	for _, h := range dst.p.imageWithout(start, end, dst.holes) {
		if e := m.fill(dst, at, h.start); e != 0 {
			return e
		}
		if e := m.copyChanged(dst, h.start, h.end); e != 0 {
			return e
		}
		at = h.end
	}
	return m.fill(dst, at, end)
}

// fill reads a run of pages into dst.
func (m *sharedMemory) fill(dst *Instance, start, end uint64) linux.Errno {
	if start >= end {
		return 0
	}
	to, size := dst.base+uintptr(start), uintptr(end-start)
	if size >= populateFrom {
		madvise(to, size, unix.MADV_POPULATE_WRITE) // else it faults: slower, not wrong
	}
	return m.read(to, size, start)
}

// copyChanged copies the pages of a part of the image that differ from it.
func (m *sharedMemory) copyChanged(dst *Instance, start, end uint64) linux.Errno {
	buf := make([]byte, min(end-start, moveBuffer))
	for ; start < end; start += uint64(len(buf)) {
		b := buf[:min(uint64(len(buf)), end-start)]
		if e := m.read(address(b), uintptr(len(b)), start); e != 0 {
			return e
		}
		for k := 0; k < len(b); k += pageSize {
			page, off := b[k:k+pageSize], start+uint64(k)
			image := m.p.memory[off-uint64(m.p.Meta.Memory.ImageStart):][:pageSize]
			if string(page) != string(image) {
				copy(bytesAt(dst.base+uintptr(off), pageSize), page)
			}
		}
	}
	return 0
}

// clearImage zeroes what is the program's image in a range.
func (i *Instance) clearImage(start, end uint64) {
	for _, h := range i.p.imageWithout(start, end, i.holes) {
		clear(bytesAt(i.base+uintptr(h.start), uintptr(h.end-h.start)))
	}
}
