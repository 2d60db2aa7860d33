package engine

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// A slot is the address range of one instance. Offsets from its start:
//
//	0            guard: larger than the largest frame, its upper end may become the reserve
//	             in which a handler runs after a stack overflow
//	64 MiB       native stack, instance area: they end at base. Where they begin
//	             depends on the program; what is below is guard
//	baseOffset   base: linear memory, 4 GiB
//	+4 GiB       reach of an index plus an offset, never mapped
//
// Everything is reserved and inaccessible until a program moves in. Stack and area are
// one mapping, and one with the memory below the image, so that an idle instance costs the
// host four mappings, the inaccessible one included; and the stack begins in what the area leaves
// of its lowest page, so that an idle instance has one page for both. Nothing runs up a stack (the
// verifier lets no function reach above the arguments that it was given), and no
// guest access goes below base: a guard between them would guard nothing. The null guard of a
// program is made of markers in the page table, which need no mapping either.
const (
	guardSize  = 64 << 20
	stackSize  = 8 << 20
	memorySize = 4 << 30
	reachSize  = memorySize + 64<<10

	// base lies 512 KiB above a multiple of 2 MiB: one page of page table is for the top of the stack,
	// the area (of most programs) and the first 1.5 MiB of memory. A program's own stack is usually
	// the first of these, so its data is there too.
	baseOffset = guardSize + stackSize + maxArea + 512<<10
	slotStride = (baseOffset + memorySize + reachSize + 2<<20 - 1) &^ (2<<20 - 1)

	maxSlots  = 15000
	slabSlots = 16

	// What slots leave of the host's address space at least.
	spareSize = 4 << 30

	// What Go, the C library and the code itself need of vm.max_map_count.
	hostMappings = 8192
)

// slots lends slots, and keeps the count of what the host limits.
type slots struct {
	limit    int64 // of slots
	mappings int64 // of used

	used  atomic.Int64 // mappings that live instances declare
	areas atomic.Int64 // those of them that are beyond a fresh instance's

	refused atomic.Pointer[Refusal] // the last one

	mu sync.Mutex

	// guarded by mu
	blank []uintptr // starts of slots that hold nothing
	slabs []slab
	spare uintptr // address space that Go's heap gets when slots have taken all other; 0: it has it
	count int     // slots in all slabs
	idle  int     // pages that idle slots of programs keep
}

type slab struct{ at, size uintptr }

func (s *slots) init(mappings int64) {
	if mappings == 0 {
		mappings = MaxMapCount()
	}
	s.mappings = mappings - hostMappings
	s.limit = maxSlots
	const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	s.spare, _ = mmap(0, spareSize, unix.PROT_NONE, flags, -1, 0) // without it slots may leave nothing
}

// MaxMapCount is vm.max_map_count, or its default where it cannot be read.
func MaxMapCount() int64 {
	if b, err := os.ReadFile("/proc/sys/vm/max_map_count"); err == nil {
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 2*hostMappings {
			return n
		}
	}
	return 65530
}

// declare counts n more mappings, if that stays within limit.
func (s *slots) declare(n, limit int64) bool {
	if s.used.Add(n) > limit && n > 0 {
		s.used.Add(-n)
		s.refuseMappings(n)
		return false
	}
	return true
}

// declareAreas counts n more mappings beyond those of fresh instances.
func (s *slots) declareAreas(n int64) bool {
	if s.areas.Add(n) > s.mappings/2 && n > 0 || !s.declare(n, s.mappings) {
		s.areas.Add(-n)
		s.refuseMappings(n)
		return false
	}
	return true
}

// undeclare takes back what an instance has declared.
func (s *slots) undeclare(own, areas int64) {
	s.areas.Add(-areas)
	s.used.Add(-own - areas)
}

// take gives a blank slot. EAGAIN at the limit, ENOMEM if the host refuses.
func (s *slots) take() (uintptr, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.blank) == 0 {
		if e := s.addSlab(); e != 0 {
			return 0, e
		}
	}
	at := s.blank[len(s.blank)-1]
	s.blank = s.blank[:len(s.blank)-1]
	return at, 0
}

// give returns a slot that is reserved all over.
func (s *slots) give(at uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blank = append(s.blank, at)
}

// addSlab reserves address space for more slots, fewer if there is not enough in one piece.
func (s *slots) addSlab() linux.Errno {
	room := int(s.limit) - s.count
	if room <= 0 {
		s.refuse(limitSlots, "all %d are in use", s.count)
		return linux.EAGAIN
	}
	const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	const align = 2 << 20
	for n := min(slabSlots, room); n > 0; n /= 2 {
		size := uintptr(n)*slotStride + align
		at, e := mmap(0, size, unix.PROT_NONE, flags, -1, 0)
		if e != 0 {
			continue
		}
		madvise(at, size, unix.MADV_NOHUGEPAGE)
		s.slabs = append(s.slabs, slab{at, size})
		first := (at + align - 1) &^ (align - 1)
		for k := n - 1; k >= 0; k-- {
			s.blank = append(s.blank, first+uintptr(k)*slotStride)
		}
		s.count += n
		return 0
	}
	if s.spare != 0 && munmap(s.spare, spareSize) == 0 {
		s.spare = 0
	}
	s.refuse(limitAddress, "the host has no %d bytes in a piece, beside %d processes (RLIMIT_AS, or the processor's)", uint64(slotStride), s.count)
	return linux.ENOMEM
}

func (s *slots) close() error {
	if s.spare != 0 {
		if err := munmapErr(s.spare, spareSize); err != nil {
			return err
		}
		s.spare = 0
	}
	for _, b := range s.slabs {
		if err := munmapErr(b.at, b.size); err != nil {
			return err
		}
	}
	return nil
}
