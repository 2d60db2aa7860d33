package engine

import (
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
	at := i.at
	if p.restoreLayout(i) == 0 {
		if pages, e := p.reset(at); e == 0 {
			if p.putIdle(idleSlot{at, pages}) {
				return
			}
			p.code.slots.keep(-pages)
		}
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

// restoreLayout undoes what the raw operations have changed.
func (p *Program) restoreLayout(i *Instance) linux.Errno {
	i.shrinkStack(i.at + p.stackLow)
	if !i.changed {
		return 0
	}
	rest := memorySize - p.initial
	if i.foreign {
		if e := reserve(i.base, memorySize); e != 0 {
			return e
		}
		if e := mprotect(i.base, p.initial, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
			return e
		}
		return p.mapImage(i.at)
	}
	madvise(i.base+p.initial, rest, unix.MADV_DONTNEED)
	if e := mprotect(i.base+p.initial, rest, unix.PROT_NONE); e != 0 {
		return e
	}
	if e := mprotect(i.base, p.initial, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
		return e
	}
	if len(i.holes) != 0 {
		return p.mapImage(i.at)
	}
	return 0
}

// run is a run of private pages.
type run struct{ at, size uintptr }

// reset gives the pages of a slot with the right layout their first content. It counts those
// that the slot keeps.
func (p *Program) reset(at uintptr) (int, linux.Errno) {
	low, high := at+p.stackLow, at+baseOffset+p.initial
	var buf [slotRuns]run
	runs, size := buf[:0], uintptr(0)
	e := p.code.pagemap.walk(low, high-low, pageFile, func(at, n uintptr) {
		if size += n; len(runs) < slotRuns {
			runs = append(runs, run{at, n})
		}
	})
	pages := int(size / pageSize)
	if e != 0 || len(runs) == slotRuns || pages > slotPages || !p.code.slots.keep(pages) {
		return p.drop(at)
	}
	for _, r := range runs {
		p.rewrite(at, r)
	}
	return pages, 0
}

// drop discards all pages of a slot and writes the area anew.
func (p *Program) drop(at uintptr) (int, linux.Errno) {
	low := at + p.stackLow
	if e := madvise(low, baseOffset+p.initial-p.stackLow, unix.MADV_DONTNEED); e != 0 {
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
