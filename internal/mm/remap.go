package mm

import "vkernel/internal/linux"

// Remap is mremap(2). MREMAP_DONTUNMAP, and an old length of 0, are EINVAL; shared anonymous memory,
// and a copy of a file, can move and shrink, not grow (ENOMEM).
func (s *Space) Remap(addr, oldLen, newLen uint32, flags int, newAddr uint32) (uint32, linux.Errno) {
	start, end, e := pages(addr, oldLen)
	size := pageUp(uint64(newLen))
	fixed := flags&linux.MREMAP_FIXED != 0
	switch {
	case e != 0 || oldLen == 0 || newLen == 0:
		return 0, linux.EINVAL
	case flags&^(linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED) != 0 || fixed && flags&linux.MREMAP_MAYMOVE == 0:
		return 0, linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.areas.within(start, end)
	if len(parts) != 1 || parts[0].start != start || parts[0].end != end {
		return 0, linux.EFAULT
	}
	a := parts[0]
	if size > a.size() && (a.share != nil || a.file && a.object == nil) {
		return 0, linux.ENOMEM
	}
	if fixed {
		return s.remapFixed(a, size, uint64(newAddr))
	}
	if size <= a.size() {
		return uint32(start), s.shrink(&a, size)
	}
	if e := s.allow(size-a.size(), a.data(), 2); e != 0 {
		return 0, e
	}
	if start+size <= s.top && s.areas.free(end, start+size) {
		return uint32(start), s.extend(&a, size)
	}
	if flags&linux.MREMAP_MAYMOVE == 0 {
		return 0, linux.ENOMEM
	}
	to, ok := s.areas.gap(size, pageUp(s.brk), s.top)
	if !ok {
		return 0, linux.ENOMEM
	}
	return s.move(a, to, size)
}

// remapFixed moves an area to a given place, of which what is there now is dropped.
func (s *Space) remapFixed(a area, size, to uint64) (uint32, linux.Errno) {
	if to%pageSize != 0 || size > s.top || to > s.top-size || to < a.end && a.start < to+size {
		return 0, linux.EINVAL
	}
	if to < s.low {
		return 0, linux.EPERM // below vm.mmap_min_addr
	}
	if e := s.allow(size-min(size, a.size()), a.data(), 4); e != 0 {
		return 0, e
	}
	if e := s.unmap(to, to+size); e != 0 {
		return 0, e
	}
	if size < a.size() {
		if e := s.shrink(&a, size); e != 0 {
			return 0, e
		}
	}
	return s.move(a, to, size)
}

// shrink drops the tail of an area.
func (s *Space) shrink(a *area, size uint64) linux.Errno {
	if size == a.size() {
		return 0
	}
	if e := s.unmap(a.start+size, a.end); e != 0 {
		return e
	}
	a.end = a.start + size
	return 0
}

// extend makes an anonymous area, or one of a file, larger in place.
func (s *Space) extend(a *area, size uint64) linux.Errno {
	more := *a
	more.start, more.end = a.end, a.start+size
	e := linux.Errno(0)
	if a.object != nil {
		more.off += int64(a.size())
		e = s.mapFile(&more)
	} else {
		e = s.inst.Map(more.start, more.size(), a.prot, false)
	}
	if e != 0 {
		return e
	}
	s.areas.replace(more.start, more.end, more)
	return 0
}

// move moves an area to the free range [to, to+size), which may be larger.
func (s *Space) move(a area, to, size uint64) (uint32, linux.Errno) {
	old := a.size()
	if a.object != nil { // there is no area of it in between
		a.object.Hold()
		defer a.object.Release()
	}
	if e := s.moveContent(&a, to); e != 0 {
		return 0, e
	}
	s.areas.replace(a.start, a.end)
	b := a
	b.start, b.end = to, to+old
	s.areas.replace(b.start, b.end, b)
	if size > old {
		if e := s.extend(&b, size); e != 0 {
			return 0, e
		}
	}
	return uint32(to), 0
}

func (s *Space) moveContent(a *area, to uint64) linux.Errno {
	if a.share != nil {
		if e := s.inst.Share(s.inst, a.start, to, a.size(), a.prot); e != 0 {
			return e
		}
		return s.inst.Unmap(a.start, a.size())
	}
	if a.object != nil {
		e := s.inst.MoveFile(a.start, to, a.size())
		if e != 0 {
			s.inst.Unmap(to, a.size()) // or a part would be mapped of which there is no area, and outlive its descriptor
		}
		return e
	}
	const rw = linux.PROT_READ | linux.PROT_WRITE
	if a.prot != rw {
		if e := s.inst.Protect(a.start, a.size(), rw); e != 0 {
			return e
		}
	}
	if e := s.inst.Move(a.start, to, a.size()); e != 0 || a.prot == rw {
		return e
	}
	return s.inst.Protect(to, a.size(), a.prot)
}

// Advise is madvise(2). MADV_DONTNEED and MADV_FREE discard anonymous pages; MADV_DONTNEED also what was
// written to a private mapping of a file, but not where a process with threads has made a copy of it. Advice that changes what fork does is EINVAL, so that callers that rely
// on it know; other advice is taken note of by doing nothing.
func (s *Space) Advise(addr, length uint32, advice int) linux.Errno {
	start, end, e := pages(addr, length)
	if e != 0 {
		return e
	}
	switch advice {
	case linux.MADV_DONTNEED, linux.MADV_FREE:
	case linux.MADV_NORMAL, linux.MADV_RANDOM, linux.MADV_SEQUENTIAL, linux.MADV_WILLNEED, linux.MADV_DOFORK,
		linux.MADV_HUGEPAGE, linux.MADV_NOHUGEPAGE, linux.MADV_DONTDUMP, linux.MADV_DODUMP, linux.MADV_KEEPONFORK,
		linux.MADV_COLD, linux.MADV_PAGEOUT, linux.MADV_POPULATE_READ, linux.MADV_POPULATE_WRITE:
		if !s.Mapped(addr, length) {
			return linux.ENOMEM
		}
		return 0
	default:
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.areas.within(start, end) {
		if a.object != nil && !a.shared && advice == linux.MADV_DONTNEED {
			if e := s.inst.DropWritten(a.start, a.size()); e != 0 {
				return e
			}
		}
		if a.file || a.share != nil {
			continue
		}
		if e := s.inst.Discard(a.start, a.size(), a.prot); e != 0 {
			return e
		}
	}
	if !s.areas.covered(start, end) {
		return linux.ENOMEM
	}
	return 0
}

// Mapped reports whether the whole range is mapped (msync, mincore, mlock: ENOMEM if not).
func (s *Space) Mapped(addr, length uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := uint64(addr)
	return s.areas.covered(start, start+uint64(length))
}
