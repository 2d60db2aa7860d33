package gen

import "vkernel/internal/wasm"

// tableOf picks a table of a type that is not empty: its index, or -1.
func (f *body) tableOf(t wasm.ValType) int {
	start := f.r.IntN(len(f.tables))
	for i := range f.tables {
		if k := (start + i) % len(f.tables); f.tables[k].elem == t && f.tables[k].min > 0 {
			return k
		}
	}
	return -1
}

// element is an index into a table, mostly a valid one.
func (f *body) element(n, depth int) {
	f.expr(wasm.I32, depth)
	if !f.seldom(10) {
		f.i32(int64(max(1, f.tables[n].min)))
		f.op(wasm.OpI32RemU)
	}
}

// target is an index of table 0 where a function of a type is, mostly.
func (f *body) target(type_, depth int) (table int, ok bool) {
	start := f.r.IntN(len(f.tables))
	for i := range f.tables {
		n := (start + i) % len(f.tables)
		if f.chance(3) {
			n = 0
		}
		for at, k := range f.tables[n].holds {
			if f.funcs[k] == type_ {
				f.i32(int64(at))
				if f.chance(4) { // the constant is not to be seen
					f.expr(wasm.I32, depth)
					f.i32(0)
					f.op(wasm.OpI32And)
					f.op(wasm.OpI32Or)
				}
				return n, true
			}
		}
	}
	if !f.seldom(4) && !f.chance(50) {
		return 0, false
	}
	f.element(0, depth)
	return 0, true
}

// invoke calls a function directly, or by a table one of its type.
func (f *body) invoke(k, depth int) {
	if f.chance(3) {
		if table, ok := f.target(f.funcs[k], depth); ok {
			f.index(wasm.OpCallIndirect, f.funcs[k])
			f.code.u(uint64(table))
			return
		}
	}
	f.index(wasm.OpCall, k)
}

// written picks a table to be changed: rarely the first one, where most calls look.
func (f *body) written() int {
	if len(f.tables) > 1 && !f.chance(10) {
		return 1 + f.r.IntN(len(f.tables)-1)
	}
	if len(f.tables) == 1 && !f.seldom(3) && !f.chance(8) {
		return -1
	}
	return 0
}

// change makes an instruction that changes a table.
func (f *body) change(depth int) {
	n := f.written()
	if n < 0 || f.inPlain {
		return
	}
	t := f.tables[n]
	switch f.r.IntN(6) {
	case 0, 1:
		if t.min > 0 {
			f.element(n, depth)
			f.expr(t.elem, depth)
			f.index(wasm.OpTableSet, n)
		}
	case 2:
		f.place(t.min/2+1, depth)
		f.expr(t.elem, depth)
		f.place(t.min/2+1, depth)
		f.index(wasm.OpTableFill, n)
	case 3:
		from := f.tableOf(t.elem)
		if from < 0 {
			return
		}
		half := min(t.min, f.tables[from].min)/2 + 1
		f.place(half, depth)
		f.place(half, depth)
		f.place(half, depth)
		f.index(wasm.OpTableCopy, n)
		f.code.u(uint64(from))
	default:
		f.initTable(n, depth)
	}
}

// initTable makes an instruction on a passive element segment.
func (f *body) initTable(n, depth int) {
	if len(f.elems) == 0 {
		return
	}
	k := f.r.IntN(len(f.elems))
	switch {
	case f.chance(8):
		f.index(wasm.OpElemDrop, k+1)
		return
	case f.elems[k].elem != f.tables[n].elem:
		return
	}
	few := min(f.tables[n].min, f.elems[k].n)
	if f.seldom(6) || f.chance(20) { // it may have been dropped
		f.place(f.tables[n].min+1, depth)
		f.place(f.elems[k].n+1, depth)
		f.place(few+1, depth)
	} else {
		f.i32(0)
		f.i32(0)
		f.i32(int64(pick(f.r, []int{0, 0, few})))
	}
	f.index(wasm.OpTableInit, k+1)
	f.code.u(uint64(n))
}

// size makes an i32 that tells something of the instance, or makes it grow.
func (f *body) size(depth int) {
	n := f.r.IntN(len(f.tables))
	switch choice := f.r.IntN(8); {
	case choice == 0 && !f.inPlain:
		f.expr(wasm.I32, depth)
		if !f.chance(10) {
			f.i32(3)
			f.op(wasm.OpI32And)
		}
		f.op(wasm.OpMemoryGrow)
		f.code.put(0)
	case choice == 1 && !f.inPlain:
		f.index(wasm.OpTableSize, n)
	case choice == 2 && !f.inPlain:
		f.expr(f.tables[n].elem, depth)
		f.i32(int64(f.r.IntN(3)))
		f.index(wasm.OpTableGrow, n)
	case choice == 3 && f.features.Atomics && !f.inPlain && f.pages > 0:
		f.wait(depth)
	case choice < 6:
		f.expr(pick(f.r, []wasm.ValType{wasm.FuncRef, wasm.ExternRef}), depth)
		f.op(wasm.OpRefIsNull)
	default:
		f.op(wasm.OpMemorySize)
		f.code.put(0)
	}
}

// wait makes a notify, a fence, or a wait that is over at once: others do not run.
func (f *body) wait(depth int) {
	info := pick(f.r, []wasm.Opcode{wasm.OpMemoryAtomicNotify, wasm.OpMemoryAtomicWait32, wasm.OpMemoryAtomicWait64}).Info()
	if f.chance(4) {
		f.op(wasm.OpAtomicFence)
		f.code.put(0)
	}
	if !f.shared && !f.wild { // wait traps
		info = wasm.OpMemoryAtomicNotify.Info()
	}
	f.address(info, depth)
	f.expr(info.Params[1], depth)
	if len(info.Params) == 3 {
		f.code.op(wasm.OpI64Const)
		f.code.s(int64(f.r.IntN(1000)))
	}
	f.op(info.Op)
	f.immediate(info)
}
