package aot

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
)

// checkObject refuses what would need the loader: writable data, and relocations in loaded
// sections that are not relative.
func (b *builder) checkObject(name string) error {
	f, err := elf.Open(filepath.Join(b.dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Flags&elf.SHF_WRITE != 0 && s.Size > 0 {
			return fmt.Errorf("section %s is writable", s.Name)
		}
		if s.Type != elf.SHT_RELA || int(s.Info) >= len(f.Sections) || f.Sections[s.Info].Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		if err := checkRelocations(f.Sections[s.Info], s); err != nil {
			return err
		}
	}
	return nil
}

func checkRelocations(target, rela *elf.Section) error {
	data, err := rela.Data()
	if err != nil {
		return err
	}
	for ; len(data) >= 24; data = data[24:] {
		switch t := elf.R_X86_64(binary.LittleEndian.Uint32(data[8:])); t {
		case elf.R_X86_64_PC32, elf.R_X86_64_PLT32, elf.R_X86_64_PC64:
		default:
			return fmt.Errorf("section %s holds a relocation %v at %#x; expected only relative ones",
				target.Name, t, binary.LittleEndian.Uint64(data))
		}
	}
	return nil
}

// sanitise makes a name fit for a symbol table and for a list of renamings: people's tools
// see it, and it is the module author's text.
func sanitise(name string) string {
	const most = 200
	if len(name) > most {
		name = name[:most]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_.$:<>~+-*&", r):
			return r
		}
		return '_'
	}, name)
}
