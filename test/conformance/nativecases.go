package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
)

// Native code is signed, and still not trusted: what a compiler with an error, or a signer who
// was tricked, could have put there is found before it is mapped. These cases sign what they
// change with the key that is trusted.

// text gives the bytes of the native code's text, within the file.
func (b *theBundle) native() (data []byte, f *elf.File) {
	data = b.read(nativeFile)
	f, err := elf.NewFile(bytes.NewReader(data))
	b.t.must(err)
	return data, f
}

// function gives the place in the file of the first function that is long enough and is of
// the program's own code, and its size.
func (b *theBundle) function(f *elf.File, least uint64) (offset, size uint64) {
	symbols, err := f.Symbols()
	b.t.must(err)
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size < least || int(s.Section) >= len(f.Sections) {
			continue
		}
		if x := f.Sections[s.Section]; x.Flags&elf.SHF_EXECINSTR != 0 && s.Value >= x.Addr && s.Value+s.Size <= x.Addr+x.Size {
			return s.Value - x.Addr + x.Offset, s.Size
		}
	}
	b.t.must(fmt.Errorf("%s has no function of %d bytes", nativeFile, least))
	return 0, 0
}

// instruction puts bytes in place of the beginning of a function.
func instruction(name string, code ...byte) *testCase {
	return &testCase{"native", name, func(t *trial) {
		b := t.copyBundle()
		data, f := b.native()
		offset, _ := b.function(f, 64)
		copy(data[offset:], code)
		b.write(nativeFile, data)
		b.digest(nativeFile)
		b.sign()
		b.refused("native code")
	}}
}

// format is a case with native code whose ELF file is not as it should be.
func format(name string, spoil func(b *theBundle, data []byte, f *elf.File) []byte) *testCase {
	return &testCase{"native", name, func(t *trial) {
		b := t.copyBundle()
		data, f := b.native()
		b.write(nativeFile, spoil(b, data, f))
		b.digest(nativeFile)
		b.sign()
		b.refused("native code")
	}}
}

// replaceMeta changes words of the section that describes the programs, without changing its
// length.
func replaceMeta(old, new string) func(b *theBundle, data []byte, f *elf.File) []byte {
	return func(b *theBundle, data []byte, f *elf.File) []byte {
		s := f.Section(".vk.meta")
		if s == nil || len(old) != len(new) {
			b.t.must(fmt.Errorf("no section .vk.meta, or %q and %q differ in length", old, new))
		}
		part := data[s.Offset : s.Offset+s.Size]
		if !bytes.Contains(part, []byte(old)) {
			b.t.must(fmt.Errorf(".vk.meta does not contain %q", old))
		}
		copy(part, bytes.Replace(part, []byte(old), []byte(new), 1))
		return data
	}
}

