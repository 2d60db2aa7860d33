package engine

import (
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// Program is one core module of the code.
type Program struct {
	Meta *layout.Program

	code   *Code
	area   []byte // image of the instance area
	memory []byte // image of memory [ImageStart, ImageStart+ImageSize)

	stackTop uintptr // offsets from a slot's start
	stackLow uintptr
	initial  uintptr // bytes of memory that New maps
	guard    uintptr // the first of them, which it does not
	markers  bool    // guard is kept by markers, not by its protection
	mappings int64   // that an instance needs of the host at least
	maps     bool    // it asks for mappings, which may lie above memory.size

	asides sync.Pool // of *Aside: a shell needs one for each command

	refsOnce sync.Once
	refs     map[uint64]struct{} // what a table of functions may hold, as it stands there

	mu sync.Mutex

	// guarded by mu
	idle   []idleSlot
	images []*Image
}

// idleSlot is a slot that is as New would make it.
type idleSlot struct {
	at    uintptr
	pages int // private pages that it keeps
}

// maxIdle is how many slots a program keeps ready.
const maxIdle = 1024

func newProgram(c *Code, m *layout.Program) *Program {
	p := &Program{Meta: m, code: c}
	p.area = c.image[m.AreaFile : m.AreaFile+uint64(m.AreaSize)]
	if m.Memory.ImageSize != 0 {
		p.memory = c.image[m.Memory.ImageFile : m.Memory.ImageFile+uint64(m.Memory.ImageSize)]
	}
	area := baseOffset - uintptr(m.AreaSize)
	p.stackTop, p.stackLow = area+unusedArea(m), area-stackSize
	p.guard, p.initial = uintptr(m.Memory.NullGuard), uintptr(m.Memory.Min)*wasmPage
	p.setMarkers(c.guardMarkers)
	p.maps = slices.ContainsFunc(m.Imports, func(im layout.Import) bool {
		return im.Module == "wali" && slices.Contains([]string{"SYS_mmap", "SYS_mremap", "SYS_brk", "SYS_shmat"}, im.Name)
	})
	return p
}

// Code is what the program is a part of.
func (p *Program) Code() *Code { return p.code }

func (p *Program) setMarkers(on bool) {
	p.markers = on
	p.mappings = p.countMappings()
}

// New makes an instance from the program's image. EAGAIN if there are too many instances,
// ENOMEM if the host has no room.
func (p *Program) New() (*Instance, linux.Errno) {
	s := &p.code.slots
	if !s.declare(p.mappings, s.mappings) {
		return nil, linux.EAGAIN
	}
	at, e := p.takeSlot()
	if e != 0 {
		s.declare(-p.mappings, 0)
		return nil, e
	}
	i := newInstance(p, at.at)
	i.warm = at.pages
	return i, 0
}

// takeSlot gives an idle slot of this program, or furnishes a blank one.
func (p *Program) takeSlot() (idleSlot, linux.Errno) {
	if s, ok := p.takeIdle(); ok {
		return s, 0
	}
	at, e := p.blankSlot()
	return idleSlot{at: at}, e
}

// blankSlot furnishes a blank one.
func (p *Program) blankSlot() (uintptr, linux.Errno) {
	at, e := p.code.slots.take()
	if (e == linux.EAGAIN || e == linux.ENOMEM) && p.code.TrimImages() {
		at, e = p.code.slots.take()
	}
	if e == linux.EAGAIN || e == linux.ENOMEM {
		// Another program may have slots to spare.
		for _, q := range p.code.programs {
			if q == p {
				continue
			}
			if s, ok := q.takeIdle(); ok {
				if e := q.strip(s.at); e != 0 {
					return 0, e // nobody gets the slot with its old bytes
				}
				return p.furnished(s.at)
			}
		}
	}
	if e != 0 {
		return 0, e
	}
	return p.furnished(at)
}

// furnished makes a blank slot one of this program, or gives it back.
func (p *Program) furnished(at uintptr) (uintptr, linux.Errno) {
	e := p.furnish(at)
	if e == 0 {
		return at, 0
	}
	s := &p.code.slots
	s.refuse(limitMemory, "the host does not map a process: %v (vm.max_map_count, RLIMIT_AS, RLIMIT_DATA, or memory)", e)
	if p.strip(at) == 0 {
		s.give(at)
	}
	return 0, e
}

func (p *Program) takeIdle() (s idleSlot, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return s, false
	}
	s = p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	p.code.slots.keep(-s.pages)
	return s, true
}

// furnish maps the program's initial layout into a blank slot and fills the area.
func (p *Program) furnish(at uintptr) linux.Errno {
	if e := mprotect(at+p.stackLow, baseOffset+p.initial-p.stackLow, unix.PROT_READ|unix.PROT_WRITE); e != 0 {
		return e
	}
	if e := p.guardNull(at); e != 0 {
		return e
	}
	if e := p.mapImage(at); e != 0 {
		return e
	}
	area := bytesAt(at+baseOffset-uintptr(len(p.area)), uintptr(len(p.area)))
	madvise(address(area), uintptr(len(area)), unix.MADV_POPULATE_WRITE) // saves faults; may fail
	copy(area, p.area)
	return 0
}

// guardNull makes the first pages of memory inaccessible: by markers in the page table, which
// cost no mapping, where the host has them (Linux 6.13).
func (p *Program) guardNull(at uintptr) linux.Errno {
	if p.guard == 0 || p.markers && madvise(at+baseOffset, p.guard, madvGuardInstall) == 0 {
		return 0
	}
	return mprotect(at+baseOffset, p.guard, unix.PROT_NONE)
}

// madvGuardInstall is MADV_GUARD_INSTALL.
const madvGuardInstall = 102

// hasGuardMarkers tries whether the host has MADV_GUARD_INSTALL.
func hasGuardMarkers() bool {
	at, e := mmap(0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, -1, 0)
	if e != 0 {
		return false
	}
	defer munmap(at, pageSize)
	return madvise(at, pageSize, madvGuardInstall) == 0
}

// countMappings counts what an idle instance costs the host: the stack with the area and the memory
// below the image, the image, the memory above it, and what is inaccessible up to the next slot.
func (p *Program) countMappings() int64 {
	n := int64(2)
	m := &p.Meta.Memory
	if m.ImageSize != 0 {
		n++
		if uint64(m.ImageStart)+uint64(m.ImageSize) < uint64(p.initial) {
			n++
		}
	}
	if p.guard != 0 && !p.markers {
		n += 2
	}
	return n
}

// mapImage maps the memory image over its place in memory.
func (p *Program) mapImage(at uintptr) linux.Errno {
	m := &p.Meta.Memory
	if m.ImageSize == 0 {
		return 0
	}
	const flags = unix.MAP_PRIVATE | unix.MAP_FIXED | unix.MAP_NORESERVE
	_, e := mmap(at+baseOffset+uintptr(m.ImageStart), uintptr(m.ImageSize), unix.PROT_READ|unix.PROT_WRITE,
		flags, int(p.code.file.Fd()), int64(m.ImageFile))
	return e
}

// strip makes a slot blank.
func (p *Program) strip(at uintptr) linux.Errno {
	return reserve(at+guardSize/2, baseOffset+memorySize-guardSize/2)
}
