package gen

import "vkernel/internal/wasm"

// plainLoop makes a loop that counts, with all its accesses at addresses that move with the
// counter.
func (f *body) plainLoop(depth int) {
	if f.inPlain || f.pages == 0 {
		return
	}
	step := pick(f.r, []int{1, 1, 2, 4, 8, 16, -1, -4, 3})
	turns := f.r.IntN(70)
	first := f.r.IntN(0x4000)
	if step < 0 {
		first += 70 * -step
	}
	counter := f.scratch + scratchCounter
	f.mark(1)
	f.i32(int64(first))
	f.index(wasm.OpLocalSet, counter)
	f.inPlain, f.outside = true, len(f.labels)
	f.open(wasm.OpLoop, funcType{}, label{hidden: true})
	for range 1 + f.r.IntN(4) {
		if f.chance(2) {
			f.effect(depth)
		} else {
			f.statement(depth)
		}
	}
	f.index(wasm.OpLocalGet, counter)
	f.i32(int64(step))
	f.op(wasm.OpI32Add)
	f.index(wasm.OpLocalTee, counter)
	f.i32(int64(first + (turns+1)*step))
	f.op(wasm.OpI32Ne)
	f.index(wasm.OpBrIf, 0)
	f.close()
	f.inPlain = false
	f.mark(0)
}

// mark sets the global that tells of plain loops.
func (f *body) mark(n int64) {
	f.i32(n)
	f.index(wasm.OpGlobalSet, f.plain)
}

// leavePlain ends a plain loop that a branch to a label leaves.
func (f *body) leavePlain(to int) {
	if f.inPlain && to < f.outside {
		f.mark(0)
	}
}

// plainAddress is the counter, or a multiple, and a constant; in a wild module at the end of
// memory, and maybe beyond it.
func (f *body) plainAddress() {
	f.index(wasm.OpLocalGet, f.scratch+scratchCounter)
	if f.chance(3) {
		f.i32(1)
		f.op(wasm.OpI32Shl)
	}
	switch {
	case f.wild:
		f.i32(int64(f.loose() + pick(f.r, []int{0, 0x1000, 0x3f00, 0x7f00})))
		f.op(wasm.OpI32Add)
	case f.chance(2):
		f.i32(int64(f.r.IntN(0x1000)))
		f.op(wasm.OpI32Add)
	}
}
