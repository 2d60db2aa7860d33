package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"vkernel/internal/engine/layout"
)

// Limits on what a program may ask of its slot.
const (
	maxPrograms = 4096
	maxArea     = 16 << 20
	maxFrame    = 32 << 20
	maxEntries  = 1 << 20
)

// parseMeta decodes and checks the metadata against the file b and the size of its text.
func parseMeta(raw []byte, b []byte, text uint64) (*layout.Meta, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	m := &layout.Meta{}
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("section %s: %w", layout.MetaSection, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("section %s: more than one JSON value", layout.MetaSection)
	}
	switch {
	case m.Version != layout.Version:
		return nil, fmt.Errorf("native code of version %q: want %q", m.Version, layout.Version)
	case uint64(m.Enter) >= text:
		return nil, fmt.Errorf("vk_enter at %#x lies outside the text of %d bytes", m.Enter, text)
	case len(m.Programs) == 0 || len(m.Programs) > maxPrograms:
		return nil, fmt.Errorf("%d programs: want 1 to %d", len(m.Programs), maxPrograms)
	}
	for i := range m.Programs {
		p := &m.Programs[i]
		for _, check := range []func(*layout.Program, []byte, uint64) error{checkCode, checkArea, checkMemory} {
			if err := check(p, b, text); err != nil {
				return nil, fmt.Errorf("program %d (%q): %w", i, p.Name, err)
			}
		}
	}
	return m, nil
}

// checkCode checks signatures and code offsets.
func checkCode(p *layout.Program, _ []byte, text uint64) error {
	if len(p.Types) > maxEntries || len(p.Imports) > maxEntries || len(p.Exports) > maxEntries {
		return fmt.Errorf("%d types, %d imports, %d exports: want at most %d", len(p.Types), len(p.Imports), len(p.Exports), maxEntries)
	}
	for i, t := range p.Types {
		if !validSignature(t) {
			return fmt.Errorf("type %d is %q: want parameters:results", i+1, t)
		}
	}
	for i, im := range p.Imports {
		if !validSignature(im.Type) {
			return fmt.Errorf("import %d (%s.%s) has type %q", i, im.Module, im.Name, im.Type)
		}
		if params, _, _ := strings.Cut(im.Type, ":"); len(params) > layout.MaxArgs {
			return fmt.Errorf("import %d (%s.%s) takes %d arguments: want at most %d", i, im.Module, im.Name, len(params), layout.MaxArgs)
		}
	}
	for i, ex := range p.Exports {
		if !validSignature(ex.Type) || uint64(ex.Thunk) >= text {
			return fmt.Errorf("export %d (%s): type %q, thunk at %#x of %#x", i, ex.Name, ex.Type, ex.Thunk, text)
		}
	}
	if uint64(p.Start) >= text {
		return fmt.Errorf("start function at %#x of %#x", p.Start, text)
	}
	if p.MaxFrame > maxFrame {
		return fmt.Errorf("a stack frame of %d bytes: want at most %d", p.MaxFrame, maxFrame)
	}
	return nil
}

// validSignature tells whether t is parameters:results in the letters of layout.Meta.
func validSignature(t string) bool {
	params, results, ok := strings.Cut(t, ":")
	return ok && len(t) < 4096 && strings.Trim(params, "ilfdvrex") == "" && strings.Trim(results, "ilfdvrex") == ""
}

// checkArea checks the instance area and what lies in it.
func checkArea(p *layout.Program, b []byte, text uint64) error {
	size := int64(p.AreaSize)
	switch {
	case size < layout.Control || size > maxArea || size%pageSize != 0:
		return fmt.Errorf("instance area of %d bytes: want pages, %d to %d", size, layout.Control, maxArea)
	case p.AreaFile%pageSize != 0 || !span(p.AreaFile, uint64(size), len(b)):
		return fmt.Errorf("image of the instance area at %#x, +%#x: out of the file of %d bytes", p.AreaFile, size, len(b))
	case p.StackPointer != 0 && !inArea(p.StackPointer, layout.GlobalSize, size):
		return fmt.Errorf("__stack_pointer at %d lies outside the area of %d bytes", p.StackPointer, size)
	case len(p.Tables) > maxEntries:
		return fmt.Errorf("%d tables", len(p.Tables))
	}
	area := b[p.AreaFile : p.AreaFile+uint64(size)]
	for i, t := range p.Tables {
		if t.Cap > maxEntries*2 || !inArea(t.Offset, int64(t.Cap)*layout.EntrySize, size) || !inArea(t.SizeOffset, 4, size) {
			return fmt.Errorf("table %d: %d entries at %d, size at %d: outside the area of %d bytes", i, t.Cap, t.Offset, t.SizeOffset, size)
		}
		if n := binary.LittleEndian.Uint32(area[size+int64(t.SizeOffset):]); n > t.Cap {
			return fmt.Errorf("table %d: %d entries of %d", i, n, t.Cap)
		}
		if err := checkEntries(p, area[size+int64(t.Offset):][:int64(t.Cap)*layout.EntrySize], text); err != nil {
			return fmt.Errorf("table %d: %w", i, err)
		}
	}
	return checkSegments(p, b)
}

