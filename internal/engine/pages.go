package engine

import (
	"sort"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// The raw operations on an instance's memory. Package mm decides what is asked for; here only
// the bounds are checked, since a mistake would reach beyond the slot.

// Protection of guest pages, as the host's PROT_READ and PROT_WRITE.
const (
	ProtNone  = unix.PROT_NONE
	ProtRead  = unix.PROT_READ
	ProtWrite = unix.PROT_WRITE
)

// hole is a page-aligned part of the memory image that is not mapped from the file.
type hole struct{ start, end uint64 }

// within checks a range of pages and gives its host address. The null guard is no memory: a
// reset leaves it as it is.
func (i *Instance) within(addr, length uint64) (uintptr, linux.Errno) {
	if addr < uint64(i.p.guard) || addr%pageSize != 0 || length%pageSize != 0 || length == 0 || addr >= memorySize || length > memorySize-addr {
		return 0, linux.EINVAL
	}
	return i.base + uintptr(addr), 0
}

func checkProt(prot int) linux.Errno {
	switch {
	case prot&unix.PROT_EXEC != 0:
		return linux.EACCES
	case prot&^(ProtRead|ProtWrite) != 0:
		return linux.EINVAL
	}
	return 0
}

// layout gives the VMAs of a memory without threads, which is about to change.
func (i *Instance) layout() *vmas {
	if i.vmas == nil {
		i.vmas = make(vmas, 0, 8)
		if guard := uint64(i.p.guard); guard < uint64(i.p.initial) {
			i.vmas = append(i.vmas, vma{start: guard, end: uint64(i.p.initial), prot: ProtRead | ProtWrite})
		}
	}
	i.changed, i.untouched = true, false
	return &i.vmas
}

// Map makes the unmapped pages of [addr, addr+length) zero memory. Shared memory stays one
// memory when Share gives it to another instance. Addresses and lengths of all raw operations
// are multiples of the page size within 4 GiB and above the null guard, else EINVAL; PROT_EXEC is EACCES.
func (i *Instance) Map(addr, length uint64, prot int, shared bool) linux.Errno {
	at, e := i.within(addr, length)
	if e == 0 {
		e = checkProt(prot)
	}
	if e != 0 {
		return e
	}
	if m := i.memory.Load(); m != nil {
		return m.mapPages(addr, addr+length, prot, shared)
	}
	r := vma{start: addr, end: addr + length, prot: prot}
	open := prot == ProtRead|ProtWrite && i.isOpen(hole{r.start, r.end})
	l := i.layout()
	switch {
	case shared:
		i.foreign = true
		r.share = i.p.code.shares.Add(1)
		const flags = unix.MAP_SHARED | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE | unix.MAP_FIXED
		_, e = mmap(at, uintptr(length), prot, flags, -1, 0)
	case !open:
		e = mprotect(at, uintptr(length), prot)
	}
	if e == 0 {
		l.replace(r.start, r.end, r)
	}
	return e
}

// Protect changes the protection of mapped pages.
func (i *Instance) Protect(addr, length uint64, prot int) linux.Errno {
	at, e := i.within(addr, length)
	if e == 0 {
		e = checkProt(prot)
	}
	if e != 0 {
		return e
	}
	if m := i.memory.Load(); m != nil {
		return m.protectPages(addr, addr+length, prot)
	}
	l := i.layout()
	if e := mprotect(at, uintptr(length), prot); e != 0 {
		return e
	}
	l.protect(addr, addr+length, prot)
	return 0
}

// Unmap drops pages and makes them inaccessible. Unmapped pages may be in the range.
func (i *Instance) Unmap(addr, length uint64) linux.Errno {
	at, e := i.within(addr, length)
	if e != 0 {
		return e
	}
	if m := i.memory.Load(); m != nil {
		return m.unmap(addr, addr+length)
	}
	i.layout().replace(addr, addr+length)
	if e := i.dropImage(addr, addr+length); e != 0 {
		return e
	}
	h := hole{addr, addr + length}
	if i.foreign || i.inParts(h) {
		if e := reserve(at, uintptr(length)); e != 0 {
			return e
		}
		i.cutParts(h)
		return 0
	}
	if e := madvise(at, uintptr(length), unix.MADV_DONTNEED); e != 0 {
		return e
	}
	return mprotect(at, uintptr(length), unix.PROT_NONE)
}

// Discard drops the content of pages (MADV_DONTNEED) and keeps them mapped, with the protection
// that they have: they are zero, or the program's image again.
func (i *Instance) Discard(addr, length uint64, prot int) linux.Errno {
	at, e := i.within(addr, length)
	if e == 0 {
		e = checkProt(prot)
	}
	if e == 0 {
		e = i.discardParts(hole{addr, addr + length}, prot)
	}
	if e != 0 {
		return e
	}
	if m := i.memory.Load(); m != nil {
		return m.discard(addr, addr+length)
	}
	if !i.inParts(hole{addr, addr + length}) {
		return madvise(at, uintptr(length), unix.MADV_DONTNEED)
	}
	for _, h := range i.withoutParts(hole{addr, addr + length}) {
		if e := madvise(i.base+uintptr(h.start), uintptr(h.size()), unix.MADV_DONTNEED); e != 0 {
			return e
		}
	}
	return 0
}

// dropImage replaces the part of the memory image in [start, end) by reserved pages.
func (i *Instance) dropImage(start, end uint64) linux.Errno {
	for _, h := range i.p.imageWithout(start, end, i.holes) {
		if e := i.punch(h); e != 0 {
			return e
		}
	}
	return 0
}

// imageWithout gives the parts of the memory image in [start, end) that are not in holes.
func (p *Program) imageWithout(start, end uint64, holes []hole) []hole {
	m := &p.Meta.Memory
	start, end = max(start, uint64(m.ImageStart)), min(end, uint64(m.ImageStart)+uint64(m.ImageSize))
	var out []hole
	for _, h := range holes {
		if h.start > start && start < end {
			out = append(out, hole{start, min(h.start, end)})
		}
		start = max(start, h.end)
	}
	if start < end {
		out = append(out, hole{start, end})
	}
	return out
}

// punch makes a hole and notes it, so that a fork repeats it. Holes are kept apart and in
// order, so there are no more of them than half the pages of the image.
func (i *Instance) punch(h hole) linux.Errno {
	i.changed, i.untouched = true, false
	if e := reserve(i.base+uintptr(h.start), uintptr(h.end-h.start)); e != 0 {
		return e
	}
	i.holes = addHole(i.holes, h)
	return 0
}

func addHole(holes []hole, h hole) []hole {
	var out []hole
	for _, o := range holes {
		switch {
		case o.end < h.start:
			out = append(out, o)
		case o.start > h.end:
			out = append(out, h)
			h = o
		default:
			h = hole{min(h.start, o.start), max(h.end, o.end)}
		}
	}
	return append(out, h)
}

// inImage tells whether a part of the range is mapped from the program's image.
func (i *Instance) inImage(addr, length uint64) bool {
	m := &i.p.Meta.Memory
	return addr < uint64(m.ImageStart)+uint64(m.ImageSize) && addr+length > uint64(m.ImageStart)
}

// Move moves length bytes of pages, readable and writable, from one mapped range to an unmapped
// one of the same protection; the old range is unmapped. The ranges do not overlap.
func (i *Instance) Move(from, to, length uint64) linux.Errno {
	src, e := i.within(from, length)
	if e != 0 {
		return e
	}
	dst, e := i.within(to, length)
	if e != 0 {
		return e
	}
	if m := i.memory.Load(); m != nil {
		return m.move(from, to, length)
	}
	i.changed = true
	// The old place must not be free for others even for a moment: it stays mapped, empty.
	const flags = unix.MREMAP_MAYMOVE | unix.MREMAP_FIXED | unix.MREMAP_DONTUNMAP
	if !i.inImage(from, length) && !i.inImage(to, length) && !i.inParts(hole{from, from + length}) {
		if mremap(src, uintptr(length), uintptr(length), flags, dst) == 0 {
			i.foreign = true
			i.layout().replace(to, to+length, vma{start: to, end: to + length, prot: ProtRead | ProtWrite})
			return i.Unmap(from, length)
		}
	}
	if e := i.Map(to, length, ProtRead|ProtWrite, false); e != 0 {
		return e
	}
	copy(bytesAt(dst, uintptr(length)), bytesAt(src, uintptr(length)))
	return i.Unmap(from, length)
}

// populateFrom is the run of pages from which on faulting them in by one call pays.
const populateFrom = 4 * pageSize

// CopyPages copies the private pages of the range into the same range of dst, where it must be
// mapped writable, and be as New left it or empty; between Settle and Settled, only those that
// no layer holds. Here it must be readable.
func (i *Instance) CopyPages(dst *Instance, addr, length uint64) linux.Errno {
	at, e := i.within(addr, length)
	if e != 0 {
		return e
	}
	if m := i.memory.Load(); m != nil {
		return m.copyPages(dst, addr, addr+length)
	}
	if i.plan == nil {
		return i.p.code.pagemap.private(at, uintptr(length), func(at, size uintptr) { i.copyRun(dst, at, size) })
	}
	runs := i.plan.runs
	k := sort.Search(len(runs), func(k int) bool { return runs[k].end > addr })
	for ; k < len(runs) && runs[k].start < addr+length; k++ {
		c, _ := runs[k].and(hole{addr, addr + length})
		i.copyRun(dst, i.base+uintptr(c.start), uintptr(c.size()))
	}
	return 0
}

func (i *Instance) copyRun(dst *Instance, at, size uintptr) {
	to := at - i.base + dst.base
	if size >= populateFrom && int(size/pageSize) > dst.warm { // a warm slot has most of them
		madvise(to, size, unix.MADV_POPULATE_WRITE) // else it faults: slower, not wrong
	}
	copy(bytesAt(to, size), bytesAt(at, size))
}

// Share maps the shared range [addr, addr+length) a second time, into dst (which may be this
// instance) from to on. dst is a view of the same memory, or not yet known to others.
func (i *Instance) Share(dst *Instance, addr, to, length uint64, prot int) linux.Errno {
	from, e := i.within(addr, length)
	if e == 0 {
		e = checkProt(prot)
	}
	if e != 0 {
		return e
	}
	at, e := dst.within(to, length)
	if e != 0 {
		return e
	}
	m := dst.memory.Load()
	if source := i.memory.Load(); source != nil && source != m {
		source.mu.Lock()
		defer source.mu.Unlock()
	}
	if m != nil {
		return m.share(from, to, to+length, prot)
	}
	l := dst.layout()
	dst.foreign = true
	if e := dst.dropImage(to, to+length); e != 0 {
		return e
	}
	dst.cutParts(hole{to, to + length})
	if e := repeat(from, at, uintptr(length)); e != 0 {
		return e
	}
	l.replace(to, to+length, vma{start: to, end: to + length, prot: prot, share: i.p.code.shares.Add(1)})
	return mprotect(at, uintptr(length), prot)
}

// Resident counts the bytes of the range that are in the host's memory. What a layer holds is,
// whether or not the host has mapped it for this instance.
func (i *Instance) Resident(addr, length uint64) uint64 {
	if _, e := i.within(addr, length); e != 0 {
		return 0
	}
	if m := i.memory.Load(); m != nil {
		return m.resident(addr, addr+length)
	}
	var n uint64
	at, end := addr, addr+length
	count := func(to uint64) {
		if at < to {
			i.p.code.pagemap.walk(i.base+uintptr(at), uintptr(to-at), 0, func(_, size uintptr) { n += uint64(size) })
		}
	}
	for _, p := range i.parts {
		if c, ok := p.and(hole{at, end}); ok {
			count(c.start)
			n += c.size()
			at = c.end
		}
	}
	count(end)
	return n
}
