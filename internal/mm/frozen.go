package mm

import (
	"slices"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

// Frozen is the address space of a process at one moment, of which New makes copies. It is
// immutable, and belongs to no process.
type Frozen struct {
	image *engine.Image
	brk   uint64
	floor uint64
	areas areas
}

// Freeze reads a space whose only thread waits in an import. ENOTSUP: it has memory that is not its
// own alone, or is not at such a point.
func (s *Space) Freeze() (*Frozen, linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pieces []engine.Piece
	for k := range s.areas.list {
		a := &s.areas.list[k]
		if a.share != nil || a.shared || a.object != nil {
			return nil, linux.ENOTSUP
		}
		pieces = append(pieces, engine.Piece{Start: a.start, End: a.end, Prot: a.prot})
	}
	image, e := s.inst.Freeze(pieces)
	if e != 0 {
		return nil, e
	}
	list := areas{list: slices.Clone(s.areas.list), virtual: s.areas.virtual, data: s.areas.data}
	return &Frozen{image, s.brk, s.floor, list}, 0
}

// New makes a space that is as the frozen one was, and its instance, whose import gets result.
func (f *Frozen) New(result uint64, limits Limits) (*Space, *engine.Instance, linux.Errno) {
	if f.areas.virtual > limits.as() || f.areas.data > limits.data() {
		return nil, nil, linux.ENOMEM
	}
	inst, e := f.image.New(result)
	if e != 0 {
		return nil, nil, e
	}
	if e := declare(inst, &f.areas, 0); e != 0 {
		inst.Free()
		return nil, nil, e
	}
	s := emptySpace(inst, limits)
	s.brk, s.floor = f.brk, f.floor
	s.areas = areas{list: slices.Clone(f.areas.list), virtual: f.areas.virtual, data: f.areas.data}
	return s, inst, 0
}

// Stack is how many bytes of the native stack are in use.
func (f *Frozen) Stack() uint64 { return f.image.Stack() }

// Bytes is how much memory it holds.
func (f *Frozen) Bytes() uint64 { return f.image.Bytes() }

// Trim gives up memory that only makes the next copies faster.
func (f *Frozen) Trim() { f.image.Trim() }

// Drop frees it. Spaces that it has made stay.
func (f *Frozen) Drop() { f.image.Drop() }
