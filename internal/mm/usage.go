package mm

// VMA is one area, as /proc/PID/maps shows it.
type VMA struct {
	Start, End uint64
	Prot       int // linux.PROT_*
	Shared     bool
	Offset     int64  // in the file
	Name       string // path, "[heap]", "[data]" or ""
	Dev, Ino   uint64 // of a file
}

// VMAs lists the areas in order of address.
func (s *Space) VMAs() []VMA {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]VMA, 0, len(s.areas.list))
	for _, a := range s.areas.list {
		out = append(out, VMA{a.start, a.end, a.prot, a.shared, a.off, a.name, a.dev, a.ino})
	}
	return out
}

// Usage is the size of an address space in bytes.
type Usage struct {
	Virtual  uint64 // all areas
	Resident uint64 // pages in memory
	Data     uint64 // private writable areas
	Lent     uint64 // of Resident: what others keep in memory when this process ends
	Areas    int
}

// Shared is how much shared anonymous memory is mapped, and what threads share. What is mapped of
// files is not in it.
func (s *Space) Shared() (n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.areas.list {
		switch {
		case a.share != nil:
			n += a.size()
		case a.object != nil && s.inst.Shared():
		case s.inst.Shared():
			n += s.inst.Resident(a.start, a.size())
		}
	}
	return n
}

// Usage measures the space.
func (s *Space) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{Virtual: s.areas.virtual, Data: s.areas.data, Areas: len(s.areas.list)}
	for _, a := range s.areas.list {
		u.Resident += s.inst.Resident(a.start, a.size())
	}
	if !s.freed {
		u.Lent = s.inst.Lent()
	}
	for _, a := range s.areas.list {
		if a.object != nil {
			users := uint64(max(a.object.Users(), 1))
			u.Lent += s.inst.Borrowed(a.start, a.size()) / users * (users - 1)
		}
	}
	return u
}

// Cached is how much of the host's cache of files is mapped: it is not the container's memory.
func (s *Space) Cached() (n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.areas.list {
		if a.object != nil && a.object.Cached() {
			n += s.inst.Borrowed(a.start, a.size())
		}
	}
	return n
}
