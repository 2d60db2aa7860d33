package mm

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/mutant"
)

// pages checks that addr is page-aligned and gives the range of whole pages of length bytes.
func pages(addr, length uint32) (start, end uint64, e linux.Errno) {
	start = uint64(addr)
	end = pageUp(start + uint64(length))
	if start%pageSize != 0 || end > total {
		return 0, 0, linux.EINVAL
	}
	return start, end, 0
}

// checkProt refuses executable memory.
func checkProt(prot int) (int, linux.Errno) {
	if prot&linux.PROT_EXEC != 0 && !mutant.Off("memory.exec") {
		return 0, linux.EACCES
	}
	if prot&^(linux.PROT_READ|linux.PROT_WRITE|linux.PROT_SEM) != 0 && !mutant.Off("memory.exec") {
		return 0, linux.EINVAL
	}
	return prot & (linux.PROT_READ | linux.PROT_WRITE), 0
}

// Map is mmap(2): prot and flags are linux.PROT_* and linux.MAP_*; src is nil if MAP_ANONYMOUS.
func (s *Space) Map(addr, length uint32, prot, flags int, src Source, off int64) (uint32, linux.Errno) {
	prot, e := checkProt(prot)
	if e != 0 {
		return 0, e
	}
	a := area{prot: prot}
	if e := a.describe(flags, src, off); e != 0 {
		return 0, e
	}
	if length == 0 {
		return 0, linux.EINVAL
	}
	if flags&linux.MAP_HUGETLB != 0 {
		return 0, linux.ENOMEM
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.place(&a, addr, pageUp(uint64(length)), flags); e != 0 {
		return 0, e
	}
	if a.shared && !a.file {
		a.share, a.name = new(share), nameZero
	}
	if a.share != nil || a.shared && a.object != nil {
		s.shares.Store(true)
	}
	if e := s.mapArea(&a, src); e != 0 {
		return 0, e
	}
	return uint32(a.start), 0
}

// describe notes what is mapped.
func (a *area) describe(flags int, src Source, off int64) linux.Errno {
	switch flags & linux.MAP_TYPE {
	case linux.MAP_SHARED, linux.MAP_SHARED_VALIDATE:
		a.shared = true
	case linux.MAP_PRIVATE:
	default:
		return linux.EINVAL
	}
	if off < 0 || off%pageSize != 0 {
		return linux.EINVAL
	}
	if src == nil {
		if flags&linux.MAP_ANONYMOUS == 0 {
			return linux.EBADF
		}
		return 0
	}
	a.file, a.off = true, off
	var o Origin
	if d, ok := src.(interface{ Origin() Origin }); ok {
		o = d.Origin()
	}
	a.name, a.dev, a.ino, a.object = o.Path, o.Dev, o.Ino, o.Object
	a.frozen = a.shared && (a.object == nil || !o.Writable)
	switch {
	case a.frozen && a.prot&linux.PROT_WRITE == 0, !a.frozen:
		return 0
	case a.object == nil:
		return linux.ENODEV
	}
	return linux.EACCES
}

// place decides where an area of size bytes goes, and makes room there if it is MAP_FIXED.
func (s *Space) place(a *area, addr uint32, size uint64, flags int) linux.Errno {
	start := uint64(addr)
	fixed := flags&(linux.MAP_FIXED|linux.MAP_FIXED_NOREPLACE) != 0
	switch {
	case size > s.top:
		return linux.ENOMEM
	case fixed && start%pageSize != 0:
		return linux.EINVAL
	case fixed && start > s.top-size:
		return linux.ENOMEM
	case fixed && start < s.low:
		return linux.EPERM // below vm.mmap_min_addr
	case flags&linux.MAP_FIXED_NOREPLACE != 0:
		if !s.areas.free(start, start+size) {
			return linux.EEXIST
		}
	case fixed:
		// Checked before what is there now is gone; what it frees is not credited.
		if e := s.allow(size, a.data(), 2); e != 0 {
			return e
		}
		if e := s.unmap(start, start+size); e != 0 {
			return e
		}
	default:
		start = pageUp(start)
		if start == 0 || start > s.top-size || start < s.brk || !s.areas.free(start, start+size) {
			var ok bool
			if start, ok = s.areas.gap(size, pageUp(s.brk), s.top); !ok {
				return linux.ENOMEM
			}
		}
	}
	a.start, a.end = start, start+size
	return s.allow(size, a.data(), 2)
}

// mapArea makes the area, which lies in a free range.
func (s *Space) mapArea(a *area, src Source) linux.Errno {
	if a.object != nil {
		if e := s.mapFile(a); e != 0 {
			s.inst.Unmap(a.start, a.size())
			return e
		}
		s.areas.replace(a.start, a.end, *a)
		return 0
	}
	prot := a.prot
	if a.file {
		prot = linux.PROT_READ | linux.PROT_WRITE
	}
	if e := s.inst.Map(a.start, a.size(), prot, a.share != nil); e != 0 {
		s.inst.Unmap(a.start, a.size())
		return e
	}
	if a.file {
		e := s.fill(a, src)
		if e == 0 && prot != a.prot {
			e = s.inst.Protect(a.start, a.size(), a.prot)
		}
		if e != 0 {
			s.inst.Unmap(a.start, a.size())
			return e
		}
	}
	s.areas.replace(a.start, a.end, *a)
	return 0
}

// fill reads a file into its area.
func (s *Space) fill(a *area, src Source) linux.Errno {
	const step = 1 << 20
	for at, off := a.start, a.off; at < a.end; {
		n := 0
		e := s.inst.Memory().View(guest.Addr(at), int(min(a.end-at, step)), func(p []byte) (e linux.Errno) {
			n, e = src.Read(p, off)
			return e
		})
		if e != 0 || n <= 0 {
			return e
		}
		at, off = at+uint64(n), off+int64(n)
	}
	return 0
}

// Unmap is munmap(2).
func (s *Space) Unmap(addr, length uint32) linux.Errno {
	start, end, e := pages(addr, length)
	if e != 0 || length == 0 {
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unmap(start, end)
}

// unmap removes what is mapped in a range of pages.
func (s *Space) unmap(start, end uint64) linux.Errno {
	parts := s.areas.within(start, end)
	if len(parts) == 0 {
		return 0
	}
	if len(parts) == 1 && s.areas.splits(start, end) {
		if e := s.allow(0, false, 1); e != 0 {
			return e
		}
	}
	for k := 0; k < len(parts); {
		from, to := parts[k].start, parts[k].end
		for k++; k < len(parts) && parts[k].start == to; k++ {
			to = parts[k].end
		}
		if e := s.inst.Unmap(from, to-from); e != 0 {
			return e
		}
		s.areas.replace(from, to)
	}
	declare(s.inst, &s.areas, 0)
	return 0
}

// Protect is mprotect(2).
func (s *Space) Protect(addr, length uint32, prot int) linux.Errno {
	start, end, e := pages(addr, length)
	if e == 0 {
		prot, e = checkProt(prot)
	}
	if e != 0 || length == 0 {
		return e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.areas.within(start, end)
	var data uint64 // that the change adds
	for k := range parts {
		if parts[k].frozen && prot&linux.PROT_WRITE != 0 && !mutant.Off("mapping.readonly") {
			return linux.EACCES
		}
		was := parts[k].data()
		if parts[k].prot = prot; parts[k].data() && !was {
			data += parts[k].size()
		}
	}
	if data != 0 && s.areas.data+data > s.limits.data() {
		return linux.ENOMEM
	}
	if e := s.allow(0, false, 2); e != 0 {
		return e
	}
	for _, a := range parts {
		if a.start != start {
			return linux.ENOMEM // a hole: what is below it has changed, as on Linux
		}
		if e := s.inst.Protect(a.start, a.size(), prot); e != 0 {
			return e
		}
		s.areas.replace(a.start, a.end, a)
		start = a.end
	}
	if start != end {
		return linux.ENOMEM
	}
	return 0
}
