package mm

import (
	"sync"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

// Source gives the bytes of a mapped file: a short count is the end of it. A vfs.File is one.
// If it also has a method Path() string, that names the mapping in /proc/PID/maps.
type Source interface {
	Read(p []byte, off int64) (int, linux.Errno)
}

// Limits are the resource limits that a space obeys, asked for at every request. A nil
// function, or math.MaxUint64, is no limit.
type Limits struct {
	AS   func() uint64 // RLIMIT_AS: bytes of all areas
	Data func() uint64 // RLIMIT_DATA: bytes of private writable areas
}

// Space is the address space of one process.
type Space struct {
	inst   *engine.Instance
	limits Limits

	mu sync.Mutex
}

// New makes the space of an instance fresh from its program's image.
func New(inst *engine.Instance, limits Limits) *Space { return &Space{inst: inst, limits: limits} }

// Instance is the instance whose memory this is.
func (s *Space) Instance() *engine.Instance { return s.inst }

// Brk sets the program break and returns it; on any failure, the old one (brk(2)).
func (s *Space) Brk(addr uint32) uint32 { return 0 }

// Grow is memory.grow by n pages of 64 KiB: it gives the old size in pages.
func (s *Space) Grow(n uint32) (old uint32, ok bool) { return 0, false }

// Map is mmap(2): prot and flags are linux.PROT_* and linux.MAP_*; src is nil if MAP_ANONYMOUS.
func (s *Space) Map(addr, length uint32, prot, flags int, src Source, off int64) (uint32, linux.Errno) {
	return 0, linux.ENOSYS
}

// Unmap is munmap(2).
func (s *Space) Unmap(addr, length uint32) linux.Errno { return linux.ENOSYS }

// Protect is mprotect(2).
func (s *Space) Protect(addr, length uint32, prot int) linux.Errno { return linux.ENOSYS }

// Remap is mremap(2).
func (s *Space) Remap(addr, oldLen, newLen uint32, flags int, newAddr uint32) (uint32, linux.Errno) {
	return 0, linux.ENOSYS
}

// Advise is madvise(2): MADV_DONTNEED discards, other known advice does nothing.
func (s *Space) Advise(addr, length uint32, advice int) linux.Errno { return linux.ENOSYS }

// Mapped reports whether the whole range is mapped (msync, mincore, mlock: ENOMEM if not).
func (s *Space) Mapped(addr, length uint32) bool { return false }

// Fork makes the space of child, which engine's Program.Fork made from this space's instance:
// the same areas, with the private pages copied. On error the child must be freed.
func (s *Space) Fork(child *engine.Instance, limits Limits) (*Space, linux.Errno) {
	return nil, linux.ENOSYS
}

// VMA is one area, as /proc/PID/maps shows it.
type VMA struct {
	Start, End uint64
	Prot       int // linux.PROT_*
	Shared     bool
	Offset     int64  // in the file
	Name       string // path, "[heap]", "[data]" or ""
}

// VMAs lists the areas in order of address.
func (s *Space) VMAs() []VMA { return nil }

// Usage is the size of an address space in bytes.
type Usage struct {
	Virtual  uint64 // all areas
	Resident uint64 // pages in memory
	Data     uint64 // private writable areas
}

// Usage measures the space.
func (s *Space) Usage() Usage { return Usage{} }
