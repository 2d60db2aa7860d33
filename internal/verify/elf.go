package verify

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"vkernel/internal/engine/layout"
)

// Parse takes a file of native code apart. It wants the shape that the builder gives it, like
// package engine, which compares what it maps with what was verified.
func Parse(b []byte) (*Code, error) {
	c, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("native code: %w", err)
	}
	return c, nil
}

const (
	maxHeaders  = 4096
	symbolSize  = 24
	maxNameSize = 1 << 10
)

var errShort = errors.New("a header lies outside of the file")

func read[T any](b []byte, off uint64) (v T, err error) {
	size := uint64(binary.Size(v))
	if off > uint64(len(b)) || size > uint64(len(b))-off {
		return v, errShort
	}
	err = binary.Read(bytes.NewReader(b[off:off+size]), binary.LittleEndian, &v)
	return v, err
}

// part is [off, off+size) of b, or an error.
func part(b []byte, off, size uint64) ([]byte, error) {
	if off > uint64(len(b)) || size > uint64(len(b))-off {
		return nil, fmt.Errorf("[%#x, +%#x) lies outside of the file", off, size)
	}
	return b[off : off+size], nil
}

func parse(b []byte) (*Code, error) {
	h, err := read[elf.Header64](b, 0)
	if err != nil {
		return nil, err
	}
	if string(h.Ident[:4]) != elf.ELFMAG || elf.Machine(h.Machine) != elf.EM_X86_64 || h.Phnum > maxHeaders || h.Shnum > maxHeaders {
		return nil, errors.New("not an ELF file for x86-64 as the builder makes it")
	}
	c := &Code{File: b}
	for i := range uint64(h.Phnum) {
		p, err := read[elf.Prog64](b, h.Phoff+i*uint64(h.Phentsize))
		if err != nil {
			return nil, err
		}
		if elf.ProgType(p.Type) != elf.PT_LOAD {
			continue
		}
		data, err := part(b, p.Off, p.Filesz)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", i, err)
		}
		s := Segment{p.Vaddr, data}
		switch {
		case elf.ProgFlag(p.Flags) == elf.PF_R:
			c.Rodata = append(c.Rodata, s)
		case elf.ProgFlag(p.Flags) == elf.PF_R|elf.PF_X && c.Text.Bytes == nil:
			c.Text = s
		default:
			return nil, fmt.Errorf("segment %d has flags %v", i, elf.ProgFlag(p.Flags))
		}
	}
	return c, c.sections(b, &h)
}

// sections reads the symbols and the metadata.
func (c *Code) sections(b []byte, h *elf.Header64) error {
	list := make([]elf.Section64, h.Shnum)
	for i := range list {
		s, err := read[elf.Section64](b, h.Shoff+uint64(i)*uint64(h.Shentsize))
		if err != nil {
			return err
		}
		list[i] = s
	}
	if int(h.Shstrndx) >= len(list) {
		return errShort
	}
	names, err := part(b, list[h.Shstrndx].Off, list[h.Shstrndx].Size)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		switch {
		case elf.SectionType(s.Type) == elf.SHT_SYMTAB && c.Funcs == nil:
			if int(s.Link) >= len(list) {
				return errShort
			}
			err = c.symbols(b, s, &list[s.Link])
		case elf.SectionType(s.Type) == elf.SHT_SYMTAB:
			err = errors.New("a second symbol table")
		case stringAt(names, s.Name) == layout.MetaSection:
			err = c.metadata(b, s)
		}
		if err != nil {
			return err
		}
	}
	if c.Meta == nil {
		return errors.New("no section " + layout.MetaSection)
	}
	return nil
}

func (c *Code) metadata(b []byte, s *elf.Section64) error {
	text, err := part(b, s.Off, s.Size)
	if err != nil || c.Meta != nil {
		return errors.Join(err, errors.New("section "+layout.MetaSection+" is damaged or there twice"))
	}
	c.Meta = &layout.Meta{}
	return json.Unmarshal(text, c.Meta)
}

func (c *Code) symbols(b []byte, s, names *elf.Section64) error {
	table, err := part(b, s.Off, s.Size)
	if err != nil {
		return err
	}
	text, err := part(b, names.Off, names.Size)
	if err != nil {
		return err
	}
	c.Funcs = make([]Func, 0, len(table)/symbolSize)
	for ; len(table) >= symbolSize; table = table[symbolSize:] {
		if elf.ST_TYPE(table[4]) != elf.STT_FUNC {
			continue
		}
		c.Funcs = append(c.Funcs, Func{
			Name: stringAt(text, binary.LittleEndian.Uint32(table)),
			Addr: binary.LittleEndian.Uint64(table[8:]), Size: binary.LittleEndian.Uint64(table[16:]),
		})
	}
	return nil
}

// stringAt is the string at an offset, cut where it is absurdly long.
func stringAt(b []byte, off uint32) string {
	if uint64(off) >= uint64(len(b)) {
		return ""
	}
	b = b[off:]
	if len(b) > maxNameSize {
		b = b[:maxNameSize]
	}
	name, _, _ := bytes.Cut(b, []byte{0})
	return string(name)
}
