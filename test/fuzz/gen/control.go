package gen

import "vkernel/internal/wasm"

// block makes a block that gives a value; code in it may branch to its end.
func (f *body) block(t wasm.ValType, depth int) {
	types := []wasm.ValType{t}
	op, branch := wasm.OpBlock, types
	if f.chance(3) && !f.inPlain {
		op, branch = wasm.OpLoop, nil
	}
	f.open(op, funcType{results: types}, label{types: branch})
	if op == wasm.OpLoop {
		f.burn()
	}
	for f.r.IntN(3) != 0 {
		f.statement(depth)
	}
	f.expr(t, depth)
	if op == wasm.OpBlock && f.chance(2) { // the value goes on either way
		f.expr(wasm.I32, depth)
		f.index(wasm.OpBrIf, 0)
	}
	f.close()
}

// choice makes an if with both arms.
func (f *body) choice(t wasm.ValType, depth int) {
	f.expr(wasm.I32, depth)
	f.open(wasm.OpIf, funcType{results: []wasm.ValType{t}}, label{types: []wasm.ValType{t}})
	f.expr(t, depth)
	f.op(wasm.OpElse)
	if f.chance(6) {
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
	if t.IsRef() || f.chance(2) {
		f.op(wasm.OpSelectT)
		f.code.put(1, byte(t))
		return
	}
	f.op(wasm.OpSelect)
}

// leave makes code that does not go on: a branch with the values of its label, a return, a tail
// call, an exception or a trap.
func (f *body) leave(depth int) {
	switch f.r.IntN(8) {
	case 0:
		f.exprs(f.type_.results, depth)
		f.leavePlain(0)
		f.op(wasm.OpReturn)
	case 1:
		if f.seldom(4) || f.chance(8) {
			f.op(wasm.OpUnreachable)
			return
		}
		f.branch(depth)
	case 2:
		if f.features.TailCalls && !f.inPlain && f.tailCall(depth) {
			return
		}
		f.branch(depth)
	case 3, 4:
		if f.throws && !f.inPlain && f.throw(depth) {
			return
		}
		f.branch(depth)
	default:
		f.branch(depth)
	}
}

// branch goes to a label.
func (f *body) branch(depth int) {
	var to []int
	for i, l := range f.labels {
		if !l.hidden {
			to = append(to, i)
		}
	}
	n := pick(f.r, to)
	f.exprs(f.labels[n].types, depth)
	f.leavePlain(n)
	f.index(wasm.OpBr, f.depthOf(n))
}

// depthOf is how an instruction names a label.
func (f *body) depthOf(n int) int { return len(f.labels) - 1 - n }

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
		if f.chance(2) {
			if table, ok := f.target(f.funcs[k], depth); ok {
				f.index(wasm.OpReturnCallIndirect, f.funcs[k])
				f.code.u(uint64(table))
				return true
			}
		}
		f.index(wasm.OpReturnCall, k)
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

// call makes a call of a function whose results begin with t, and drops the other results.
func (f *body) call(t wasm.ValType, depth int) {
	start := f.r.IntN(len(f.funcs))
	for i := range f.funcs {
		k := (start + i) % len(f.funcs)
		ft := f.types[f.funcs[k]]
		if len(ft.results) == 0 || ft.results[0] != t || f.inPlain {
			continue
		}
		f.exprs(ft.params, depth)
		f.invoke(k, depth)
		f.consume(ft.results[1:])
		return
	}
	f.leaf(t)
}
