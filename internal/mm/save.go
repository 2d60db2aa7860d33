package mm

import (
	"fmt"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[Space](3), state.Of[share](1)}

// StateType names the type.
func (*Space) StateType() string { return "mm.Space" }

// SaveState writes the areas, the pages of shared memory with the first space that has them, and those of mappings of
// files that were written to privately; then the private pages, and the contexts of the instances. These are
// set aside in a twin, if there is room for one: so they are written later.
func (s *Space) SaveState(e *state.Encoder) {
	if s.freed {
		e.Fail(fmt.Errorf("the space was freed"))
		return
	}
	t, errno := s.twin()
	state.Ref(e, s.inst.Program())
	s.inst.SaveHoles(e)
	e.Uint(uint64(s.inst.Pages()))
	e.Uint(s.brk)
	e.Uint(s.floor)
	e.Len(len(s.areas.list))
	for k := range s.areas.list {
		s.areas.list[k].SaveState(e)
	}
	s.saveAreas(e, false)
	if errno == 0 {
		e.Later(t.saveRest, func() { t.inst.Free() })
		return
	}
	s.saveRest(e)
}

// saveRest writes the private pages and the contexts.
func (s *Space) saveRest(e *state.Encoder) {
	s.saveAreas(e, true)
	views := s.inst.Views()
	e.Len(len(views))
	for _, v := range views {
		v.SaveContext(e)
	}
}

// saveAreas writes what is in the areas that are private memory, or in all others.
func (s *Space) saveAreas(e *state.Encoder, private bool) {
	for k := range s.areas.list {
		a := &s.areas.list[k]
		if a.private() != private {
			continue
		}
		if errno := s.saveArea(e, a); errno != 0 {
			e.Fail(fmt.Errorf("memory at %#x: %w", a.start, errno))
			return
		}
	}
}

// private reports whether the area is memory of its space alone.
func (a *area) private() bool { return a.share == nil && a.object == nil }

// twin makes a copy of the private memory and of the context, as a fork does: what it costs is what was written to since
// the last. Of a memory with threads there is none.
func (s *Space) twin() (*Space, linux.Errno) {
	if s.inst.Shared() {
		return nil, linux.ENOTSUP
	}
	defer s.Settled()
	if errno := s.Settle(); errno != 0 {
		return nil, errno
	}
	inst, errno := s.inst.Program().Fork(s.inst)
	if errno != 0 {
		return nil, errno
	}
	t := emptySpace(inst, Limits{})
	for _, a := range s.areas.list {
		if a.private() {
			t.areas.list = append(t.areas.list, a)
		}
	}
	if errno = declare(inst, &t.areas, 0); errno == 0 {
		errno = t.dropInitial(&t.areas)
	}
	for k := 0; k < len(t.areas.list) && errno == 0; {
		first, to := k, t.areas.list[k].end
		for k++; k < len(t.areas.list) && t.areas.list[k].start == to; k++ {
			to = t.areas.list[k].end
		}
		errno = s.copyRun(t, t.areas.list[first].start, to, t.areas.list[first:k])
	}
	if errno != 0 {
		inst.Free()
		return nil, errno
	}
	return t, 0
}

// saveArea writes the pages of an area, which may have any protection.
func (s *Space) saveArea(e *state.Encoder, a *area) linux.Errno {
	anonymous := a.anonymous()
	switch {
	case anonymous == nil && a.object != nil && a.shared:
		return 0
	case anonymous == nil && a.object != nil:
		return s.inst.SaveFilePages(e, a.start, a.size())
	case a.prot&linux.PROT_READ != 0:
		return s.savePages(e, a, anonymous)
	}
	if errno := s.inst.Protect(a.start, a.size(), linux.PROT_READ); errno != 0 {
		return errno
	}
	errno := s.savePages(e, a, anonymous)
	if errno == 0 {
		errno = s.inst.Protect(a.start, a.size(), a.prot)
	}
	return errno
}

// savePages writes the pages of an area that can be read.
func (s *Space) savePages(e *state.Encoder, a *area, anonymous *share) linux.Errno {
	if anonymous == nil {
		return s.inst.SavePages(e, a.start, a.size())
	}
	first := uint64(a.off)
	missing := anonymous.saving(e, first, first+a.size())
	e.Len(len(missing))
	for _, r := range missing {
		e.Uint(r.start - first)
		e.Uint(r.end - r.start)
		if errno := s.inst.SaveSharedPages(e, a.start+r.start-first, r.end-r.start); errno != 0 {
			return errno
		}
	}
	return 0
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
	for _, private := range []bool{false, true} {
		for k := range s.areas.list {
			a := &s.areas.list[k]
			if a.private() != private {
				continue
			}
			if errno := s.loadArea(d, a); errno != 0 {
				d.Failf("memory at %#x: %v", a.start, errno)
				return
			}
		}
	}
	s.loadViews(d)
}

