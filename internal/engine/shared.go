package engine

import (
	"sync"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// sharedMemory is the linear memory of a process with threads: a file in the host's memory, of
// which each view maps the same offsets at the same addresses. What a guest address holds is
// in the file at that offset, except where a vma is a share or maps another file.
//
// The views run while their mappings change. Each change is made under mu in all of them, so
// that one is never left with what another has given up.
type sharedMemory struct {
	p  *Program
	fd int

	mu sync.Mutex

	// guarded by mu
	views []*Instance
	vmas  vmas
	holes []hole // parts of the program's image that Discard does not bring back
	pages uint32 // memory.size
	cost  int64  // mappings that each view declares
}

// mapView makes the memory of a slot show this memory. Where a vma is a share, from's
// mapping of it is repeated; if it is from's own slot, it stays as it is.
func (m *sharedMemory) mapView(base, from uintptr) linux.Errno {
	at := m.low()
	for _, r := range m.vmas {
		if r.share == 0 || base != from {
			continue
		}
		if e := m.mapFile(base, at, r.start); e != 0 {
			return e
		}
		at = r.end
	}
	if e := m.mapFile(base, at, memorySize); e != 0 {
		return e
	}
	for k := range m.vmas {
		r := &m.vmas[k]
		to, size := base+uintptr(r.start), uintptr(r.end-r.start)
		e := linux.Errno(0)
		switch {
		case r.from != 0:
			e = r.mapAt(base, false)
		case r.share != 0 && base != from:
			e = repeat(from+uintptr(r.start), to, size)
		case r.marked:
			e = madvise(to, size, madvGuardInstall)
		}
		if e != 0 {
			return e
		}
	}
	for k := 0; k < len(m.vmas); {
		r, n := &m.vmas[k], m.vmas[k:].alike()
		if k += n; r.share == 0 && r.effective() == ProtNone {
			continue
		}
		if e := mprotect(base+uintptr(r.start), uintptr(m.vmas[k-1].end-r.start), r.effective()); e != 0 {
			return e
		}
	}
	return 0
}

// repeat maps the pages of a shared mapping a second time: that is what remapping none of its
// bytes does.
func repeat(from, to, size uintptr) linux.Errno {
	return mremap(from, 0, size, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED, to)
}

// protect gives a range a protection in all views, or in none.
func (m *sharedMemory) protect(start, end uint64, prot int) linux.Errno {
	for k, v := range m.views {
		if e := mprotect(v.base+uintptr(start), uintptr(end-start), prot); e != 0 {
			for _, v := range m.views[:k+1] {
				m.reprotect(v, start, end)
			}
			return e
		}
	}
	for _, v := range m.views {
		m.clearMarkers(v, start, end)
	}
	return 0
}

// reprotect gives a range in one view the protection that the vmas say.
func (m *sharedMemory) reprotect(v *Instance, start, end uint64) {
	at := start
	set := func(start, end uint64, prot int) {
		if start < end {
			mprotect(v.base+uintptr(start), uintptr(end-start), prot)
		}
	}
	for _, r := range m.vmas.within(start, end) {
		set(at, r.start, ProtNone)
		if r.marked {
			setMarkersAt(v.base, &r)
		} else {
			set(r.start, r.end, r.prot)
		}
		at = r.end
	}
	set(at, end, ProtNone)
}

// declare counts what the views need of the host's mappings with other vmas. It is asked
// before a change that needs more, and told after one that needs less.
func (m *sharedMemory) declare(l vmas) linux.Errno {
	cost := l.mappings(m.low())
	if !m.p.code.slots.declareAreas((cost - m.cost) * int64(len(m.views))) {
		return linux.ENOMEM
	}
	m.cost = cost
	return 0
}

func (m *sharedMemory) low() uint64 { return uint64(m.p.guard) }

// change makes the vmas what f does to them, between asking the host for mappings and
// making the change in the views, which may fail.
func (m *sharedMemory) change(f func(l *vmas), views func() linux.Errno) linux.Errno {
	next := append(make(vmas, 0, len(m.vmas)+2), m.vmas...)
	f(&next)
	before := m.vmas
	more := next.mappings(m.low()) > m.cost
	if more {
		if e := m.declare(next); e != 0 {
			return e
		}
	}
	if e := views(); e != 0 {
		m.declare(before)
		return e
	}
	m.vmas = next
	if !more {
		m.declare(next)
	}
	m.markGuards()
	return 0
}

// mapPages is Instance.Map.
func (m *sharedMemory) mapPages(start, end uint64, prot int, shared bool) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := vma{start: start, end: end, prot: prot}
	if !shared {
		return m.change(func(l *vmas) { l.replace(start, end, r) }, func() linux.Errno {
			if prot == ProtNone {
				return 0 // as what is unmapped is
			}
			return m.protect(start, end, prot)
		})
	}
	r.share = m.p.code.shares.Add(1)
	return m.change(func(l *vmas) { l.replace(start, end, r) }, func() linux.Errno {
		first := m.views[0].base + uintptr(start)
		const flags = unix.MAP_SHARED | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE | unix.MAP_FIXED
		if _, e := mmap(first, uintptr(end-start), prot, flags, -1, 0); e != 0 {
			return e
		}
		return m.repeatInto(m.views[1:], first, start, end, prot)
	})
}

