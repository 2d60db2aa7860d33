package mm

import (
	"math"
	"sync"
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/futex"
	"vkernel/internal/linux"
)

const (
	pageSize = 4096
	wasmPage = 65536
	total    = 1 << 32 // what a guest address reaches

	// maxAreas is vm.max_map_count of the guest.
	maxAreas = 65530
	// highest keeps mappings away from the addresses that look like -errno in 32 bits.
	highest = total - wasmPage
)

// Source gives the bytes of a mapped file: a short count is the end of it. A vfs.File is one.
// If it also has a method Origin() Origin, that says more.
type Source interface {
	Read(p []byte, off int64) (int, linux.Errno)
}

// Limits are the resource limits that a space obeys, asked for at every request. A nil
// function, or math.MaxUint64, is no limit.
type Limits struct {
	Of   interface{ Limit(resource int) uint64 } // whose limits both are, if not nil
	AS   func() uint64                           // RLIMIT_AS: bytes of all areas
	Data func() uint64                           // RLIMIT_DATA: bytes of private writable areas
}

func (l *Limits) as() uint64 { return l.limit(linux.RLIMIT_AS, l.AS) }

func (l *Limits) data() uint64 { return l.limit(linux.RLIMIT_DATA, l.Data) }

func (l *Limits) limit(resource int, f func() uint64) uint64 {
	switch {
	case l.Of != nil:
		return l.Of.Limit(resource)
	case f == nil:
		return math.MaxUint64
	}
	return f()
}

// Space is the address space of one process.
type Space struct {
	inst    *engine.Instance
	limits  Limits
	low     uint64 // below it nothing is mapped
	initial uint64 // where the break may not go below
	top     uint64 // where mappings end

	users   atomic.Int32 // see Users
	futexes futex.Set    // of private memory
	forks   sync.Mutex   // from Settle to Settled; above mu
	shares  atomic.Bool  // there are, or were, areas with a share

	mu sync.Mutex

	// guarded by mu
	areas  areas
	brk    uint64 // the program break
	floor  uint64 // of the break: it does not go below what memory.grow gave out
	freed  bool
	pieces []engine.Piece // of Settle, to be used again
}

// New makes the space of an instance fresh from its program's image.
func New(inst *engine.Instance, limits Limits) *Space {
	s := emptySpace(inst, limits)
	s.brk, s.floor = s.initial, s.initial
	if s.initial > 0 {
		s.areas.begin(area{start: s.low, end: s.initial, prot: linux.PROT_READ | linux.PROT_WRITE, name: nameData})
	}
	return s
}

// emptySpace makes an empty space.
func emptySpace(inst *engine.Instance, limits Limits) *Space {
	m := inst.Program().Meta.Memory
	return &Space{
		inst: inst, limits: limits, low: uint64(m.NullGuard),
		initial: uint64(m.Min) * wasmPage, top: min(uint64(m.Max)*wasmPage, highest),
	}
}

// Users counts the processes that have the space; whose it is counts them.
func (s *Space) Users() *atomic.Int32 { return &s.users }

// Instance is the instance whose memory this is.
func (s *Space) Instance() *engine.Instance { return s.inst }

// Thread makes one more view of the memory for a thread; of is that of the caller.
func (s *Space) Thread(of *engine.Instance) (*engine.Instance, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return of.Thread()
}

// Free frees the instance, and lets go of the files that are mapped. The space is empty after it; nothing else may
// use the instance. It gives the bytes that were resident.
func (s *Space) Free() (resident uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.freed {
		s.freed = true
		resident = s.inst.Free()
		s.areas.clear()
	}
	return resident
}

func pageUp(n uint64) uint64 { return (n + pageSize - 1) &^ (pageSize - 1) }

// allow checks the limits for size more bytes, and for room in the list and at the host for
// more areas.
func (s *Space) allow(size uint64, data bool, more int) linux.Errno {
	if s.freed {
		return linux.ENOMEM
	}
	if size != 0 && (size > total || s.areas.virtual+size > s.limits.as()) {
		return linux.ENOMEM
	}
	if size != 0 && data && s.areas.data+size > s.limits.data() {
		return linux.ENOMEM
	}
	if more <= 0 {
		return 0
	}
	if len(s.areas.list)+more > maxAreas {
		return linux.ENOMEM
	}
	return declare(s.inst, &s.areas, more)
}

// declare tells the engine how many mappings of the host the areas may need, and more than these. A few merge
// with what a fresh instance has; of many, and of those of files, each may have a gap beside it, which counts too.
func declare(inst *engine.Instance, l *areas, more int) linux.Errno {
	n := len(l.list) + more
	if n > fewAreas {
		return inst.Areas(2 * n)
	}
	return inst.Areas(max(n-2, 0) + l.files)
}

const fewAreas = 16

// Brk sets the program break and returns it; on any failure, the old one (brk(2)).
func (s *Space) Brk(addr uint32) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to := uint64(addr); to >= s.floor && s.moveBreak(to) == 0 {
		s.brk = to
		s.inst.SetPages(uint32((s.brk + wasmPage - 1) / wasmPage))
	}
	return uint32(s.brk)
}

// Grow is memory.grow by n pages of 64 KiB: it gives the old size in pages.
func (s *Space) Grow(n uint32) (old uint32, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.inst.Pages()
	if n == 0 {
		return old, true
	}
	to := (uint64(old) + uint64(n)) * wasmPage
	if s.moveBreak(to) != 0 {
		return 0, false
	}
	s.brk, s.floor = to, to
	s.inst.SetPages(old + n)
	return old, true
}

// moveBreak maps or unmaps the pages between the break and to.
func (s *Space) moveBreak(to uint64) linux.Errno {
	from := pageUp(s.brk)
	to = pageUp(to)
	switch {
	case to > s.top || s.freed:
		return linux.ENOMEM
	case to < from:
		return s.unmap(to, from)
	case to == from:
		return 0
	case !s.areas.free(from, to):
		return linux.ENOMEM
	}
	if e := s.allow(to-from, true, 1); e != 0 {
		return e
	}
	a := area{start: from, end: to, prot: linux.PROT_READ | linux.PROT_WRITE, name: nameHeap}
	if e := s.inst.Map(a.start, a.size(), a.prot, false); e != 0 {
		return e
	}
	s.areas.replace(from, to, a)
	return 0
}
