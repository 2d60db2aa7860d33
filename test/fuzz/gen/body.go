package gen

import "vkernel/internal/wasm"

// body is one function that is being made.
type body struct {
	*module
	code     bytes
	locals   []wasm.ValType // parameters first
	scratch  int            // the first of four locals that are not for all: see their constants
	labels   []label        // outermost first
	handlers []handler      // those that the code is in
	exns     int            // locals after all others that hold exceptions
	type_    funcType
	room     int  // instructions that may still be made
	inPlain  bool // in a plain loop: no calls, no other loops
	outside  int  // labels that are around the plain loop
}

// The locals that no other code sets: those in which values are looked at for NaNs, and the
// counter of a plain loop.
const (
	scratchF32 = iota
	scratchF64
	scratchV128
	scratchCounter
	scratches
)

// label is a block around the code.
type label struct {
	types  []wasm.ValType // what a branch carries
	hidden bool           // no branch goes there
	pad    bool           // exceptions may be delegated to it
}

// body makes the code of a function, its declaration of locals included.
func (m *module) body(t funcType) bytes {
	room, depth := 20+m.r.IntN(300), 4
	if m.large && m.chance(2) {
		room, depth = 2000, 5+m.r.IntN(3)
	}
	f := &body{module: m, type_: t, room: room}
	f.locals = append(f.locals, t.params...)
	f.locals = append(f.locals, m.list(values, 10)...)
	f.scratch = len(f.locals)
	extra := append(f.locals[len(t.params):len(f.locals):len(f.locals)], wasm.F32, wasm.F64, wasm.V128, wasm.I32)
	f.labels = []label{{types: t.results}}
	f.burn()
	for f.room > 0 && !m.chance(16) {
		f.statement(depth)
	}
	f.exprs(t.results, depth)
	f.op(wasm.OpEnd)

	out := bytes{}
	out.u(uint64(len(extra) + f.exns))
	for _, l := range extra {
		out.put(1, byte(l))
	}
	for range f.exns {
		out.put(1, byte(wasm.ExnRef))
	}
	return append(out, f.code...)
}

// op writes an opcode; what it counts comes before it.
func (f *body) op(op wasm.Opcode) {
	if k, ok := counted[op]; ok && f.features.Count {
		f.code.put(byte(wasm.OpI32Const), 1, byte(wasm.OpGlobalSet))
		f.code.u(uint64(f.counters + k))
	}
	f.code.op(op)
}

func (f *body) index(op wasm.Opcode, n int) {
	f.op(op)
	f.code.u(uint64(n))
}

func (f *body) i32(n int64) {
	f.code.op(wasm.OpI32Const)
	f.code.s(n)
}

// burn takes one from the fuel, and returns constants if there is none.
func (f *body) burn() {
	f.index(wasm.OpGlobalGet, f.fuel)
	f.op(wasm.OpI32Eqz)
	f.op(wasm.OpIf)
	f.code.put(0x40)
	for _, t := range f.type_.results {
		f.constant(t)
	}
	f.op(wasm.OpReturn)
	f.op(wasm.OpEnd)
	f.index(wasm.OpGlobalGet, f.fuel)
	f.i32(1)
	f.op(wasm.OpI32Sub)
	f.index(wasm.OpGlobalSet, f.fuel)
}

func (f *body) exprs(types []wasm.ValType, depth int) {
	for _, t := range types {
		f.expr(t, depth)
	}
}

// consume takes values off the stack, mostly into locals.
func (f *body) consume(types []wasm.ValType) {
	for i := len(types) - 1; i >= 0; i-- {
		if l := f.local(types[i]); l >= 0 && !f.chance(3) {
			f.index(wasm.OpLocalSet, l)
		} else {
			f.op(wasm.OpDrop)
		}
	}
}

// open begins a block of a type; l is what a branch to it finds.
func (f *body) open(op wasm.Opcode, t funcType, l label) {
	f.op(op)
	f.blockType(t)
	f.labels = append(f.labels, l)
}

func (f *body) blockType(t funcType) {
	switch {
	case len(t.params)+len(t.results) == 0:
		f.code.put(0x40)
	case len(t.params) == 0 && len(t.results) == 1:
		f.code.put(byte(t.results[0]))
	default:
		f.code.s(int64(f.typeIndex(t)))
	}
}

func (f *body) close() {
	f.op(wasm.OpEnd)
	f.labels = f.labels[:len(f.labels)-1]
}

// local picks a local of a type: its index, or -1.
func (f *body) local(t wasm.ValType) int {
	return f.find(t, f.locals)
}

// global picks a global of a type: its index, or -1.
func (f *body) global(t wasm.ValType) int {
	return f.find(t, f.globals)
}

func (f *body) find(t wasm.ValType, list []wasm.ValType) int {
	if len(list) == 0 {
		return -1
	}
	start := f.r.IntN(len(list))
	for i := range list {
		if k := (start + i) % len(list); list[k] == t {
			return k
		}
	}
	return -1
}