// repeatInto maps a share, seen at from, into views.
func (m *sharedMemory) repeatInto(views []*Instance, from uintptr, start, end uint64, prot int) linux.Errno {
	for _, v := range views {
		at, size := v.base+uintptr(start), uintptr(end-start)
		e := repeat(from, at, size)
		if e == 0 {
			e = mprotect(at, size, prot)
		}
		if e != 0 {
			for _, v := range m.views {
				m.mapFile(v.base, start, end) // as it was: unmapped
			}
			return e
		}
	}
	return 0
}

// share is Instance.Share into this memory, of what is mapped at a host address.
func (m *sharedMemory) share(from uintptr, start, end uint64, prot int) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := vma{start: start, end: end, prot: prot, share: m.p.code.shares.Add(1)}
	return m.change(func(l *vmas) { l.replace(start, end, r) },
		func() linux.Errno { return m.repeatInto(m.views, from, start, end, prot) })
}

// protectPages is Instance.Protect.
func (m *sharedMemory) protectPages(start, end uint64, prot int) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.ownLocked(start, end, prot); e != 0 {
		return e
	}
	return m.change(func(l *vmas) { l.protect(start, end, prot) }, func() linux.Errno { return m.protect(start, end, prot) })
}

// unmap is Instance.Unmap. The pages are freed when no view reaches them any more.
func (m *sharedMemory) unmap(start, end uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unmapLocked(start, end)
}

func (m *sharedMemory) unmapLocked(start, end uint64) linux.Errno {
	e := m.change(func(l *vmas) { l.replace(start, end) }, func() linux.Errno {
		for _, r := range m.vmas.within(start, end) {
			if !r.apart() {
				continue
			}
			for _, v := range m.views {
				if e := m.mapFile(v.base, r.start, r.end); e != 0 {
					return e
				}
			}
		}
		return m.protect(start, end, ProtNone)
	})
	if e != 0 {
		return e
	}
	for _, h := range m.p.imageWithout(start, end, m.holes) {
		m.holes = addHole(m.holes, h)
	}
	return m.punch(start, end)
}

// discard is Instance.Discard: what was the program's image is that again.
func (m *sharedMemory) discard(start, end uint64) linux.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.punch(start, end); e != 0 {
		return e
	}
	for _, h := range m.p.imageWithout(start, end, m.holes) {
		first := uint64(m.p.Meta.Memory.ImageStart)
		if e := m.write(m.p.memory[h.start-first:h.end-first], h.start); e != 0 {
			return e
		}
	}
	return 0
}

// resident is Instance.Resident. A page counts once, however many views have it mapped.
func (m *sharedMemory) resident(start, end uint64) (n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data(start, end, func(from, to uint64) linux.Errno {
		n += to - from
		return 0
	})
	return n
}

// setPages is Instance.SetPages.
func (m *sharedMemory) setPages(n uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages = n
	for _, v := range m.views {
		v.storePages(n)
	}
}
