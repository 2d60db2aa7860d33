package engine

import (
	"slices"
	"sync/atomic"

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
	m.markGuards()
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
	v := newInstance(m.p, at.at)
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

// leave takes a view away; the memory goes with the last one, which counts it.
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
		v.resident += m.bytes()
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
