package aot

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// linked is the ELF after linking.
type linked struct {
	path    string
	symbols map[string]elf.Symbol // those of programs and runtime
	text    *elf.Section
	areas   *elf.Section
	images  *elf.Section // nil if no program has data
	data    *elf.Section // nil if no program has passive data segments
	frames  map[uint64]uint64

	functions []string // symbols of functions in the order of their addresses; made when needed
}

// link makes one ELF of the objects.
func (b *builder) link(ctx context.Context, objects []string) (*linked, error) {
	if err := b.write("objects", []byte(strings.Join(objects, "\n"))); err != nil {
		return nil, err
	}
	args := append(append([]string{}, linkFlags...), "-o", "linked", "@objects")
	if err := b.tools.run(ctx, b.dir, b.tools.lld, args...); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	l := &linked{path: filepath.Join(b.dir, "linked")}
	if err := l.read(); err != nil {
		return nil, fmt.Errorf("after linking: %w", err)
	}
	return l, nil
}

// read checks the linked file and finds its sections and symbols.
func (l *linked) read() error {
	f, err := elf.Open(l.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := checkShape(f); err != nil {
		return err
	}
	l.text, l.areas, l.images, l.data = f.Section(".text"), f.Section(areaSection), f.Section(imageSection), f.Section(dataSection)
	if l.text == nil || l.areas == nil {
		return errors.New("no section .text or " + areaSection)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	l.symbols = make(map[string]elf.Symbol, len(symbols))
	for _, s := range symbols {
		l.symbols[s.Name] = s
	}
	if at := l.symbols["vk_text"].Value; at != l.text.Addr {
		return fmt.Errorf("vk_text is at %#x, .text at %#x; expected the same", at, l.text.Addr)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && p.Vaddr != l.text.Addr {
			return fmt.Errorf("the text segment is at %#x, vk_text at %#x; expected the same", p.Vaddr, l.text.Addr)
		}
	}
	l.frames, err = readFrames(f)
	return err
}

// shtRELR is the type of sections of packed relative relocations.
const shtRELR elf.SectionType = 19

// checkShape makes sure that nothing needs a loader: no relocations, no imports, nothing
// writable, one executable segment.
func checkShape(f *elf.File) error {
	for _, s := range f.Sections {
		switch s.Type {
		case elf.SHT_REL, elf.SHT_RELA, shtRELR, elf.SHT_DYNAMIC, elf.SHT_DYNSYM:
			return fmt.Errorf("section %s has type %v; expected no relocations and no imports", s.Name, s.Type)
		}
		if s.Flags&elf.SHF_ALLOC != 0 && s.Flags&elf.SHF_WRITE != 0 && s.Size > 0 {
			return fmt.Errorf("section %s is writable", s.Name)
		}
	}
	exec := 0
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if p.Flags&elf.PF_W != 0 || p.Filesz != p.Memsz {
			return fmt.Errorf("segment at %#x is writable or not all in the file", p.Vaddr)
		}
		if p.Flags&elf.PF_X != 0 {
			exec++
		}
	}
	if exec != 1 {
		return fmt.Errorf("%d executable segments, expected 1", exec)
	}
	return nil
}

// readFrames reads clang's table of frame sizes: pairs of a function's address (8 bytes) and
// a ULEB128 size.
func readFrames(f *elf.File) (map[uint64]uint64, error) {
	frames := map[uint64]uint64{}
	s := f.Section(".stack_sizes")
	if s == nil {
		return frames, nil
	}
	data, err := s.Data()
	if err != nil {
		return nil, err
	}
	for len(data) >= 8 {
		at := binary.LittleEndian.Uint64(data)
		size, n := binary.Uvarint(data[8:])
		if n <= 0 {
			return nil, errors.New("section .stack_sizes is damaged")
		}
		frames[at] = max(frames[at], size)
		data = data[8+n:]
	}
	return frames, nil
}

// code is a symbol's code offset.
func (l *linked) code(symbol string) (uint32, error) {
	s, ok := l.symbols[symbol]
	if !ok || s.Value < l.text.Addr || s.Value >= l.text.Addr+l.text.Size {
		return 0, fmt.Errorf("symbol %s is not in the text", symbol)
	}
	return uint32(s.Value - l.text.Addr), nil
}

// offset is the place in the file of a symbol in a section.
func (l *linked) offset(section *elf.Section, symbol string) (uint64, error) {
	s, ok := l.symbols[symbol]
	if section == nil || !ok || s.Value < section.Addr || s.Value >= section.Addr+section.Size {
		return 0, fmt.Errorf("symbol %s is not in its section", symbol)
	}
	return section.Offset + s.Value - section.Addr, nil
}

// patch writes the code offsets of function references into the areas.
func (l *linked) patch(modules []*module) error {
	f, err := os.OpenFile(l.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, m := range modules {
		area, err := l.offset(l.areas, m.prefix+"area")
		if err != nil {
			return err
		}
		for _, fix := range m.out.Fixups {
			code, err := l.code(fix.Symbol)
			if err != nil {
				return err
			}
			if _, err := f.WriteAt(binary.LittleEndian.AppendUint32(nil, code), int64(area+uint64(fix.Offset))); err != nil {
				return err
			}
		}
	}
	return nil
}
