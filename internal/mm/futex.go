package mm

import "vkernel/internal/futex"

// Futex is the key of the futex at an address: in shared memory, unless it is a private one,
// the same for all spaces that have the memory.
func (s *Space) Futex(at uint32, private bool) futex.Key {
	if !private && s.shares.Load() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if k := s.areas.first(uint64(at)); k < len(s.areas.list) {
			if a := &s.areas.list[k]; a.start <= uint64(at) {
				if set := a.futexes(); set != nil {
					return futex.Key{Set: set, Addr: uint64(a.off) + uint64(at) - a.start}
				}
			}
		}
	}
	return futex.Key{Set: &s.futexes, Addr: uint64(at)}
}

// FutexSets appends the sets in which threads of the space may wait.
func (s *Space) FutexSets(sets []*futex.Set) []*futex.Set {
	sets = append(sets, &s.futexes)
	if !s.shares.Load() {
		return sets
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.areas.list {
		if set := a.futexes(); set != nil {
			sets = append(sets, set)
		}
	}
	return sets
}

// futexes is where waiters for words of shared memory are; nil for private memory.
func (a *area) futexes() *futex.Set {
	switch {
	case a.share != nil:
		return &a.share.futexes
	case a.shared && a.object != nil:
		return a.object.Futexes()
	}
	return nil
}
