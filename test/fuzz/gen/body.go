package gen

import "vkernel/internal/wasm"

// body is one function that is being made.
type body struct {
	*module
	code   bytes
	locals []wasm.ValType   // parameters first
	labels [][]wasm.ValType // what a branch to each carries, outermost first
	type_  funcType
	room   int // instructions that may still be made
}

// body makes the code of a function, its declaration of locals included.
func (m *module) body(t funcType) bytes {
	f := &body{module: m, type_: t, room: 20 + m.r.IntN(300)}
	f.locals = append(f.locals, t.params...)
	extra := append(m.list(values, 6), wasm.F32, wasm.F64, wasm.V128) // the last three are for NaNs
	f.locals = append(f.locals, extra...)
	f.labels = [][]wasm.ValType{t.results}
	f.burn()
	for f.room > 0 && m.r.IntN(12) != 0 {
		f.statement(4)
	}
	f.exprs(t.results, 4)
	f.code.op(wasm.OpEnd)

	out := bytes{}
	out.u(uint64(len(extra)))
	for _, l := range extra {
		out.put(1, byte(l))
	}
	return append(out, f.code...)
}

func (f *body) index(op wasm.Opcode, n int) {
	f.code.op(op)
	f.code.u(uint64(n))
}

// burn takes one from the fuel, and traps if there is none.
func (f *body) burn() {
	f.index(wasm.OpGlobalGet, f.fuel)
	f.code.op(wasm.OpI32Eqz)
	f.code.op(wasm.OpIf)
	f.code.put(0x40)
	f.code.op(wasm.OpUnreachable)
	f.code.op(wasm.OpEnd)
	f.index(wasm.OpGlobalGet, f.fuel)
	f.code.op(wasm.OpI32Const)
	f.code.s(1)
	f.code.op(wasm.OpI32Sub)
	f.index(wasm.OpGlobalSet, f.fuel)
}

func (f *body) exprs(types []wasm.ValType, depth int) {
	for _, t := range types {
		f.expr(t, depth)
	}
}

// open begins a block of a type, and close ends it.
func (f *body) open(op wasm.Opcode, t []wasm.ValType, branch []wasm.ValType) {
	f.code.op(op)
	if len(t) == 0 {
		f.code.put(0x40)
	} else {
		f.code.put(byte(t[0]))
	}
	f.labels = append(f.labels, branch)
}

func (f *body) close() {
	f.code.op(wasm.OpEnd)
	f.labels = f.labels[:len(f.labels)-1]
}

// local picks a local of a type: its index, or -1.
func (f *body) local(t wasm.ValType) int {
	start := f.r.IntN(len(f.locals))
	for i := range f.locals {
		if k := (start + i) % len(f.locals); f.locals[k] == t && k < len(f.locals)-3 {
			return k
		}
	}
	return -1
}

// scratch is the local in which a value of a type is looked at for a NaN.
func (f *body) scratch(t wasm.ValType) int {
	last := len(f.locals) - 1
	switch t {
	case wasm.F32:
		return last - 2
	case wasm.F64:
		return last - 1
	}
	return last
}

// global picks a global of a type: its index, or -1.
func (f *body) global(t wasm.ValType) int {
	start := f.r.IntN(len(f.globals))
	for i := range f.globals {
		if k := (start + i) % len(f.globals); f.globals[k] == t {
			return k
		}
	}
	return -1
}
