package engine

import (
	"slices"

	"vkernel/internal/linux"
)

// convert makes the memory shared. Until the last step it is untouched: what it holds is copied
// into the file, then the file is mapped in its place.
func (i *Instance) convert() (*sharedMemory, linux.Errno) {
	m, e := i.prepareShared()
	if e != 0 {
		return nil, e
	}
	if e := m.mapView(i.base, i.base); e != 0 {
		i.makePrivate(m)
		return nil, noRoom(e)
	}
	i.leaveLayers()
	i.changed, i.foreign = true, true
	i.areas, i.vmas, i.holes = 0, nil, nil
	i.memory.Store(m)
	return m, 0
}

// prepareShared makes shared memory that is like that of i, which does not map it yet.
func (i *Instance) prepareShared() (*sharedMemory, linux.Errno) {
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
	if e := i.export(m); e != 0 {
		i.dropShared(m)
		return nil, noRoom(e)
	}
	return m, 0
}

// dropShared gives up shared memory that came to nothing.
func (i *Instance) dropShared(m *sharedMemory) {
	i.p.code.slots.declareAreas(i.areas - m.cost)
	m.close()
}

// export copies what the memory holds into the file.
func (i *Instance) export(m *sharedMemory) linux.Errno {
	for k := range m.vmas {
		r := &m.vmas[k]
		if r.share != 0 || r.from != 0 && !r.private {
			continue
		}
		if r.from != 0 {
			if r.prot&ProtWrite == 0 && !i.written(r) {
				continue // each view maps it
			}
			if e := i.exportFile(m, r); e != 0 {
				return e
			}
			r.backing = backing{}
			continue
		}
		at, size := i.base+uintptr(r.start), uintptr(r.end-r.start)
		if r.prot == ProtNone {
			if e := mprotect(at, size, ProtRead); e != 0 {
				return e
			}
		}
		e := i.exportRange(m, r.start, r.end)
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

// written tells whether i has private pages in r.
func (i *Instance) written(r *vma) (yes bool) {
	e := i.p.code.pagemap.private(i.base+uintptr(r.start), uintptr(r.end-r.start), func(_, _ uintptr) { yes = true })
	return yes || e != 0
}

// backed lists what is mapped from files in a range: the image, and layers.
func (i *Instance) backed(start, end uint64) []hole {
	list := i.p.imageWithout(start, end, i.holes)
	for _, p := range i.parts {
		if c, ok := p.and(hole{start, end}); ok {
			list = addHole(list, c)
		}
	}
	return list
}

// exportRange copies all pages that are mapped from files, and the private ones of the others.
func (i *Instance) exportRange(m *sharedMemory, start, end uint64) linux.Errno {
	at := start
	for _, h := range i.backed(start, end) {
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

// leaveLayers notes that nothing is mapped from layers any more.
func (i *Instance) leaveLayers() {
	i.cutParts(hole{0, memorySize})
	i.declareParts(0)
}

// makePrivate undoes a conversion that failed while the file was mapped. If that fails too,
// memory is inaccessible: the guest faults.
func (i *Instance) makePrivate(m *sharedMemory) {
	defer i.dropShared(m)
	i.leaveLayers()
	i.changed, i.foreign = true, true
	i.holes = i.p.imageWithout(0, memorySize, nil)
	at := m.low()
	for _, r := range append(m.vmas.shares(), vma{start: memorySize}) {
		if at < r.start && reserve(i.base+uintptr(at), uintptr(r.start-at)) != 0 {
			return
		}
		at = r.end
	}
	for _, r := range m.vmas {
		switch {
		case r.from != 0:
			r.mapAt(i.base, r.private)
		case r.share == 0:
			i.readBack(m, r)
		}
	}
	i.vmas = slices.Clone(m.vmas)
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
