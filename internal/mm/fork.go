package mm

import (
	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

// Settle prepares a fork: what the space holds of much private memory becomes memory that parent
// and child share until they write to it. Settled ends what it begins, after Fork: in between
// no other thread forks.
func (s *Space) Settle() linux.Errno {
	s.forks.Lock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces = s.pieces[:0]
	for k := range s.areas.list {
		if a := &s.areas.list[k]; a.share == nil && a.object == nil {
			s.pieces = append(s.pieces, engine.Piece{Start: a.start, End: a.end, Prot: a.prot})
		}
	}
	return s.inst.Settle(s.pieces)
}

// Settled frees what Settle keeps for the fork.
func (s *Space) Settled() {
	s.inst.Settled()
	s.forks.Unlock()
}

// Fork makes the space of child, which engine's Program.Fork made from this space's instance:
// the same areas, with the private pages copied. On error the child must be freed.
func (s *Space) Fork(child *engine.Instance, limits Limits) (*Space, linux.Errno) {
	c := New(child, limits)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := declare(child, &s.areas, 0); e != 0 {
		return nil, e
	}
	c.brk, c.floor = s.brk, s.floor
	c.shares.Store(s.shares.Load())
	if e := c.dropInitial(&s.areas); e != 0 {
		return nil, e
	}
	// Runs of private memory are copied at once: a run costs what its dirty pages cost.
	for k := 0; k < len(s.areas.list); {
		a := &s.areas.list[k]
		if a.share != nil {
			if e := s.inst.Share(child, a.start, a.start, a.size(), a.prot); e != 0 {
				return nil, e
			}
			k++
			continue
		}
		if a.object != nil {
			if e := s.inst.CopyFile(child, a.start, a.size()); e != 0 {
				return nil, e
			}
			k++
			continue
		}
		from, to := a.start, a.end
		first := k
		for k++; k < len(s.areas.list) && s.areas.list[k].share == nil && s.areas.list[k].object == nil && s.areas.list[k].start == to; k++ {
			to = s.areas.list[k].end
		}
		if e := s.copyRun(c, from, to, s.areas.list[first:k]); e != 0 {
			return nil, e
		}
	}
	c.areas.clear()
	c.areas = s.areas.clone()
	return c, 0
}

// dropInitial unmaps what the parent no longer has of the initial memory.
func (c *Space) dropInitial(parent *areas) linux.Errno {
	var room [4]area
	at := c.low
	for _, a := range parent.appendWithin(room[:0], at, c.initial) {
		if a.start > at {
			if e := c.inst.Unmap(at, a.start-at); e != 0 {
				return e
			}
		}
		at = a.end
	}
	if at < c.initial {
		return c.inst.Unmap(at, c.initial-at)
	}
	return 0
}

// copyRun copies adjacent private areas, which are [from, to), to the child.
func (s *Space) copyRun(c *Space, from, to uint64, list []area) linux.Errno {
	const rw = linux.PROT_READ | linux.PROT_WRITE
	if start := max(from, c.initial); start < to {
		if e := c.inst.Map(start, to-start, rw, false); e != 0 {
			return e
		}
	}
	closed := func(a *area) bool { return a.prot == linux.PROT_NONE && !s.inst.Shared() } // other threads run
	for k := range list {
		if a := &list[k]; closed(a) {
			if e := s.inst.Protect(a.start, a.size(), linux.PROT_READ); e != 0 {
				return e
			}
		}
	}
	e := s.inst.CopyPages(c.inst, from, to-from)
	for k := range list {
		a := &list[k]
		if closed(a) {
			if e := s.inst.Protect(a.start, a.size(), a.prot); e != 0 {
				return e
			}
		}
		if a.prot != rw && e == 0 {
			e = c.inst.Protect(a.start, a.size(), a.prot)
		}
	}
	return e
}
