package engine

import (
	"bytes"
	"slices"
	"sync"

	"vkernel/internal/linux"
)

// Image is a frozen process: what Freeze has read of an instance that waits in an import. New makes
// instances that go on from there. It holds no slot and no address: the content of memory is a layer,
// which all instances map privately, and the rest is bytes.
//
// An instance that ends leaves its slot to the image, with its private pages as the image has them:
// the next one starts without a mapping to make and without a fault for what the last one wrote.
type Image struct {
	p     *Program
	layer *layer
	parts []hole // of memory that lie in the layer
	holes []hole // of the program's image, see Instance.holes
	vmas  vmas
	open  []hole // what of vmas is writable, adjacent ones as one
	mixed bool   // some of vmas are not
	area  []byte
	stack []byte // the used part
	sp    int64  // of the frame, relative to base

	records    []record
	exceptions *exceptions

	mu sync.Mutex

	// guarded by mu
	idle    []idleSlot
	dropped bool
}

// Freeze makes an image of i, which waits in an import, has one activation and no threads; nothing may
// run in it, and nothing has changed when it returns. The pieces are its memory, all of it private, in order.
// ENOTSUP: it is not such an instance, or one of its pieces holds content that cannot be read.
func (i *Instance) Freeze(pieces []Piece) (*Image, linux.Errno) {
	if !i.started || i.state != atFrame || i.held || i.Depth() != 1 || i.Shared() || i.layoutShares() {
		return nil, linux.ENOTSUP
	}
	pl := new(plan)
	if e := i.findDirty(pl, pieces); e != 0 {
		return nil, e
	}
	for _, p := range pieces {
		if p.Prot&ProtRead == 0 && slices.ContainsFunc(pl.runs, func(h hole) bool { return h.start < p.End && h.end > p.Start }) {
			return nil, linux.ENOTSUP
		}
	}
	m := &Image{p: i.p, holes: slices.Clone(i.holes), sp: int64(i.guestSP() - i.base)}
	m.area = bytes.Clone(bytesAt(i.base-uintptr(len(i.p.area)), uintptr(len(i.p.area))))
	m.stack = bytes.Clone(i.usedStack())
	m.records, m.exceptions = slices.Clone(i.liveRecords()), i.exceptions.clone()
	m.setVMAs(pieces)
	for _, p := range i.parts {
		pl.runs = append(pl.runs, p.hole) // what others have frozen before is not private
	}
	if e := m.fill(i, mergeRuns(pl.runs, maxParts)); e != 0 {
		m.Drop()
		return nil, e
	}
	i.p.addImage(m)
	return m, 0
}

// layoutShares tells whether some of memory is not the instance's alone.
func (i *Instance) layoutShares() bool {
	return slices.ContainsFunc(i.vmas, func(r vma) bool { return r.apart() })
}

// setVMAs notes what the memory of instances looks like.
func (m *Image) setVMAs(pieces []Piece) {
	for _, p := range pieces {
		m.vmas.replace(p.Start, p.End, vma{start: p.Start, end: p.End, prot: p.Prot})
		if p.Prot != ProtRead|ProtWrite {
			m.mixed = true
			continue
		}
		if n := len(m.open); n > 0 && m.open[n-1].end == p.Start {
			m.open[n-1].end = p.End
		} else {
			m.open = append(m.open, hole{p.Start, p.End})
		}
	}
}

// mergeRuns puts runs in order and joins those that are near to each other, until they are
// no more than most.
func mergeRuns(runs []hole, most int) []hole {
	slices.SortFunc(runs, func(a, b hole) int { return int(int64(a.start) - int64(b.start)) })
	for gap := uint64(nearby) * pageSize; ; gap *= 4 {
		var out []hole
		for _, r := range runs {
			if n := len(out); n > 0 && r.start <= out[n-1].end+gap {
				out[n-1].end = max(out[n-1].end, r.end)
			} else {
				out = append(out, r)
			}
		}
		if len(out) <= most {
			return out
		}
	}
}

// fill makes the layer of what of the parts is readable; what lies between is zero there.
func (m *Image) fill(i *Instance, parts []hole) linux.Errno {
	if len(parts) == 0 {
		return 0
	}
	l, e := m.p.code.newLayer()
	if e != 0 {
		return e
	}
	l.users.Store(1)
	l.span = hole{parts[0].start, parts[len(parts)-1].end}
	m.layer, m.parts = l, parts
	for _, h := range parts {
		for _, v := range m.vmas.within(h.start, h.end) {
			if v.prot&ProtRead == 0 {
				continue
			}
			if e := l.write(i, hole{v.start, v.end}); e != 0 {
				return e
			}
		}
	}
	if !l.openWindow() { // for a slot that is used again
		return linux.ENOMEM
	}
	return 0
}

