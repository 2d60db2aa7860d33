package engine

import (
	"slices"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// Budgets of the pages that idle slots keep: writing a page anew is far cheaper than dropping
// it and faulting another in, but it costs memory.
const (
	slotPages = 1024      // 4 MiB
	idlePages = 256 << 10 // 1 GiB, all slots together
	slotRuns  = 512
)

// keep counts pages that idle slots keep; it reports whether they are within the budget.
func (s *slots) keep(pages int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pages > 0 && s.idle+pages > idlePages {
		return false
	}
	s.idle += pages
	return true
}

// recycle makes the slot of i as New would make it and keeps it, or gives it back blank.
func (p *Program) recycle(i *Instance) {
	if i.image != nil && i.image.recycle(i) {
		return
	}
	at := i.at
	if pages, e := p.restore(i); e == 0 {
		if p.putIdle(idleSlot{at, pages}) {
			return
		}
		p.code.slots.keep(-pages)
	}
	if p.strip(at) == 0 {
		p.code.slots.give(at)
	}
	// A slot that the host does not let us strip is lost; nobody gets its bytes.
}

func (p *Program) putIdle(s idleSlot) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= maxIdle {
		return false
	}
	p.idle = append(p.idle, s)
	return true
}

// restore undoes what the raw operations have changed and gives the pages their first content.
// It counts those that the slot keeps: also zeroed ones above the initial memory, where they
// wait, inaccessible, for the next program that asks for memory there.
func (p *Program) restore(i *Instance) (pages int, e linux.Errno) {
	i.shrinkStack(i.at + p.stackLow)
	if e := i.unlimitStack(); e != 0 {
		return 0, e
	}
	initial := i.base + p.initial
	if !i.changed {
		return p.reset(i, initial)
	}
	imageGone := len(i.holes) != 0
	if i.foreign {
		if !i.Shared() {
			i.resident += i.Resident(uint64(p.guard), memorySize-uint64(p.guard))
		}
		i.cutParts(hole{0, memorySize})
		if e := reserve(i.base, memorySize); e != 0 {
			return 0, e
		}
		if e := mprotect(i.base, p.initial, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
			return 0, e
		}
		if e := p.guardNull(i.at); e != 0 {
			return 0, e
		}
		if e := p.mapImage(i.at); e != 0 {
			return 0, e
		}
		return p.reset(i, initial)
	}
	for _, q := range slices.Clone(i.parts) {
		if e := reserve(i.base+uintptr(q.start), uintptr(q.size())); e != 0 {
			return 0, e
		}
		i.resident += q.size()
		imageGone = imageGone || i.inImage(q.start, q.size())
		i.cutParts(q.hole)
	}
	if e := mprotect(i.base+p.guard, memorySize-p.guard, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
		return 0, e
	}
	if imageGone {
		if e := p.mapImage(i.at); e != 0 {
			return 0, e
		}
	}
	if pages, e = p.reset(i, i.base+memorySize); e != 0 {
		return 0, e
	}
	return pages, mprotect(initial, memorySize-p.initial, unix.PROT_NONE)
}

// run is a run of private pages.
type run struct{ at, size uintptr }

// reset gives the private pages of a slot, up to high, their first content, or drops them if
// they are too many. It counts those that the slot keeps, and what was resident.
func (p *Program) reset(i *Instance, high uintptr) (int, linux.Errno) {
	at := i.at
	low, guard := at+p.stackLow, at+baseOffset+p.guard
	buf, ok := p.code.runs.Get().(*[slotRuns]run) // on the stack it would be most of it, for as long as the process lives
	if !ok {
		buf = new([slotRuns]run)
	}
	defer p.code.runs.Put(buf)
	runs, size := buf[:0], uintptr(0)
	note := func(at, n uintptr, private bool) {
		i.resident += uint64(n)
		if !private {
			return
		}
		if size += n; len(runs) < slotRuns {
			runs = append(runs, run{at, n})
		}
	}
	e := p.code.pagemap.classes(low, high-low, func(at, n uintptr, private bool) {
		if end := at + n; at < guard && end > i.base && p.guard != 0 { // the markers of the null guard look like pages
			if at < i.base {
				note(at, i.base-at, private)
			}
			at, n = guard, end-min(end, guard)
		}
		if n > 0 {
			note(at, n, private)
		}
	})
	pages := int(size / pageSize)
	if e != 0 || len(runs) == slotRuns || pages > slotPages || !p.code.slots.keep(pages) {
		return p.drop(at, high)
	}
	for _, r := range runs {
		p.rewrite(at, r)
	}
	return pages, 0
}

// drop discards all pages of a slot up to high and writes the area anew.
func (p *Program) drop(at, high uintptr) (int, linux.Errno) {
	low := at + p.stackLow
	if e := madvise(low, high-low, unix.MADV_DONTNEED); e != 0 {
		return 0, e
	}
	copy(bytesAt(at+baseOffset-uintptr(len(p.area)), uintptr(len(p.area))), p.area)
	return 0, 0
}

// rewrite gives a run of pages its first content: the area's image, the memory's image, zero.
func (p *Program) rewrite(at uintptr, r run) {
	area := at + baseOffset - uintptr(len(p.area))
	image := at + baseOffset + uintptr(p.Meta.Memory.ImageStart)
	end := r.at + r.size
	from := r.at
	for _, part := range []struct {
		at      uintptr
		content []byte
	}{{area, p.area}, {image, p.memory}} {
		low, high := max(from, part.at), min(end, part.at+uintptr(len(part.content)))
		if low >= high {
			continue
		}
		clear(bytesAt(from, low-from))
		copy(bytesAt(low, high-low), part.content[low-part.at:])
		from = high
	}
	clear(bytesAt(from, end-from))
}