// loadViews reads the contexts of the instances.
func (s *Space) loadViews(d *state.Decoder) {
	n := d.Count(1)
	if n == 0 {
		d.Failf("a space without an instance")
	}
	for k := range n {
		v := s.inst
		if k > 0 {
			var errno linux.Errno
			if v, errno = s.Thread(s.inst); errno != 0 {
				d.Failf("the host has no room for thread %d: %v", k, errno)
				return
			}
			d.Undo(func() { v.Free() })
		}
		if v.LoadContext(d); d.Failed() {
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
		s.areas.virtual += a.size()
		if a.data() {
			s.areas.data += a.size()
		}
		if a.shared && a.object != nil {
			s.shares.Store(true)
		}
	}
}

// loadArea maps an area and reads its pages; an area of a file when all files are loaded.
func (s *Space) loadArea(d *state.Decoder, a *area) linux.Errno {
	const rw = linux.PROT_READ | linux.PROT_WRITE
	if anonymous := a.anonymous(); anonymous != nil {
		return s.loadAnonymous(d, a, anonymous)
	}
	if a.object != nil {
		var pages []engine.Pages
		if !a.shared {
			pages = engine.LoadFilePages(d, a.start, a.size())
		}
		at := a.start
		d.After(func() error { return s.loadFile(d, at, pages) })
		return 0
	}
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

// loadFile maps the file of the area that begins at an address, and puts what the process has written over it.
func (s *Space) loadFile(d *state.Decoder, at uint64, pages []engine.Pages) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.areas.list[s.areas.first(at)]
	s.areas.loadObject(a.object)
	errno := declare(s.inst, &s.areas, 0)
	prot := a.prot
	if len(pages) > 0 {
		a.prot = linux.PROT_READ | linux.PROT_WRITE
	}
	if errno == 0 {
		errno = s.mapFile(&a)
	}
	if errno == 0 {
		s.inst.PutPages(d, pages)
	}
	if errno == 0 && a.prot != prot {
		errno = s.inst.Protect(a.start, a.size(), prot)
	}
	if errno != 0 {
		return fmt.Errorf("the mapping of %s at %#x: %w", a.name, a.start, errno)
	}
	return nil
}

// loadObject counts an area of a file. That the space holds it was counted when it was saved.
func (l *areas) loadObject(o Object) {
	if l.objects == nil {
		l.objects = map[Object]int{}
	}
	l.objects[o]++
	l.files++
}

// loadAnonymous maps shared memory, and reads what belongs to it here.
func (s *Space) loadAnonymous(d *state.Decoder, a *area, anonymous *share) linux.Errno {
	if errno := anonymous.open(d, s.inst.Program().Code()); errno != 0 {
		return errno
	}
	s.areas.refer(anonymous, 1)
	if errno := declare(s.inst, &s.areas, 0); errno != 0 {
		return errno
	}
	all := *a
	all.prot = linux.PROT_READ | linux.PROT_WRITE
	if errno := s.mapFile(&all); errno != 0 {
		return errno
	}
	for range d.Count(2) {
		from, size := d.Uint(a.size()), d.Uint(a.size())
		if from+size > a.size() || from%pageSize != 0 || size%pageSize != 0 {
			d.Failf("%d bytes at %#x of a shared area of %d", size, from, a.size())
		}
		if d.Failed() {
			return 0
		}
		if errno := s.inst.LoadSharedPages(d, a.start+from, size); errno != 0 {
			return errno
		}
	}
	if a.prot != all.prot {
		return s.inst.Protect(a.start, a.size(), a.prot)
	}
	return 0
}

// Limit makes a space that was loaded obey limits.
func (s *Space) Limit(l Limits) { s.limits = l }

// SaveState writes an area.
func (a *area) SaveState(e *state.Encoder) {
	anonymous := a.anonymous()
	e.Uint(a.start)
	e.Uint(a.end)
	e.Uint(uint64(a.prot))
	e.Bool(a.shared)
	e.Bool(a.file && anonymous == nil)
	e.Bool(a.frozen)
	e.Int(a.off)
	e.String(a.name)
	e.Uint(a.dev)
	e.Uint(a.ino)
	state.Ref(e, anonymous)
	if anonymous == nil {
		state.RefAny(e, a.object)
	}
}

// LoadState reads an area. Shared memory is a file from then on.
func (a *area) LoadState(d *state.Decoder) {
	a.start, a.end = d.Uint(total), d.Uint(total)
	a.prot = int(d.Uint(linux.PROT_READ | linux.PROT_WRITE))
	a.shared, a.file, a.frozen = d.Bool(), d.Bool(), d.Bool()
	a.off = d.Int(0, 1<<62)
	a.name = d.String()
	a.dev, a.ino = d.Uint(1<<64-1), d.Uint(1<<64-1)
	if anonymous := state.Get[*share](d); anonymous != nil {
		a.object, a.file = anonymous, true
		if !a.shared || a.off%pageSize != 0 || uint64(a.off)+a.end-a.start > total {
			d.Failf("shared memory that is not shared, or does not begin at a page")
		}
		return
	}
	a.object = state.Get[Object](d)
}