// checkSegments checks element and data segments.
func checkSegments(p *layout.Program, b []byte) error {
	size := int64(p.AreaSize)
	for i, s := range p.Elems {
		if s.Count > maxEntries*2 || !inArea(s.Offset, int64(s.Count)*layout.EntrySize, size) || !inArea(s.SizeOffset, 4, size) {
			return fmt.Errorf("element segment %d: %d entries at %d, size at %d: outside the area of %d bytes", i, s.Count, s.Offset, s.SizeOffset, size)
		}
	}
	for i, s := range p.Data {
		if !inArea(s.SizeOffset, 4, size) || !span(s.File, uint64(s.Size), len(b)) {
			return fmt.Errorf("data segment %d: %d bytes at %#x of the file, size at %d: out of range", i, s.Size, s.File, s.SizeOffset)
		}
	}
	return nil
}

// inArea tells whether [off, off+n) lies in the area below the control page.
func inArea(off int32, n, size int64) bool {
	return int64(off) >= -size && int64(off)+n <= -layout.Control
}

// unusedArea is how many bytes at the low end of the area hold nothing that the program has: they
// are the top of its stack, since an idle process would keep a page for each.
func unusedArea(p *layout.Program) uintptr {
	low := -int64(layout.Control) - layout.GlobalSize*int64(p.Globals)
	if p.StackPointer != 0 {
		low = min(low, int64(p.StackPointer))
	}
	for _, t := range p.Tables {
		low = min(low, int64(t.Offset), int64(t.SizeOffset))
	}
	for _, s := range p.Elems {
		low = min(low, int64(s.Offset), int64(s.SizeOffset))
	}
	for _, s := range p.Data {
		low = min(low, int64(s.SizeOffset))
	}
	const line = 64
	return uintptr(max(0, int64(p.AreaSize)+low)) &^ (line - 1)
}

// checkEntries checks that each set entry of a table names code and a type.
func checkEntries(p *layout.Program, entries []byte, text uint64) error {
	for i := 0; i < len(entries); i += layout.EntrySize {
		code, id := binary.LittleEndian.Uint32(entries[i:]), binary.LittleEndian.Uint32(entries[i+4:])
		if code == 0 && id == 0 {
			continue
		}
		if uint64(code) >= text || id == 0 || uint64(id) > uint64(len(p.Types)) {
			return fmt.Errorf("entry %d: code at %#x of %#x, type %d of %d", i/layout.EntrySize, code, text, id, len(p.Types))
		}
	}
	return nil
}

// checkMemory checks linear memory and its image.
func checkMemory(p *layout.Program, b []byte, _ uint64) error {
	m := &p.Memory
	switch {
	case m.Min > m.Max || m.Max > 65536:
		return fmt.Errorf("memory of %d to %d pages: want at most 65536", m.Min, m.Max)
	case m.ImageStart%pageSize != 0 || m.ImageSize%pageSize != 0 || m.ImageFile%pageSize != 0:
		return fmt.Errorf("memory image [%#x, +%#x) at %#x is not aligned to pages", m.ImageStart, m.ImageSize, m.ImageFile)
	case m.NullGuard%pageSize != 0 || m.NullGuard > wasmPage || m.NullGuard != 0 && (m.Min == 0 || m.ImageSize != 0 && m.ImageStart < m.NullGuard):
		return fmt.Errorf("null guard of %#x bytes in a memory of %d pages with its image at %#x", m.NullGuard, m.Min, m.ImageStart)
	case uint64(m.ImageStart)+uint64(m.ImageSize) > uint64(m.Min)*wasmPage:
		return fmt.Errorf("memory image [%#x, +%#x) in a memory of %d pages", m.ImageStart, m.ImageSize, m.Min)
	case m.ImageSize != 0 && !span(m.ImageFile, uint64(m.ImageSize), len(b)):
		return fmt.Errorf("memory image at %#x, +%#x: out of the file of %d bytes", m.ImageFile, m.ImageSize, len(b))
	}
	return nil
}
