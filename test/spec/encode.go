package main

import (
	"encoding/binary"

	"vkernel/internal/wasm"
)

// writer encodes parts of the binary format.
type writer struct{ b []byte }

func (w *writer) byte(c byte)    { w.b = append(w.b, c) }
func (w *writer) u32(v uint32)   { w.b = binary.AppendUvarint(w.b, uint64(v)) }
func (w *writer) bytes(p []byte) { w.u32(uint32(len(p))); w.b = append(w.b, p...) }

// signed writes a signed LEB128 number.
func (w *writer) signed(v int64) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			w.byte(c)
			return
		}
		w.byte(c | 0x80)
	}
}

func (w *writer) types(list []wasm.ValType) {
	w.u32(uint32(len(list)))
	for _, t := range list {
		w.byte(byte(t))
	}
}

func (w *writer) limits(l wasm.Limits) {
	flags := byte(0)
	if l.HasMax {
		flags |= 1
	}
	if l.Shared {
		flags |= 2
	}
	w.byte(flags)
	w.u32(l.Min)
	if l.HasMax {
		w.u32(l.Max)
	}
}

func (w *writer) mutable(m bool) {
	if m {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

// section writes a section of n entries, unless there are none.
func (w *writer) section(id byte, n int, entry func(w *writer, i int)) {
	if n == 0 {
		return
	}
	s := &writer{}
	s.u32(uint32(n))
	for i := range n {
		entry(s, i)
	}
	w.byte(id)
	w.bytes(s.b)
}

// encode writes a module whose segments are passive or declarative and that imports
// functions only.
func encode(m *wasm.Module) []byte {
	w := &writer{b: []byte("\x00asm\x01\x00\x00\x00")}
	w.section(1, len(m.Types), func(w *writer, i int) {
		w.byte(0x60)
		w.types(m.Types[i].Params)
		w.types(m.Types[i].Results)
	})
	w.section(2, len(m.Imports), func(w *writer, i int) {
		w.bytes([]byte(m.Imports[i].Module))
		w.bytes([]byte(m.Imports[i].Name))
		w.byte(byte(wasm.KindFunc))
		w.u32(m.Imports[i].Type)
	})
	w.section(3, len(m.Funcs), func(w *writer, i int) { w.u32(m.Funcs[i].Type) })
	w.section(4, len(m.Tables), func(w *writer, i int) {
		w.byte(byte(m.Tables[i].Elem))
		w.limits(m.Tables[i].Limits)
	})
	w.section(5, len(m.Mems), func(w *writer, i int) { w.limits(m.Mems[i]) })
	encodeTags(w, m)
	w.section(6, len(m.Globals), func(w *writer, i int) {
		w.byte(byte(m.Globals[i].Type.Type))
		w.mutable(m.Globals[i].Type.Mutable)
		w.b = append(w.b, m.Globals[i].Init.Expr...)
	})
	w.section(7, len(m.Exports), func(w *writer, i int) {
		w.bytes([]byte(m.Exports[i].Name))
		w.byte(byte(m.Exports[i].Kind))
		w.u32(m.Exports[i].Index)
	})
	w.section(9, len(m.Elems), func(w *writer, i int) { w.elem(&m.Elems[i]) })
	if len(m.Data) > 0 {
		count := &writer{}
		count.u32(uint32(len(m.Data)))
		w.byte(12)
		w.bytes(count.b)
	}
	w.section(10, len(m.Funcs), func(w *writer, i int) { w.code(&m.Funcs[i]) })
	w.section(11, len(m.Data), func(w *writer, i int) {
		w.byte(1)
		w.bytes(m.Data[i].Init)
	})
	return w.b
}

// elem writes a segment in the form with expressions.
func (w *writer) elem(e *wasm.Elem) {
	flags := byte(5)
	if e.Mode == wasm.Declarative {
		flags = 7
	}
	w.byte(flags)
	w.byte(byte(e.Type))
	w.u32(uint32(len(e.Inits)))
	for _, init := range e.Inits {
		w.b = append(w.b, init.Expr...)
	}
}

func (w *writer) code(f *wasm.Func) {
	c := &writer{}
	c.u32(uint32(len(f.Locals)))
	for _, run := range f.Locals {
		c.u32(run.Count)
		c.byte(byte(run.Type))
	}
	c.b = append(c.b, f.Body...)
	w.bytes(c.b)
}