// Stack is how many bytes of the native stack it uses.
func (m *Image) Stack() uint64 { return uint64(len(m.stack)) }

// Bytes is how much memory the image holds, whether instances map it or not.
func (m *Image) Bytes() uint64 {
	n := uint64(len(m.area) + len(m.stack))
	if m.layer != nil {
		n += uint64(m.layer.pages.Load()) * pageSize
	}
	return n
}

// New makes an instance that stands where the frozen one stood: its import gets result at
// the next Resume, whatever that is given.
func (m *Image) New(result uint64) (*Instance, linux.Errno) {
	i, e := m.ready()
	if e != 0 {
		return nil, e
	}
	i.started, i.state, i.held, i.result = true, atFrame, true, result
	i.setGuestSP(uintptr(int64(i.base) + m.sp))
	i.records, i.exceptions = slices.Clone(m.records), m.exceptions.clone()
	i.countRecords(0)
	return i, 0
}

// Unanswered makes the import in which i stands get what the next Resume is given.
func (i *Instance) Unanswered() { i.held = false }

// ready gives an instance whose slot is as the image says.
func (m *Image) ready() (*Instance, linux.Errno) {
	s := &m.p.code.slots
	if at, ok := m.takeIdle(); ok {
		if !s.declare(m.p.mappings, s.mappings) {
			m.returnIdle(at)
			return nil, linux.EAGAIN
		}
		i := newInstance(m.p, at.at)
		if !m.describe(i) {
			s.declare(-m.p.mappings, 0)
			m.returnIdle(at)
			return nil, linux.ENOMEM
		}
		s.keep(-at.pages)
		return i, 0
	}
	i, e := m.p.New()
	if e != 0 {
		return nil, e
	}
	if m.describe(i) {
		if e = m.furnish(i); e == 0 {
			return i, 0
		}
	} else {
		e = linux.ENOMEM
	}
	i.image, i.changed = nil, true
	i.Free()
	return nil, e
}

// describe notes in a fresh instance what its slot holds, or is to hold.
func (m *Image) describe(i *Instance) bool {
	if i.declareParts(len(m.parts)) != 0 {
		return false
	}
	if m.layer != nil {
		i.parts = make([]part, 0, len(m.parts))
		for _, h := range m.parts {
			i.parts = append(i.parts, part{h, m.layer})
		}
		m.layer.users.Add(int32(len(m.parts)))
	}
	i.vmas, i.holes = slices.Clone(m.vmas), m.holes
	i.image, i.changed = m, false
	return true
}

// furnish makes a slot that is as Program.New left it as the image says.
func (m *Image) furnish(i *Instance) linux.Errno {
	for _, h := range m.parts {
		if e := m.layer.mapInto(i, h, ProtRead|ProtWrite); e != 0 {
			return e
		}
	}
	for _, h := range m.holes {
		for _, r := range withoutParts(h, m.parts) {
			if e := reserve(i.base+uintptr(r.start), uintptr(r.size())); e != 0 {
				return e
			}
		}
	}
	if e := m.protect(i, true); e != 0 {
		return e
	}
	copy(bytesAt(i.base-uintptr(len(m.area)), uintptr(len(m.area))), m.area)
	i.setBounds()
	top := i.at + m.p.stackTop
	copy(bytesAt(top-uintptr(len(m.stack)), uintptr(len(m.stack))), m.stack)
	return 0
}

// withoutParts gives what of h lies in none of the parts.
func withoutParts(h hole, parts []hole) []hole {
	left := []hole{h}
	for _, p := range parts {
		left = without(nil, left, p)
	}
	return left
}

// protect gives the pages their protection. fresh says that what Program.New maps is open and all
// else is not, save for the parts; otherwise all is open.
func (m *Image) protect(i *Instance, fresh bool) linux.Errno {
	at := uint64(m.p.guard)
	set := func(end uint64, prot int) linux.Errno {
		start := at
		if at = end; start >= end {
			return 0
		}
		return mprotect(i.base+uintptr(start), uintptr(end-start), prot)
	}
	for _, v := range m.vmas {
		if e := set(v.start, ProtNone); e != 0 {
			return e
		}
		if !fresh && v.prot == ProtRead|ProtWrite {
			at = v.end
			continue
		}
		if e := set(v.end, v.prot); e != 0 {
			return e
		}
	}
	return set(memorySize, ProtNone)
}
