package gen

import (
	"fmt"

	"vkernel/internal/wasm"
)

// Sections of the binary format.
const (
	sectionType = 1 + iota
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
	sectionTag
)

// bytes is a growing part of a module.
type bytes []byte

func (b *bytes) put(c ...byte) { *b = append(*b, c...) }

// u writes an unsigned LEB128 number.
func (b *bytes) u(n uint64) {
	for n >= 0x80 {
		b.put(byte(n) | 0x80)
		n >>= 7
	}
	b.put(byte(n))
}

// s writes a signed one.
func (b *bytes) s(n int64) {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			b.put(c)
			return
		}
		b.put(c | 0x80)
	}
}

func (b *bytes) name(s string) {
	b.u(uint64(len(s)))
	b.put([]byte(s)...)
}

// section writes what fill makes, with its size before it.
func (b *bytes) section(id byte, fill func(b *bytes)) {
	var body bytes
	fill(&body)
	b.put(id)
	b.u(uint64(len(body)))
	b.put(body...)
}

// op writes an opcode as the binary format has it.
func (b *bytes) op(op wasm.Opcode) {
	switch op >> 8 {
	case 0:
		b.put(byte(op))
	case 0xff: // vectors from 0x100 on
		b.put(0xfd)
		b.u(uint64(op&0xff) + 0x100)
	default:
		b.put(byte(op >> 8))
		b.u(uint64(op & 0xff))
	}
}

func (b *bytes) typeList(l []wasm.ValType) {
	b.u(uint64(len(l)))
	for _, t := range l {
		b.put(byte(t))
	}
}

// encode writes the module.
func (m *module) encode() Module {
	out := Module{Throws: m.throws, Loose: ^uint32(0)}
	if m.wild {
		out.Loose = uint32(m.loose())
	}
	own := m.access() // code and types that only exports need
	var code bytes
	m.encodeCode(&code, own)
	w := bytes("\x00asm\x01\x00\x00\x00")
	w.section(sectionType, func(b *bytes) {
		b.u(uint64(len(m.types)))
		for _, t := range m.types {
			b.put(0x60)
			b.typeList(t.params)
			b.typeList(t.results)
		}
	})
	w.section(sectionFunction, func(b *bytes) {
		b.u(uint64(len(m.funcs) + len(own)))
		for _, t := range m.funcs {
			b.u(uint64(t))
		}
		for _, a := range own {
			b.u(uint64(m.typeIndex(a.type_)))
		}
	})
	w.section(sectionTable, m.encodeTables)
	w.section(sectionMemory, m.encodeMemory)
	if len(m.tags) > 0 {
		w.section(sectionTag, m.encodeTags)
	}
	w.section(sectionGlobal, m.encodeGlobals)
	w.section(sectionExport, func(b *bytes) { m.encodeExports(b, &out, own) })
	if m.start >= 0 {
		w.section(sectionStart, func(b *bytes) { b.u(uint64(m.start)) })
	}
	w.section(sectionElement, m.encodeElements)
	w.section(sectionDataCount, func(b *bytes) { b.u(uint64(len(m.passive) + m.active())) })
	w.section(sectionCode, func(b *bytes) { b.put(code...) })
	w.section(sectionData, m.encodeData)
	out.Wasm = w
	return out
}

func (m *module) encodeTables(b *bytes) {
	b.u(uint64(len(m.tables)))
	for _, t := range m.tables {
		b.put(byte(t.elem), 1)
		b.u(uint64(t.min))
		b.u(uint64(t.max))
	}
}

func (m *module) encodeMemory(b *bytes) {
	flags := byte(1)
	if m.shared {
		flags = 3
	}
	b.put(1, flags)
	b.u(uint64(m.pages))
	b.u(uint64(m.pages + m.grow))
}

func (m *module) encodeTags(b *bytes) {
	b.u(uint64(len(m.tags)))
	for _, t := range m.tags {
		b.put(0)
		b.u(uint64(t))
	}
}

func (m *module) encodeGlobals(b *bytes) {
	n := m.counters
	if m.features.Count {
		n += len(Opcodes)
	}
	b.u(uint64(n))
	for _, t := range m.globals {
		b.put(byte(t), 1)
		switch {
		case t == wasm.FuncRef && m.chance(2):
			b.put(byte(wasm.OpRefFunc))
			b.u(uint64(m.r.IntN(len(m.funcs))))
		case t.IsRef():
			b.put(byte(wasm.OpRefNull), byte(t))
		default:
			constant(m.r, b, t)
		}
		b.put(byte(wasm.OpEnd))
	}
	b.put(byte(wasm.I32), 1, byte(wasm.OpI32Const))
	b.s(int64(m.r.IntN(400)))
	b.put(byte(wasm.OpEnd))
	for range n - m.plain {
		b.put(byte(wasm.I32), 1, byte(wasm.OpI32Const), 0, byte(wasm.OpEnd))
	}
}

func (m *module) encodeExports(b *bytes, out *Module, own []access) {
	n, list := 0, bytes{}
	export := func(name string, kind byte, index int) {
		n++
		list.name(name)
		list.put(kind)
		list.u(uint64(index))
	}
	for i, t := range m.funcs {
		if m.exported(i) {
			name := fmt.Sprintf("f%d", i)
			out.add(Export{name, m.types[t].params, m.types[t].results})
			export(name, 0, i)
		}
	}
	for i, a := range own {
		out.add(Export{a.name, a.type_.params, a.type_.results})
		export(a.name, 0, len(m.funcs)+i)
	}
	export("memory", 2, 0)
	for i := range Opcodes {
		if m.features.Count {
			export(Counter(i), 3, m.counters+i)
		}
	}
	b.u(uint64(n))
	b.put(list...)
}

func (m *module) encodeCode(b *bytes, own []access) {
	b.u(uint64(len(m.funcs) + len(own)))
	put := func(code bytes) {
		b.u(uint64(len(code)))
		b.put(code...)
	}
	for _, t := range m.funcs {
		put(m.body(m.types[t]))
	}
	for _, a := range own {
		put(a.code)
	}
}
