package emit

import (
	"bytes"
	"slices"

	"vkernel/internal/wasm"
)

// Bound says how much of a function is hidden from clang. Where clang can prove that the 32-bit
// addresses of a loop do not wrap, it counts with 64-bit pointers; the verifier of native code
// does not believe it, and sees no bounds.
type Bound uint8

const (
	// BoundOuter, the zero value: in loops that are not plain, clang does not know how a local
	// follows from what it was in the last iteration. So in each iteration addresses
	// are computed from 32-bit numbers, at no cost. In plain loops, the innermost ones, clang
	// may count; the verifier can follow a counter that ends at a constant.
	BoundOuter Bound = iota
	// BoundLoops is the same in plain loops.
	BoundLoops
	// BoundAll cuts each address to 32 bits, too: see EA_BOUND in runtime/vk.h.
	BoundAll
)

// maxFresh is how many locals are hidden at the jump back of a loop; if a loop sets more, none are.
const maxFresh = 64

// backEdge is a br_if to the start of a loop: where its text begins and ends.
type backEdge struct{ from, to int }

// branchIf emits a br_if.
func (f *function) branchIf(c operand, depth uint32) {
	fr := &f.frames[len(f.frames)-1-int(depth)]
	first := !fr.targeted
	from := len(f.text)
	f.emit("if (", c, ") {")
	f.branch(depth, "  ")
	f.emit("}")
	if fr.op == wasm.OpLoop && first {
		fr.back = &backEdge{from, len(f.text)}
	}
}

// jumpBack ends a loop: it writes where the jumps back to its start meet. If the only one is a
// br_if at the end, it stays one jump: what happens there happens before it.
func (f *function) jumpBack(fr *frame) {
	if e := fr.back; e != nil && e.to == len(f.text) && !f.dead {
		branch := bytes.Replace(f.text[e.from:], []byte("goto C"), []byte("goto L"), 1)
		f.text = append(append(f.text[:e.from], "  OBSERVE;\n"...), branch...)
	} else {
		f.emit("if (0) { C", fr.id, ": OBSERVE; goto L", fr.id, "; }")
	}
	if !fr.threaded || f.bound >= BoundLoops {
		f.hide(fr)
	}
}

// hide hides what a loop sets where it begins.
func (f *function) hide(fr *frame) {
	set := slices.Clone(f.sets[fr.sets:])
	slices.Sort(set)
	set = slices.Compact(set)
	if len(set)+len(fr.params) > maxFresh {
		return
	}
	rest := slices.Clone(f.text[fr.head:])
	f.text = f.text[:fr.head]
	for _, n := range set {
		if f.locals[n] == wasm.I32 {
			f.emit("HIDE(l", n, ");")
		}
	}
	for k, t := range fr.params {
		if t == wasm.I32 {
			f.emit("HIDE(", operand{kind: opParam, typ: t, n: fr.id, k: uint32(k)}, ");")
		}
	}
	f.text = append(f.text, rest...)
}