func nativeCases() []*testCase {
	header := func(change func(p []byte)) func(b *theBundle, data []byte, f *elf.File) []byte {
		return func(_ *theBundle, data []byte, f *elf.File) []byte {
			at := binary.LittleEndian.Uint64(data[32:])
			for i := range f.Progs {
				change(data[at+uint64(i)*56:])
			}
			return data
		}
	}
	return []*testCase{
		instruction("syscall_instruction", 0x0f, 0x05),
		instruction("sysenter_instruction", 0x0f, 0x34),
		instruction("interrupt_0x80", 0xcd, 0x80),
		instruction("wrgsbase", 0xf3, 0x48, 0x0f, 0xae, 0xd8),
		instruction("wrfsbase", 0xf3, 0x48, 0x0f, 0xae, 0xd0),
		instruction("wrpkru", 0x0f, 0x01, 0xef),
		instruction("indirect_jump", 0xff, 0xe0),
		instruction("indirect_call", 0xff, 0xd0),
		instruction("far_jump", 0x48, 0xff, 0x28),
		instruction("far_return", 0xcb),
		instruction("return_from_interrupt", 0x48, 0xcf),
		instruction("store_without_gs", 0x48, 0x89, 0x00),
		instruction("load_without_gs", 0x48, 0x8b, 0x00),
		instruction("store_by_absolute_address", 0x48, 0xa3, 0, 0, 0, 0, 0, 0, 0, 0),
		instruction("store_through_fs", 0x64, 0x48, 0x89, 0x00),
		instruction("stack_pointer_set", 0x48, 0x89, 0xc4),
		instruction("stack_pointer_exchanged", 0x48, 0x94),
		instruction("stack_pointer_leaked", 0x48, 0x89, 0xe0),
		instruction("jump_out_of_the_text", 0xe9, 0x00, 0x00, 0x00, 0x40),
		instruction("jump_into_an_instruction", 0xeb, 0xff, 0xc0),
		instruction("return_address_pushed", 0x50, 0xc3),
		instruction("direction_flag", 0xfd, 0xf3, 0xa4),
		instruction("string_store", 0xf3, 0x48, 0xab),
		instruction("undefined_bytes", 0x06, 0x07, 0x0e),
		instruction("halt", 0xf4),
		instruction("segment_register", 0x8e, 0xe8),
		{"native", "every_kind_of_byte_changed_and_signed", func(t *trial) {
			// Wherever the text is changed at random, either it is refused, or it is still
			// code that may be mapped: it never leaves the sandbox process dead.
			b := t.copyBundle()
			data, f := b.native()
			offset, size := b.function(f, 256)
			for i := uint64(0); i < 12; i++ {
				changed := bytes.Clone(data)
				changed[offset+i*size/12] ^= byte(1 << (i % 8))
				b.write(nativeFile, changed)
				b.digest(nativeFile)
				b.sign()
				if e := t.start(container{bundle: b.dir, command: []string{"/bin/mark", "GOOD"}}); strings.Contains(e.stderr, "goroutine") {
					t.wrong("byte %d: %.300s", i, e.stderr)
				}
			}
		}},
		format("not_an_elf_file", func(_ *theBundle, data []byte, _ *elf.File) []byte { return append([]byte("#!/bin/sh\n"), data...) }),
		format("elf_of_another_machine", func(_ *theBundle, data []byte, _ *elf.File) []byte { data[18] = 0xb7; return data }),
		format("writable_text", header(func(p []byte) {
			if p[4]&1 != 0 {
				p[4] |= 2
			}
		})),
		format("executable_data", header(func(p []byte) {
			if binary.LittleEndian.Uint32(p) == uint32(elf.PT_LOAD) {
				p[4] |= 1
			}
		})),
		format("interpreter_segment", header(func(p []byte) {
			if binary.LittleEndian.Uint32(p) != uint32(elf.PT_LOAD) {
				binary.LittleEndian.PutUint32(p, uint32(elf.PT_INTERP))
			}
		})),
		format("segment_beyond_the_file", header(func(p []byte) { binary.LittleEndian.PutUint64(p[32:], 1<<40) })),
		format("segments_that_overlap", header(func(p []byte) {
			if binary.LittleEndian.Uint32(p) == uint32(elf.PT_LOAD) {
				binary.LittleEndian.PutUint64(p[16:], 0x400000)
			}
		})),
		format("truncated_elf", func(_ *theBundle, data []byte, _ *elf.File) []byte { return data[:len(data)*3/4] }),
		format("only_a_header", func(_ *theBundle, data []byte, _ *elf.File) []byte { return data[:64] }),
		{"native", "description_of_another_module", func(t *trial) {
			b := t.copyBundle()
			data, f := b.native()
			at := int(f.Section(".vk.meta").Offset)
			at += bytes.Index(data[at:], []byte(`"module":"`)) + len(`"module":"`)
			data[at] = "10"[data[at]&1]
			b.write(nativeFile, data)
			b.digest(nativeFile)
			b.sign()
			b.refused("native code")
		}},
		{"native", "description_that_hides_an_import", func(t *trial) {
			b := t.copyBundle()
			data, f := b.native()
			b.write(nativeFile, replaceMeta(`SYS_execve"`, `SYS_getpid"`)(b, data, f))
			b.digest(nativeFile)
			b.sign()
			b.refused()
		}},
		format("description_that_is_no_json", replaceMeta(`{"`, `["`)),
	}
}
