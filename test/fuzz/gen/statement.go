package gen

import "vkernel/internal/wasm"

// statement makes code that leaves the stack as it is.
func (f *body) statement(depth int) {
	f.room--
	if depth <= 0 || f.room <= 0 {
		f.code.op(wasm.OpNop)
		return
	}
	switch f.r.IntN(14) {
	case 0, 1:
		if g := f.global(pick(f.r, values)); g >= 0 {
			f.expr(f.globals[g], depth-1)
			f.index(wasm.OpGlobalSet, g)
		}
	case 2, 3:
		if l := f.local(pick(f.r, values)); l >= 0 {
			f.expr(f.locals[l], depth-1)
			f.index(wasm.OpLocalSet, l)
		}
	case 4, 5, 6:
		if info := pick(f.r, statements); !info.Op.Atomic() || f.features.Atomics {
			f.operands(info, depth-1)
		}
	case 7:
		f.repeat(depth - 1)
	case 8:
		f.maybe(depth - 1)
	case 9:
		f.bulk(depth - 1)
	case 10:
		f.tables(depth - 1)
	case 11:
		f.dispatch(depth - 1)
	case 12:
		f.procedure(depth - 1)
	default:
		f.expr(pick(f.r, values), depth-1)
		f.code.op(wasm.OpDrop)
	}
}

// repeat makes a loop that goes on while a condition holds and fuel lasts.
func (f *body) repeat(depth int) {
	f.open(wasm.OpLoop, nil, nil)
	f.burn()
	for f.r.IntN(4) != 0 {
		f.statement(depth)
	}
	f.expr(wasm.I32, depth)
	if f.r.IntN(2) == 0 { // rarely for ever
		f.code.op(wasm.OpI32Const)
		f.code.s(int64(1) << f.r.IntN(8))
		f.code.op(wasm.OpI32And)
	}
	f.index(wasm.OpBrIf, 0)
	f.close()
}

// maybe makes an if that may leave.
func (f *body) maybe(depth int) {
	f.expr(wasm.I32, depth)
	f.open(wasm.OpIf, nil, nil)
	f.statement(depth)
	if f.r.IntN(3) == 0 {
		f.leave(depth)
	}
	f.close()
}

// dispatch makes nested blocks and a br_table over those labels that carry nothing.
func (f *body) dispatch(depth int) {
	n := 1 + f.r.IntN(5)
	for range n {
		f.open(wasm.OpBlock, nil, nil)
	}
	f.expr(wasm.I32, depth)
	if f.r.IntN(2) == 0 {
		f.code.op(wasm.OpI32Const)
		f.code.s(7)
		f.code.op(wasm.OpI32And)
	}
	targets := f.r.IntN(8)
	f.index(wasm.OpBrTable, targets)
	for range targets + 1 {
		f.code.u(uint64(f.r.IntN(n)))
	}
	for range n {
		f.close()
		f.statement(depth - 1)
	}
}

// procedure calls a function and drops what it gives.
func (f *body) procedure(depth int) {
	k := f.r.IntN(len(f.funcs))
	t := f.types[f.funcs[k]]
	f.exprs(t.params, depth)
	f.invoke(k, depth)
	for range t.results {
		f.code.op(wasm.OpDrop)
	}
}

// bulk makes an instruction on a range of memory.
func (f *body) bulk(depth int) {
	if len(f.passive) > 0 && f.r.IntN(2) == 0 {
		k := f.r.IntN(len(f.passive))
		if f.r.IntN(8) == 0 {
			f.index(wasm.OpDataDrop, k)
			return
		}
		f.place(0x10000, depth)
		f.place(f.passive[k]+1, depth)
		f.place(f.passive[k]+1, depth)
		f.index(wasm.OpMemoryInit, k)
		f.code.put(0)
		return
	}
	f.place(0x10000, depth)
	if f.r.IntN(2) == 0 {
		f.expr(wasm.I32, depth)
		f.place(2000, depth)
		f.code.op(wasm.OpMemoryFill)
		f.code.put(0)
		return
	}
	f.place(0x10000, depth)
	f.place(2000, depth)
	f.code.op(wasm.OpMemoryCopy)
	f.code.put(0, 0)
}

// place is a number below a limit, nearly always.
func (f *body) place(limit, depth int) {
	f.expr(wasm.I32, depth)
	if f.r.IntN(30) != 0 {
		f.code.op(wasm.OpI32Const)
		f.code.s(int64(limit))
		f.code.op(wasm.OpI32RemU)
	}
}

// tables makes an instruction on the table.
func (f *body) tables(depth int) {
	size := f.table + 1
	switch f.r.IntN(6) {
	case 0:
		f.element(depth)
		f.index(wasm.OpRefFunc, f.r.IntN(len(f.funcs)))
		f.index(wasm.OpTableSet, 0)
	case 1:
		f.element(depth)
		f.element(depth)
		f.index(wasm.OpTableGet, 0)
		f.index(wasm.OpTableSet, 0)
	case 2:
		f.place(size, depth)
		f.code.op(wasm.OpRefNull)
		f.code.put(byte(wasm.FuncRef))
		f.place(3, depth)
		f.index(wasm.OpTableFill, 0)
	case 3:
		f.place(size, depth)
		f.place(size, depth)
		f.place(size/2+1, depth)
		f.code.op(wasm.OpTableCopy)
		f.code.put(0, 0)
	default:
		if len(f.elems) == 0 {
			return
		}
		k := f.r.IntN(len(f.elems))
		if f.r.IntN(8) == 0 {
			f.index(wasm.OpElemDrop, k+1)
			return
		}
		f.place(size, depth)
		f.place(f.elems[k]+1, depth)
		f.place(f.elems[k]+1, depth)
		f.index(wasm.OpTableInit, k+1)
		f.code.put(0)
	}
}
