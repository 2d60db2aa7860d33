package gen

import "vkernel/internal/wasm"

// block makes a block that gives a value; code in it may branch to its end.
func (f *body) block(t wasm.ValType, depth int) {
	types := []wasm.ValType{t}
	op, branch := wasm.OpBlock, types
	if f.r.IntN(3) == 0 {
		op, branch = wasm.OpLoop, nil
	}
	f.open(op, types, branch)
	if op == wasm.OpLoop {
		f.burn()
	}
	for f.r.IntN(3) != 0 {
		f.statement(depth)
	}
	f.expr(t, depth)
	if op == wasm.OpBlock && f.r.IntN(2) == 0 { // the value goes on either way
		f.expr(wasm.I32, depth)
		f.index(wasm.OpBrIf, 0)
	}
	f.close()
}

// choice makes an if with both arms.
func (f *body) choice(t wasm.ValType, depth int) {
	f.expr(wasm.I32, depth)
	f.open(wasm.OpIf, []wasm.ValType{t}, []wasm.ValType{t})
	f.expr(t, depth)
	f.code.op(wasm.OpElse)
	if f.r.IntN(6) == 0 {
		f.leave(depth)
	} else {
		f.expr(t, depth)
	}
	f.close()
}

func (f *body) selection(t wasm.ValType, depth int) {
	f.expr(t, depth)
	f.expr(t, depth)
	f.expr(wasm.I32, depth)
	f.code.op(wasm.OpSelect)
}

// leave makes code that does not go on: a branch with the values of its label, a return, a tail
// call or a trap.
func (f *body) leave(depth int) {
	switch f.r.IntN(8) {
	case 0:
		f.exprs(f.type_.results, depth)
		f.code.op(wasm.OpReturn)
	case 1:
		if f.r.IntN(4) != 0 {
			f.branch(depth)
			return
		}
		f.code.op(wasm.OpUnreachable)
	case 2:
		if f.features.TailCalls && f.tailCall(depth) {
			return
		}
		f.branch(depth)
	default:
		f.branch(depth)
	}
}

func (f *body) branch(depth int) {
	n := f.r.IntN(len(f.labels))
	f.exprs(f.labels[len(f.labels)-1-n], depth)
	f.index(wasm.OpBr, n)
}

// tailCall makes a tail call of a function with the same results, if there is one.
func (f *body) tailCall(depth int) bool {
	start := f.r.IntN(len(f.funcs))
	for i := range f.funcs {
		k := (start + i) % len(f.funcs)
		t := f.types[f.funcs[k]]
		if !sameTypes(t.results, f.type_.results) {
			continue
		}
		f.exprs(t.params, depth)
		if f.r.IntN(2) == 0 {
			f.index(wasm.OpReturnCall, k)
			return true
		}
		f.element(depth)
		f.index(wasm.OpReturnCallIndirect, f.funcs[k])
		f.code.put(0)
		return true
	}
	return false
}

func sameTypes(a, b []wasm.ValType) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// element is an index into the table, mostly a valid one.
func (f *body) element(depth int) {
	f.expr(wasm.I32, depth)
	if f.r.IntN(10) != 0 {
		f.code.op(wasm.OpI32Const)
		f.code.s(int64(f.table))
		f.code.op(wasm.OpI32RemU)
	}
}

// call makes a call of a function whose results begin with t, and drops the other results.
func (f *body) call(t wasm.ValType, depth int) {
	start := f.r.IntN(len(f.funcs))
	for i := range f.funcs {
		k := (start + i) % len(f.funcs)
		ft := f.types[f.funcs[k]]
		if len(ft.results) == 0 || ft.results[0] != t {
			continue
		}
		f.exprs(ft.params, depth)
		f.invoke(k, depth)
		for range ft.results[1:] {
			f.code.op(wasm.OpDrop)
		}
		return
	}
	f.leaf(t)
}

// invoke calls a function directly, or whatever of its type the table holds.
func (f *body) invoke(k, depth int) {
	if f.r.IntN(3) != 0 {
		f.index(wasm.OpCall, k)
		return
	}
	f.element(depth)
	f.index(wasm.OpCallIndirect, f.funcs[k])
	f.code.put(0)
}

// size asks for the size of memory or table, or for more memory.
func (f *body) size(depth int) {
	switch f.r.IntN(4) {
	case 0:
		f.expr(wasm.I32, depth)
		f.code.op(wasm.OpI32Const)
		f.code.s(3)
		f.code.op(wasm.OpI32And)
		f.code.op(wasm.OpMemoryGrow)
		f.code.put(0)
	case 1:
		f.code.op(wasm.OpTableSize)
		f.code.put(0)
	case 2:
		f.index(wasm.OpRefFunc, f.r.IntN(len(f.funcs)))
		f.code.op(wasm.OpI32Const)
		f.code.s(int64(f.r.IntN(3)))
		f.code.op(wasm.OpTableGrow)
		f.code.put(0)
	default:
		f.code.op(wasm.OpMemorySize)
		f.code.put(0)
	}
}
