package gen

import "vkernel/internal/wasm"

// statement makes code that leaves the stack as it is.
func (f *body) statement(depth int) {
	f.room--
	if depth <= 0 || f.room <= 0 {
		f.op(wasm.OpNop)
		return
	}
	switch f.r.IntN(20) {
	case 0, 1:
		f.assign(depth - 1)
	case 2, 3, 4:
		if l := f.local(pick(f.r, values)); l >= 0 {
			f.expr(f.locals[l], depth-1)
			f.index(wasm.OpLocalSet, l)
		}
	case 5, 6, 7:
		f.effect(depth - 1)
	case 8:
		f.repeat(depth - 1)
	case 9:
		f.maybe(depth - 1)
	case 10:
		f.bulk(depth - 1)
	case 11:
		f.change(depth - 1)
	case 12:
		f.dispatch(depth - 1)
	case 13, 14:
		f.procedure(depth - 1)
	case 15, 16:
		f.several(depth - 1)
	case 17:
		f.plainLoop(depth - 1)
	case 18:
		f.try(nil, depth-1)
	default:
		f.expr(pick(f.r, values), depth-1)
		f.op(wasm.OpDrop)
	}
}

// assign sets a global.
func (f *body) assign(depth int) {
	if g := f.global(pick(f.r, values)); g >= 0 {
		f.expr(f.globals[g], depth)
		f.index(wasm.OpGlobalSet, g)
	}
}

// effect makes an instruction without a result: a store.
func (f *body) effect(depth int) {
	info := pick(f.r, statements)
	switch {
	case info.Op.Atomic() && (!f.features.Atomics || f.inPlain), info.Width > 0 && f.pages == 0 && !f.wild:
	default:
		f.operands(info, depth)
	}
}

// repeat makes a loop that goes on while a condition holds and fuel lasts.
func (f *body) repeat(depth int) {
	if f.inPlain {
		return
	}
	f.open(wasm.OpLoop, funcType{}, label{})
	f.burn()
	for f.r.IntN(4) != 0 {
		f.statement(depth)
	}
	f.expr(wasm.I32, depth)
	if f.chance(2) { // rarely for ever
		f.i32(int64(1) << f.r.IntN(8))
		f.op(wasm.OpI32And)
	}
	f.index(wasm.OpBrIf, 0)
	f.close()
}

// maybe makes an if that may leave.
func (f *body) maybe(depth int) {
	f.expr(wasm.I32, depth)
	f.open(wasm.OpIf, funcType{}, label{})
	f.statement(depth)
	if f.chance(3) {
		f.leave(depth)
	}
	f.close()
}

// dispatch makes nested blocks with the same results and a br_table over them.
func (f *body) dispatch(depth int) {
	n := 1 + f.r.IntN(5)
	if f.chance(4) {
		n = 10 + f.r.IntN(30)
	}
	t := funcType{results: f.list(values, 2)}
	for range n {
		f.open(wasm.OpBlock, t, label{types: t.results})
	}
	f.exprs(t.results, depth)
	f.expr(wasm.I32, depth)
	if f.chance(2) {
		f.i32(int64(pick(f.r, []int{1, 3, 7, 31, 63})))
		f.op(wasm.OpI32And)
	}
	targets := f.r.IntN(2 * n)
	f.index(wasm.OpBrTable, targets)
	for range targets + 1 {
		f.code.u(uint64(f.r.IntN(n)))
	}
	for range n {
		f.close()
		f.statement(depth - 1)
	}
	f.consume(t.results)
}

// several makes a block with parameters and any number of results.
func (f *body) several(depth int) {
	t := funcType{f.list(values, 3), f.list(values, 3)}
	op := pick(f.r, []wasm.Opcode{wasm.OpBlock, wasm.OpIf, wasm.OpLoop})
	if f.inPlain {
		op = wasm.OpIf
	}
	f.exprs(t.params, depth)
	if op == wasm.OpIf {
		f.expr(wasm.I32, depth)
	}
	l := label{types: t.results}
	if op == wasm.OpLoop {
		l.types = t.params
	}
	f.open(op, t, l)
	if op == wasm.OpLoop {
		f.burn()
	}
	f.consume(t.params)
	f.statement(depth)
	if op == wasm.OpLoop && f.chance(2) {
		f.exprs(t.params, depth)
		f.expr(wasm.I32, depth)
		f.index(wasm.OpBrIf, 0)
		f.consume(t.params)
	}
	f.exprs(t.results, depth)
	if op == wasm.OpIf {
		f.op(wasm.OpElse)
		f.consume(t.params)
		f.exprs(t.results, depth)
	} else if op == wasm.OpBlock && f.chance(2) {
		f.expr(wasm.I32, depth)
		f.index(wasm.OpBrIf, 0)
	}
	f.close()
	f.consume(t.results)
}

// procedure calls a function and drops what it gives, or keeps it.
func (f *body) procedure(depth int) {
	if f.inPlain {
		return
	}
	k := f.r.IntN(len(f.funcs))
	t := f.types[f.funcs[k]]
	f.exprs(t.params, depth)
	f.invoke(k, depth)
	f.consume(t.results)
}

// bulk makes an instruction on a range of memory.
func (f *body) bulk(depth int) {
	if f.inPlain || f.pages == 0 && !f.wild {
		return
	}
	if len(f.passive) > 0 && f.chance(2) {
		k := f.r.IntN(len(f.passive))
		if f.chance(12) {
			f.index(wasm.OpDataDrop, k)
			return
		}
		n := f.r.IntN(f.passive[k] + 1)
		f.place(0x10000, depth)
		if f.seldom(10) || f.chance(20) { // it may have been dropped
			f.place(f.passive[k]+1, depth)
			f.place(n+1, depth)
		} else {
			f.i32(0)
			f.i32(int64(pick(f.r, []int{0, 0, n})))
		}
		f.index(wasm.OpMemoryInit, k)
		f.code.put(0)
		return
	}
	f.place(0x10000, depth)
	if f.chance(2) {
		f.expr(wasm.I32, depth)
		f.amount(depth)
		f.op(wasm.OpMemoryFill)
		f.code.put(0)
		return
	}
	f.place(0x10000, depth)
	f.amount(depth)
	f.op(wasm.OpMemoryCopy)
	f.code.put(0, 0)
}

// amount is how many bytes are filled or copied: compiled code has other ways for few that are
// known.
func (f *body) amount(depth int) {
	if f.chance(2) {
		f.i32(int64(f.r.IntN(100)))
		return
	}
	f.place(2000, depth)
}

// place is a number below a limit, nearly always.
func (f *body) place(limit, depth int) {
	f.expr(wasm.I32, depth)
	if !f.seldom(30) {
		f.i32(int64(limit))
		f.op(wasm.OpI32RemU)
	}
}
