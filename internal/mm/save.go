package mm

import (
	"fmt"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[Space](1)}

// StateType names the type.
func (*Space) StateType() string { return "mm.Space" }

// SaveState writes the areas and their pages. The contexts of its instances are saved by the threads that run in
// them. Mappings of files and shared memory are not saved yet: a space that has any is refused.
func (s *Space) SaveState(e *state.Encoder) {
	if s.freed {
		e.Fail(fmt.Errorf("the space was freed"))
		return
	}
	state.Ref(e, s.inst.Program())
	s.inst.SaveHoles(e)
	e.Uint(uint64(s.inst.Pages()))
	e.Uint(s.brk)
	e.Uint(s.floor)
	e.Len(len(s.areas.list))
	for k := range s.areas.list {
		s.areas.list[k].SaveState(e)
	}
	for k := range s.areas.list {
		if errno := s.saveArea(e, &s.areas.list[k]); errno != 0 {
			e.Fail(fmt.Errorf("memory at %#x: %w", s.areas.list[k].start, errno))
			return
		}
	}
}

// saveArea writes the pages of an area, which may have any protection.
func (s *Space) saveArea(e *state.Encoder, a *area) linux.Errno {
	if a.prot&linux.PROT_READ != 0 || s.inst.Shared() {
		return s.inst.SavePages(e, a.start, a.size())
	}
	if errno := s.inst.Protect(a.start, a.size(), linux.PROT_READ); errno != 0 {
		return errno
	}
	errno := s.inst.SavePages(e, a.start, a.size())
	if errno == 0 {
		errno = s.inst.Protect(a.start, a.size(), a.prot)
	}
	return errno
}

// LoadState reads it, into a new instance. Limit sets its limits.
func (s *Space) LoadState(d *state.Decoder) {
	p := state.Need[*engine.Program](d)
	if d.Failed() {
		return
	}
	inst, errno := p.New()
	if errno != 0 {
		d.Failf("the host has no room for a process: %v", errno)
		return
	}
	d.Undo(func() { inst.Free() })
	c := emptySpace(inst, Limits{})
	s.inst, s.low, s.initial, s.top = c.inst, c.low, c.initial, c.top
	if errno := inst.LoadHoles(d); errno != 0 {
		d.Failf("the image of the program: %v", errno)
	}
	inst.SetPages(uint32(d.Uint(total / wasmPage)))
	s.brk, s.floor = d.Uint(total), d.Uint(total)
	s.loadAreas(d)
	if d.Failed() {
		return
	}
	if errno := declare(inst, &s.areas, 0); errno != 0 {
		d.Failf("the host has no room for %d areas: %v", len(s.areas.list), errno)
		return
	}
	if errno := s.dropInitial(&s.areas); errno != 0 {
		d.Failf("the initial memory: %v", errno)
		return
	}
	for k := range s.areas.list {
		if errno := s.loadArea(d, &s.areas.list[k]); errno != 0 {
			d.Failf("memory at %#x: %v", s.areas.list[k].start, errno)
			return
		}
	}
}

// loadAreas reads the list.
func (s *Space) loadAreas(d *state.Decoder) {
	n := d.Count(6)
	if n > maxAreas {
		d.Failf("%d areas", n)
	}
	at := s.low
	for range n {
		var a area
		a.LoadState(d)
		if d.Failed() {
			return
		}
		if a.start < at || a.start >= a.end || a.end > max(s.top, s.initial) || a.start%pageSize != 0 || a.end%pageSize != 0 {
			d.Failf("an area from %#x to %#x, after %#x", a.start, a.end, at)
			return
		}
		at = a.end
		s.areas.list = append(s.areas.list, a)
		s.areas.count(&a, true)
	}
}

// loadArea maps an area and reads its pages.
func (s *Space) loadArea(d *state.Decoder, a *area) linux.Errno {
	const rw = linux.PROT_READ | linux.PROT_WRITE
	if start := max(a.start, s.initial); start < a.end {
		if errno := s.inst.Map(start, a.end-start, rw, false); errno != 0 {
			return errno
		}
	}
	errno := s.inst.LoadPages(d, a.start, a.size())
	if errno == 0 && a.prot != rw {
		errno = s.inst.Protect(a.start, a.size(), a.prot)
	}
	return errno
}

// Limit makes a space that was loaded obey limits.
func (s *Space) Limit(l Limits) { s.limits = l }

// SaveState writes an area.
func (a *area) SaveState(e *state.Encoder) {
	if a.share != nil || a.object != nil {
		e.Fail(fmt.Errorf("the mapping of %s at %#x cannot be saved yet", a.name, a.start))
		return
	}
	e.Uint(a.start)
	e.Uint(a.end)
	e.Uint(uint64(a.prot))
	e.Bool(a.shared)
	e.Bool(a.file)
	e.Bool(a.frozen)
	e.Int(a.off)
	e.String(a.name)
	e.Uint(a.dev)
	e.Uint(a.ino)
}

// LoadState reads an area.
func (a *area) LoadState(d *state.Decoder) {
	a.start, a.end = d.Uint(total), d.Uint(total)
	a.prot = int(d.Uint(linux.PROT_READ | linux.PROT_WRITE))
	a.shared, a.file, a.frozen = d.Bool(), d.Bool(), d.Bool()
	a.off = d.Int(-1<<63, 1<<63-1)
	a.name = d.String()
	a.dev, a.ino = d.Uint(1<<64-1), d.Uint(1<<64-1)
}
