package gen

import (
	"fmt"

	"vkernel/internal/wasm"
)

// Sections of the binary format.
const (
	sectionType = 1 + iota
	_
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	_
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
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
	out := Module{}
	w := bytes("\x00asm\x01\x00\x00\x00")
	getters := len(m.types)
	all := append(m.types[:len(m.types):len(m.types)], m.extraTypes()...)
	w.section(sectionType, func(b *bytes) {
		b.u(uint64(len(all)))
		for _, t := range all {
			b.put(0x60)
			b.typeList(t.params)
			b.typeList(t.results)
		}
	})
	w.section(sectionFunction, func(b *bytes) {
		b.u(uint64(len(m.funcs) + len(m.globals) + 1))
		for _, t := range m.funcs {
			b.u(uint64(t))
		}
		for i := range len(m.globals) + 1 {
			b.u(uint64(getters + i))
		}
	})
	w.section(sectionTable, func(b *bytes) {
		b.put(1, byte(wasm.FuncRef), 1)
		b.u(uint64(m.table))
		b.u(uint64(m.table + 4))
	})
	w.section(sectionMemory, func(b *bytes) { b.put(1, 1, byte(m.pages), byte(m.pages+1)) })
	w.section(sectionGlobal, m.encodeGlobals)
	w.section(sectionExport, func(b *bytes) { m.encodeExports(b, &out) })
	w.section(sectionElement, m.encodeElements)
	w.section(sectionDataCount, func(b *bytes) { b.u(uint64(len(m.passive) + m.active())) })
	w.section(sectionCode, m.encodeCode)
	w.section(sectionData, m.encodeData)
	out.Wasm = w
	return out
}

// extraTypes are those of the getters of globals and of the setter of fuel.
func (m *module) extraTypes() []funcType {
	var l []funcType
	for _, g := range m.globals {
		l = append(l, funcType{results: []wasm.ValType{g}})
	}
	return append(l, funcType{params: []wasm.ValType{wasm.I32}})
}

func (m *module) encodeGlobals(b *bytes) {
	b.u(uint64(len(m.globals) + 1))
	for _, t := range append(m.globals[:len(m.globals):len(m.globals)], wasm.I32) {
		b.put(byte(t), 1)
		constant(m.r, b, t)
		b.put(byte(wasm.OpEnd))
	}
}

func (m *module) encodeExports(b *bytes, out *Module) {
	for i, t := range m.funcs {
		if m.exported(i) {
			out.Funcs = append(out.Funcs, Export{fmt.Sprintf("f%d", i), m.types[t].params, m.types[t].results})
		}
	}
	b.u(uint64(len(out.Funcs) + len(m.globals) + 2))
	export := func(name string, kind byte, index int) {
		b.name(name)
		b.put(kind)
		b.u(uint64(index))
	}
	for i := range m.funcs {
		if m.exported(i) {
			export(fmt.Sprintf("f%d", i), 0, i)
		}
	}
	for i, t := range m.globals {
		name := fmt.Sprintf("g%d", i)
		out.Globals = append(out.Globals, Export{Name: name, Results: []wasm.ValType{t}})
		export(name, 0, len(m.funcs)+i)
	}
	export("fuel", 0, len(m.funcs)+len(m.globals))
	export("memory", 2, 0)
}

// encodeElements fills the beginning of the table, and makes the passive segments.
func (m *module) encodeElements(b *bytes) {
	b.u(uint64(2 + len(m.elems)))
	b.put(0, byte(wasm.OpI32Const), 0, byte(wasm.OpEnd))
	m.encodeFuncs(b, m.r.IntN(m.table+1))
	for _, n := range m.elems {
		b.put(1, 0)
		m.encodeFuncs(b, n)
	}
	b.put(3, 0) // declares all functions, for ref.func
	b.u(uint64(len(m.funcs)))
	for i := range m.funcs {
		b.u(uint64(i))
	}
}

func (m *module) encodeFuncs(b *bytes, n int) {
	b.u(uint64(n))
	for range n {
		b.u(uint64(m.r.IntN(len(m.funcs))))
	}
}

// active counts active data segments.
func (m *module) active() int { return min(m.pages, 1) }

func (m *module) encodeData(b *bytes) {
	b.u(uint64(len(m.passive) + m.active()))
	for _, n := range m.passive {
		b.put(1)
		m.encodeBytes(b, n)
	}
	if m.active() == 1 {
		b.put(0, byte(wasm.OpI32Const))
		b.s(int64(m.r.IntN(60000)))
		b.put(byte(wasm.OpEnd))
		m.encodeBytes(b, m.r.IntN(300))
	}
}

func (m *module) encodeBytes(b *bytes, n int) {
	b.u(uint64(n))
	for range n {
		b.put(byte(m.r.Uint32()))
	}
}

func (m *module) encodeCode(b *bytes) {
	b.u(uint64(len(m.funcs) + len(m.globals) + 1))
	put := func(code bytes) {
		b.u(uint64(len(code)))
		b.put(code...)
	}
	for _, t := range m.funcs {
		put(m.body(m.types[t]))
	}
	for i := range m.globals {
		code := bytes{0, byte(wasm.OpGlobalGet)}
		code.u(uint64(i))
		put(append(code, byte(wasm.OpEnd)))
	}
	code := bytes{0, byte(wasm.OpLocalGet), 0, byte(wasm.OpGlobalSet)}
	code.u(uint64(m.fuel))
	put(append(code, byte(wasm.OpEnd)))
}
