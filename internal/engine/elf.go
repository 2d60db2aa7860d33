package engine

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"vkernel/internal/engine/layout"
)

const pageSize = 4096

// Limits on a native code file, far above what a megabinary needs.
const (
	maxSegments = 16
	maxSections = 4096
	maxSpan     = 4 << 30
	maxMeta     = 256 << 20
)

// sectionRelr is SHT_RELR, which debug/elf lacks.
const sectionRelr = elf.SectionType(19)

// segment is one loadable part of the file.
type segment struct {
	off, addr, size uint64
	exec            bool
}

// object is what parseELF found: everything is checked to lie within the file.
type object struct {
	segments   []segment
	text       segment
	low, high  uint64 // page-aligned range of addresses
	metadata   []byte
	identifies []byte // the bytes from which the code's address is derived
}

// span checks that [off, off+size) lies within a file of n bytes.
func span(off, size uint64, n int) bool {
	return off <= uint64(n) && size <= uint64(n)-off
}

func readStruct[T any](b []byte, off uint64) (v T, err error) {
	size := uint64(binary.Size(v))
	if !span(off, size, len(b)) {
		return v, fmt.Errorf("%T at offset %d lies outside the file of %d bytes", v, off, len(b))
	}
	err = binary.Read(bytes.NewReader(b[off:off+size]), binary.LittleEndian, &v)
	return v, err
}

