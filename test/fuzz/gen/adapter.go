package gen

import (
	"fmt"

	"vkernel/internal/wasm"
)

// Adapter makes a module that JavaScript can use to call the exported functions of another without a
// bit being lost: floating point comes as integers, and results are left in globals. For each export f it
// imports m.f and exports a function of that name, and globals f.0, f.1, ... with the results; a vector is
// f.0 and its upper half f.0h.
func Adapter(code []byte) ([]byte, error) {
	m, err := wasm.Decode(code)
	if err != nil {
		return nil, err
	}
	a := &adapter{}
	for _, e := range m.Exports {
		if e.Kind == wasm.KindFunc {
			t, _ := m.FuncTypeOf(e.Index)
			a.add(Export{e.Name, t.Params, t.Results})
		}
	}
	return a.encode(), nil
}

type adapter struct {
	funcs   []Export
	globals []Export // a name, and its type as the one result
	bodies  []bytes
}

// carried is the type in which JavaScript gives or takes a value.
func carried(t wasm.ValType) wasm.ValType {
	switch t {
	case wasm.F32:
		return wasm.I32
	case wasm.F64, wasm.V128:
		return wasm.I64
	}
	return t
}

// add makes the function that calls an export.
func (a *adapter) add(e Export) {
	var b bytes
	b.u(1)
	b.u(1)
	b.put(byte(wasm.V128)) // a local, behind the parameters
	for i, t := range e.Params {
		b.op(wasm.OpLocalGet)
		b.u(uint64(i))
		switch t {
		case wasm.F32:
			b.op(wasm.OpF32ReinterpretI32)
		case wasm.F64:
			b.op(wasm.OpF64ReinterpretI64)
		}
	}
	b.op(wasm.OpCall)
	b.u(uint64(len(a.funcs)))
	for i := len(e.Results) - 1; i >= 0; i-- {
		a.keep(&b, fmt.Sprint(e.Name, ".", i), e.Results[i], uint64(len(e.Params)))
	}
	b.op(wasm.OpEnd)
	a.bodies = append(a.bodies, b)
	a.funcs = append(a.funcs, e)
}

// keep stores the last value on the stack in globals.
func (a *adapter) keep(b *bytes, name string, t wasm.ValType, local uint64) {
	switch t {
	case wasm.F32:
		b.op(wasm.OpI32ReinterpretF32)
	case wasm.F64:
		b.op(wasm.OpI64ReinterpretF64)
	case wasm.V128:
		b.op(wasm.OpLocalTee)
		b.u(local)
		b.op(wasm.OpI64x2ExtractLane)
		b.put(1)
		a.set(b, name+"h", wasm.I64)
		b.op(wasm.OpLocalGet)
		b.u(local)
		b.op(wasm.OpI64x2ExtractLane)
		b.put(0)
	}
	a.set(b, name, carried(t))
}

func (a *adapter) set(b *bytes, name string, t wasm.ValType) {
	b.op(wasm.OpGlobalSet)
	b.u(uint64(len(a.globals)))
	a.globals = append(a.globals, Export{Name: name, Results: []wasm.ValType{t}})
}

func (a *adapter) encode() []byte {
	n := uint64(len(a.funcs))
	w := bytes("\x00asm\x01\x00\x00\x00")
	w.section(sectionType, func(b *bytes) { // of each function as it is, and as JavaScript calls it
		b.u(2 * n)
		for _, e := range a.funcs {
			b.put(0x60)
			b.typeList(e.Params)
			b.typeList(e.Results)
			b.put(0x60)
			var params []wasm.ValType
			for _, t := range e.Params {
				params = append(params, carried(t))
			}
			b.typeList(params)
			b.typeList(nil)
		}
	})
	w.section(sectionImport, func(b *bytes) {
		b.u(n)
		for i, e := range a.funcs {
			b.name("m")
			b.name(e.Name)
			b.put(byte(wasm.KindFunc))
			b.u(2 * uint64(i))
		}
	})
	w.section(sectionFunction, func(b *bytes) {
		b.u(n)
		for i := range a.funcs {
			b.u(2*uint64(i) + 1)
		}
	})
	w.section(sectionGlobal, a.encodeGlobals)
	w.section(sectionExport, func(b *bytes) {
		b.u(n + uint64(len(a.globals)))
		for i, e := range a.funcs {
			b.name(e.Name)
			b.put(byte(wasm.KindFunc))
			b.u(n + uint64(i))
		}
		for i, g := range a.globals {
			b.name(g.Name)
			b.put(byte(wasm.KindGlobal))
			b.u(uint64(i))
		}
	})
	w.section(sectionCode, func(b *bytes) {
		b.u(n)
		for _, body := range a.bodies {
			b.u(uint64(len(body)))
			b.put(body...)
		}
	})
	return w
}

func (a *adapter) encodeGlobals(b *bytes) {
	b.u(uint64(len(a.globals)))
	for _, g := range a.globals {
		t := g.Results[0]
		b.put(byte(t), 1)
		switch t {
		case wasm.I32:
			b.op(wasm.OpI32Const)
			b.put(0)
		case wasm.I64:
			b.op(wasm.OpI64Const)
			b.put(0)
		default:
			b.op(wasm.OpRefNull)
			b.put(byte(t))
		}
		b.op(wasm.OpEnd)
	}
}
