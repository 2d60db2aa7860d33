package verify

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"vkernel/internal/engine/layout"
)

// span is a range of offsets from base, to is not included.
type span struct{ from, to int64 }

func (s span) holds(lo, hi int64) bool { return s.from <= lo && hi <= s.to }

// tableRange is where a function table's entries lie, its padding included.
type tableRange struct {
	span
	functions bool // its entries may be called
}

// area is what a program's code may do with its instance area.
type area struct {
	size    int64
	globals span
	zeros   []int64 // words of 4 bytes that may be set to 0: lengths of segments that are dropped
	tables  []tableRange
	imports int64
	types   int64

	args []int32 // by type id: bytes of arguments on the stack that functions of that type take
}

// Words of the control page, for all programs alike. Only these may be read, and of these only
// some written: not the stack pointers, nor what the engine saves.
var (
	results   = span{layout.Results, layout.Results + 16*layout.MaxResults}
	arguments = span{layout.Args, layout.Args + 8*layout.MaxArgs}
	readable  = []span{
		results,
		arguments,
		{layout.Pages, layout.Pages + 4},
		{layout.Thrown, layout.Thrown + 4},
	}
	writable = []span{
		results,
		arguments,
		{layout.Thrown, layout.Thrown + 4},
	}
)

// reach is how far above base nothing but linear memory is: an index of 32 bits and an offset
// of 32 bits, and the last access.
const reach = 8<<30 + 4096

// newArea checks what the metadata says of a program and derives its area.
func (v *verifier) newArea(p *layout.Program) (a area, err error) {
	a = area{
		size: int64(p.AreaSize), imports: int64(len(p.Imports)), types: int64(len(p.Types)),
		globals: span{-layout.Control - layout.GlobalSize*int64(p.Globals), -layout.Control},
		args:    make([]int32, len(p.Types)+1),
	}
	if a.size < layout.Control || a.size > 1<<30 || int64(p.Globals) > (a.size-layout.Control)/layout.GlobalSize {
		return a, fmt.Errorf("%d globals in an area of %d bytes", p.Globals, a.size)
	}
	if len(p.Types) >= 1<<16 {
		return a, fmt.Errorf("%d types", len(p.Types))
	}
	if sp := int64(p.StackPointer); sp != 0 && !a.globals.holds(sp, sp+4) { // which the engine writes
		return a, fmt.Errorf("the stack pointer at %d is no global", sp)
	}
	parts := []span{{-a.size, -a.size}, {a.globals.from, 0}}
	for i, t := range p.Tables {
		if t.Offset%layout.EntrySize != 0 { // what is read of a table is aligned
			return a, fmt.Errorf("table %d at %d is not aligned", i, t.Offset)
		}
		entries := int64(1)
		for entries < int64(t.Cap) {
			entries *= 2
		}
		r := tableRange{span{int64(t.Offset), int64(t.Offset) + layout.EntrySize*entries}, !t.Extern}
		a.tables = append(a.tables, r)
		parts = append(parts, r.span, span{int64(t.SizeOffset), int64(t.SizeOffset) + 4})
	}
	for _, s := range p.Elems {
		parts = append(parts, span{int64(s.Offset), int64(s.Offset) + layout.EntrySize*int64(s.Count)}, span{int64(s.SizeOffset), int64(s.SizeOffset) + 4})
		a.zeros = append(a.zeros, int64(s.SizeOffset))
	}
	for _, s := range p.Data {
		parts = append(parts, span{int64(s.SizeOffset), int64(s.SizeOffset) + 4})
		a.zeros = append(a.zeros, int64(s.SizeOffset))
	}
	if err := disjoint(parts, a.size); err != nil {
		return a, err
	}
	return a, v.checkEntries(p, &a)
}

// disjoint checks that the parts of an area lie in it and apart.
func disjoint(parts []span, size int64) error {
	sortSpans(parts)
	for i, s := range parts {
		if s.from < -size || s.to > 0 || s.to < s.from {
			return fmt.Errorf("a part of the instance area at [%d, %d), outside of its %d bytes", s.from, s.to, size)
		}
		if i > 0 && s.from < parts[i-1].to {
			return fmt.Errorf("parts of the instance area overlap at %d", s.from)
		}
	}
	return nil
}

// ref is a function reference: its code's offset and its type id.
func ref(entry uint64) layout.Ref { return layout.Ref{Code: uint32(entry), Type: uint32(entry >> 32)} }

// checkEntries checks that all entries of tables and segments are among the references that
// the program has, and that these are functions of its own.
func (v *verifier) checkEntries(p *layout.Program, a *area) error {
	refs := make(map[layout.Ref]bool, len(p.Refs))
	for _, r := range p.Refs {
		n := v.functionAt(int64(r.Code))
		if n < 0 || v.funcs[n].program != len(v.areas) {
			return fmt.Errorf("the code of a function reference, %#x, is not the start of a function of the program", r.Code)
		}
		if r.Type == 0 || int64(r.Type) > a.types {
			return fmt.Errorf("a function reference to %#x has type %d of %d", r.Code, r.Type, a.types)
		}
		refs[r] = true
	}
	image := v.image(p)
	if image == nil {
		return fmt.Errorf("the image of the instance area, %#x bytes at %#x, is not in the file", p.AreaSize, p.AreaFile)
	}
	for i, t := range a.tables {
		if !t.functions {
			continue
		}
		if err := checkEntries(image, t.span, refs); err != nil {
			return fmt.Errorf("table %d: %w", i, err)
		}
	}
	for i, s := range p.Elems {
		if err := checkEntries(image, span{int64(s.Offset), int64(s.Offset) + layout.EntrySize*int64(s.Count)}, refs); err != nil {
			return fmt.Errorf("element segment %d: %w", i, err)
		}
	}
	return nil
}

func checkEntries(image []byte, s span, refs map[layout.Ref]bool) error {
	n := int64(len(image))
	for at := s.from; at < s.to; at += layout.EntrySize {
		entry := binary.LittleEndian.Uint64(image[n+at:])
		if entry != 0 && !refs[ref(entry)] {
			return fmt.Errorf("entry %d is %#x: not a function reference of the program", (at-s.from)/layout.EntrySize, entry)
		}
	}
	return nil
}

// image is the initial content of a program's area.
func (v *verifier) image(p *layout.Program) []byte {
	size := uint64(p.AreaSize)
	if p.AreaFile > uint64(len(v.code.File)) || size > uint64(len(v.code.File))-p.AreaFile {
		return nil
	}
	return v.code.File[p.AreaFile : p.AreaFile+size]
}

// stackBytes is how many bytes of arguments a function of a signature takes from the stack.
func stackBytes(signature string) int32 {
	params, _, _ := strings.Cut(signature, ":")
	general, vector, n := 0, 0, int32(0)
	for _, p := range params {
		switch p {
		case 'f', 'd', 'v':
			if vector++; vector > 8 {
				n = (n+15)&^15 + 16 // all travel as vectors
			}
		default:
			if general++; general > 6 {
				n += 8
			}
		}
	}
	return n
}

func sortSpans(s []span) {
	slices.SortFunc(s, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
}