// parseELF reads the headers of native code. It accepts only what the builder makes: an
// x86-64 object with one executable segment, the rest read-only, nothing to relocate and
// nothing to import. debug/elf is not made for hostile input; only its structures are used.
func parseELF(b []byte) (*object, error) {
	h, err := readStruct[elf.Header64](b, 0)
	if err != nil {
		return nil, err
	}
	switch {
	case string(h.Ident[:4]) != elf.ELFMAG:
		return nil, fmt.Errorf("not an ELF file")
	case elf.Class(h.Ident[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(h.Ident[elf.EI_DATA]) != elf.ELFDATA2LSB ||
		elf.Machine(h.Machine) != elf.EM_X86_64:
		return nil, fmt.Errorf("not native code for x86-64 (machine %v)", elf.Machine(h.Machine))
	case elf.Type(h.Type) != elf.ET_DYN && elf.Type(h.Type) != elf.ET_EXEC:
		return nil, fmt.Errorf("ELF type %v: want a linked file", elf.Type(h.Type))
	case h.Phnum > maxSegments || h.Shnum > maxSections || h.Shnum == 0:
		return nil, fmt.Errorf("%d segments and %d sections: want at most %d and 1 to %d", h.Phnum, h.Shnum, maxSegments, maxSections)
	case h.Phentsize != uint16(binary.Size(elf.Prog64{})) || h.Shentsize != uint16(binary.Size(elf.Section64{})):
		return nil, fmt.Errorf("header entries of %d and %d bytes", h.Phentsize, h.Shentsize)
	}
	o := &object{}
	if err := o.readSegments(b, &h); err != nil {
		return nil, err
	}
	if err := o.readSections(b, &h); err != nil {
		return nil, err
	}
	id := b[h.Phoff : h.Phoff+uint64(h.Phnum)*uint64(h.Phentsize)]
	o.identifies = append(append([]byte{}, id...), o.metadata...)
	return o, nil
}

func (o *object) readSegments(b []byte, h *elf.Header64) error {
	for i := range uint64(h.Phnum) {
		p, err := readStruct[elf.Prog64](b, h.Phoff+i*uint64(h.Phentsize))
		if err != nil {
			return err
		}
		switch elf.ProgType(p.Type) {
		case elf.PT_LOAD:
			if err := o.addSegment(b, &p); err != nil {
				return fmt.Errorf("segment %d: %w", i, err)
			}
		case elf.PT_INTERP, elf.PT_TLS:
			return fmt.Errorf("segment %d has type %v: want code without imports", i, elf.ProgType(p.Type))
		}
	}
	if o.text.size == 0 {
		return fmt.Errorf("no executable segment")
	}
	return nil
}

func (o *object) addSegment(b []byte, p *elf.Prog64) error {
	flags := elf.ProgFlag(p.Flags)
	exec := flags == elf.PF_R|elf.PF_X
	end := p.Vaddr + p.Memsz
	switch {
	case flags != elf.PF_R && !exec:
		return fmt.Errorf("flags %v: want read-only or read and execute", flags)
	case p.Filesz != p.Memsz || p.Memsz == 0:
		return fmt.Errorf("%d bytes in the file, %d in memory: want the same, not 0", p.Filesz, p.Memsz)
	case !span(p.Off, p.Filesz, len(b)):
		return fmt.Errorf("[%#x, +%#x) lies outside the file of %d bytes", p.Off, p.Filesz, len(b))
	case p.Vaddr%pageSize != p.Off%pageSize || exec && p.Off%pageSize != 0:
		return fmt.Errorf("offset %#x and address %#x are not aligned to pages", p.Off, p.Vaddr)
	case end < p.Vaddr || end > 1<<46:
		return fmt.Errorf("address %#x, size %#x out of range", p.Vaddr, p.Memsz)
	case exec && o.text.size != 0:
		return fmt.Errorf("a second executable segment")
	case exec && p.Filesz >= 1<<32:
		return fmt.Errorf("%d bytes of text: want less than 4 GiB", p.Filesz)
	}
	low, high := p.Vaddr&^(pageSize-1), (end+pageSize-1)&^(pageSize-1)
	if len(o.segments) == 0 {
		o.low = low
	} else if low < o.high {
		return fmt.Errorf("address %#x: segments overlap or are not in order", p.Vaddr)
	}
	if o.high = high; o.high-o.low > maxSpan {
		return fmt.Errorf("segments span %d bytes: want at most %d", o.high-o.low, uint64(maxSpan))
	}
	s := segment{p.Off, p.Vaddr, p.Filesz, exec}
	o.segments = append(o.segments, s)
	if exec {
		o.text = s
	}
	return nil
}

func (o *object) readSections(b []byte, h *elf.Header64) error {
	sections := make([]elf.Section64, h.Shnum)
	for i := range sections {
		s, err := readStruct[elf.Section64](b, h.Shoff+uint64(i)*uint64(h.Shentsize))
		if err != nil {
			return err
		}
		sections[i] = s
	}
	if int(h.Shstrndx) >= len(sections) {
		return fmt.Errorf("section names are in section %d of %d", h.Shstrndx, len(sections))
	}
	names := sections[h.Shstrndx]
	if !span(names.Off, names.Size, len(b)) {
		return fmt.Errorf("section names lie outside the file")
	}
	for i := range sections {
		if err := o.addSection(b, &sections[i], b[names.Off:names.Off+names.Size]); err != nil {
			return err
		}
	}
	if o.metadata == nil {
		return fmt.Errorf("no section %s", layout.MetaSection)
	}
	return nil
}

func (o *object) addSection(b []byte, s *elf.Section64, names []byte) error {
	if t := elf.SectionType(s.Type); (t == elf.SHT_REL || t == elf.SHT_RELA || t == sectionRelr || t == elf.SHT_DYNAMIC) && s.Size != 0 {
		return fmt.Errorf("a section of type %v: want code without relocations", t)
	}
	if uint64(s.Name) >= uint64(len(names)) {
		return nil
	}
	name, _, _ := bytes.Cut(names[s.Name:], []byte{0})
	if string(name) != layout.MetaSection {
		return nil
	}
	switch {
	case o.metadata != nil:
		return fmt.Errorf("section %s is there twice", name)
	case elf.SectionType(s.Type) == elf.SHT_NOBITS || elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED != 0:
		return fmt.Errorf("section %s has no plain content", name)
	case s.Size > maxMeta || s.Size == 0 || !span(s.Off, s.Size, len(b)):
		return fmt.Errorf("section %s: [%#x, +%#x) is out of range", name, s.Off, s.Size)
	}
	o.metadata = b[s.Off : s.Off+s.Size]
	return nil
}
