package emit

import (
	"fmt"
	"strconv"

	"vkernel/internal/wasm"
)

// frame is an open block, loop, if, try, or the function itself (op OpCall). A try in one of its
// arms has the op of the arm.
type frame struct {
	op       wasm.Opcode
	id       uint32
	params   []wasm.ValType
	results  []wasm.ValType
	height   int       // of the stack below the parameters
	targeted bool      // the label at its end is needed (loop: the place where it goes round)
	back     *backEdge // loop: the one jump back so far, if it is a br_if
	plain    bool      // loop: nothing happens at its jumps back, see loop.go
	threaded bool      // loop: of an interpreter, see brTable
	sets     int       // loop: the length of function.sets when it began
	head     int       // loop: where its text begins
	hasElse  bool      //
	atElse   []operand // if: the parameters, for the other arm
	catches
}

// control translates structured control and calls; done is false for other instructions.
func (f *function) control(in *wasm.Instr) (done bool, err error) {
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTry, wasm.OpTryTable:
		return true, f.open(in)
	case wasm.OpElse:
		f.elseArm()
	case wasm.OpEnd:
		f.end()
	case wasm.OpBr:
		f.branch(in.Index, "")
		f.dead = true
	case wasm.OpBrIf:
		c := f.pop()
		f.branchIf(c, in.Index)
	case wasm.OpBrTable:
		f.brTable(in.Targets)
	case wasm.OpReturn:
		f.ret("")
		f.dead = true
	case wasm.OpUnreachable:
		f.emit("vk_trap_unreachable();")
		f.dead = true
	case wasm.OpCall, wasm.OpCallIndirect:
		return true, f.call(in)
	case wasm.OpReturnCall, wasm.OpReturnCallIndirect:
		return true, f.tailCall(in)
	default:
		return f.exception(in), nil
	}
	return true, nil
}

// skip passes over code that is never reached, up to the else or end that ends it.
func (f *function) skip(in *wasm.Instr) error {
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTry, wasm.OpTryTable:
		f.nested++
	case wasm.OpElse:
		if f.nested == 0 {
			f.elseArm()
		}
	case wasm.OpCatch, wasm.OpCatchAll:
		if f.nested == 0 {
			f.arm(in)
		}
	case wasm.OpDelegate:
		if f.nested == 0 {
			f.delegate(in.Index)
		} else {
			f.nested--
		}
	case wasm.OpEnd:
		if f.nested == 0 {
			f.end()
		} else {
			f.nested--
		}
	}
	return nil
}

// maxLoops is how deep loops may nest: clang takes two minutes for 1,000, and more than 9 GB
// for 20,000.
const maxLoops = 250

// open begins a block, a loop or an if.
func (f *function) open(in *wasm.Instr) error {
	t, _ := f.p.m.BlockFuncType(in.Block)
	var cond operand
	if in.Op == wasm.OpIf {
		cond = f.pop()
	}
	f.settleAll()
	f.sums.forget()
	f.labels++
	fr := frame{op: in.Op, id: f.labels, params: t.Params, results: t.Results, height: len(f.stack) - len(t.Params)}
	fr.around = f.tryAround(len(f.frames) - 1)
	switch in.Op {
	case wasm.OpLoop:
		if f.loops++; f.loops > maxLoops {
			return fmt.Errorf("loops nest deeper than %d", maxLoops)
		}
		f.declare(opParam, fr.id, fr.params)
		args := f.popN(len(fr.params))
		f.assign(opParam, fr.id, args, "")
		f.pushAll(opParam, fr.id, fr.params)
		if f.plain = f.scan.plain[in.Offset]; f.plain {
			f.emit("OBSERVE;")
		}
		fr.plain, fr.sets = f.plain && f.bound < BoundLoops, len(f.sets)
		f.emit("L", fr.id, ":;")
		fr.head = len(f.text)
	case wasm.OpIf:
		f.declare(opResult, fr.id, fr.results)
		fr.atElse = append(fr.atElse, f.stack[fr.height:]...)
		f.emit("if (!", cond, ") goto E", fr.id, ";")
	case wasm.OpTryTable:
		f.declare(opResult, fr.id, fr.results)
		fr.clauses = append(fr.clauses, in.Catches...)
	default:
		f.declare(opResult, fr.id, fr.results)
	}
	f.frames = append(f.frames, fr)
	return nil
}

// declare declares the variables of a block's results or a loop's parameters.
func (f *function) declare(kind operandKind, id uint32, types []wasm.ValType) {
	for k, t := range types {
		b := append(append(append(f.vars, "  "...), cType(t)...), ' ')
		f.vars = append(operand{kind: kind, n: id, k: uint32(k)}.appendTo(b), ";\n"...)
	}
}

func (f *function) pushAll(kind operandKind, id uint32, types []wasm.ValType) {
	for k, t := range types {
		f.push(operand{kind: kind, typ: t, n: id, k: uint32(k)})
	}
}

// assign sets a block's variables. A loop's parameters may be among the values: all are
// read before any is set.
func (f *function) assign(kind operandKind, id uint32, values []operand, indent string) {
	if kind == opParam && len(values) > 1 {
		for k, v := range values {
			f.temps++
			t := operand{kind: opTemp, typ: v.typ, n: f.temps}
			f.emit(indent, cType(v.typ), " ", t, " = ", v, ";")
			values[k] = t
		}
	}
	for k, v := range values {
		dst := operand{kind: kind, n: id, k: uint32(k)}
		if v.kind != kind || v.n != id || v.k != uint32(k) {
			f.emit(indent, dst, " = ", v.hidden(), ";")
		}
	}
}

// top returns a copy of the n operands on top of the stack.
func (f *function) top(n int) []operand {
	return append([]operand(nil), f.stack[len(f.stack)-n:]...)
}

// branch emits the jump to the label at a depth, which takes its values along.
func (f *function) branch(depth uint32, indent string) {
	fr := &f.frames[len(f.frames)-1-int(depth)]
	switch fr.op {
	case wasm.OpCall:
		f.ret(indent)
	case wasm.OpLoop:
		f.assign(opParam, fr.id, f.top(len(fr.params)), indent)
		if fr.plain {
			f.emit(indent, "goto L", fr.id, ";")
		} else {
			fr.targeted, fr.back = true, nil
			f.emit(indent, "goto C", fr.id, ";")
		}
	default:
		fr.targeted = true
		f.assign(opResult, fr.id, f.top(len(fr.results)), indent)
		f.emit(indent, "goto L", fr.id, ";")
	}
}

// leastThreaded is how many places a br_table in a loop may lead to before it becomes a jump whose index
// is bounded without a branch. Where the loop is an interpreter's, clang then makes a copy of the jump at the
// end of each of the places, so that each is predicted by itself and there is one jump instead of two. It makes no
// copies of much; so nothing is hidden from clang in such a loop, unless the verifier refuses the function. If it refuses
// that too, as where it loses sight of the bound, the br_table is a switch.
const leastThreaded = 6

// brTable emits a switch. Indices that go to one label share a case.
func (f *function) brTable(targets []uint32) {
	index := f.pop()
	last := len(targets) - 1
	cases := map[uint32][]byte{}
	var order []uint32
	for i, t := range targets {
		if cases[t] == nil {
			order = append(order, t)
		}
		if i < last {
			cases[t] = append(strconv.AppendInt(append(cases[t], "case "...), int64(i), 10), "u: "...)
		}
	}
	if f.loops > 0 && len(order) >= leastThreaded && f.bound < BoundAll {
		f.innermostLoop().threaded = true
		f.emit("switch (BOUNDED(", f.used(index), ", ", uint32(last), "u)) {")
		f.emit("default: __builtin_unreachable();")
		cases[targets[last]] = append(cases[targets[last]], "case "+strconv.Itoa(last)+"u: NOT_LAST;"...)
	} else {
		if f.bound > BoundOuter { // clang may know more of the index, as what a callee returns, and leave out the comparison
			f.emit("switch (({ u32 vk_i = ", f.used(index), "; HIDE(vk_i); vk_i; })) {")
		} else {
			f.emit("switch (", f.used(index), ") {")
		}
		cases[targets[last]] = []byte("default: ")
	}
	for _, t := range order {
		f.emit(string(cases[t]), "{")
		f.branch(t, "  ")
		f.emit("}")
	}
	f.emit("}")
	f.dead = true
}

// innermostLoop is the frame of the innermost loop; there is one.
func (f *function) innermostLoop() *frame {
	i := len(f.frames) - 1
	for f.frames[i].op != wasm.OpLoop {
		i--
	}
	return &f.frames[i]
}

// elseArm ends the first arm of an if and begins the second.
func (f *function) elseArm() {
	fr := &f.frames[len(f.frames)-1]
	if !f.dead {
		f.assign(opResult, fr.id, f.top(len(fr.results)), "")
		f.emit("goto L", fr.id, ";")
		fr.targeted = true
	}
	fr.hasElse = true
	f.dead = false
	f.sums.forget()
	f.emit("E", fr.id, ":;")
	f.cut(fr.height)
	for _, o := range fr.atElse {
		f.push(o)
	}
}

// end closes the innermost block.
func (f *function) end() {
	fr := f.frames[len(f.frames)-1]
	f.sums.forget()
	switch {
	case fr.op == wasm.OpIf && !fr.hasElse:
		f.elseArm() // an empty one: it passes the parameters on
		fr = f.frames[len(f.frames)-1]
	case fr.op == wasm.OpCall:
		if !f.dead {
			f.ret("")
		}
	}
	f.frames = f.frames[:len(f.frames)-1]
	if fr.thrown && fr.op != wasm.OpCatchAll {
		f.landing(&fr)
	}
	if fr.op == wasm.OpLoop {
		f.loops--
		f.plain = false // plain loops hold no others
		if fr.targeted {
			f.jumpBack(&fr)
		}
	}
	if fr.op == wasm.OpLoop || fr.op == wasm.OpCall || !fr.targeted {
		if f.dead {
			f.cut(fr.height)
		}
		return // straight on: the values stay as they are
	}
	if !f.dead {
		f.assign(opResult, fr.id, f.top(len(fr.results)), "")
	}
	f.cut(fr.height)
	f.emit("L", fr.id, ":;")
	f.pushAll(opResult, fr.id, fr.results)
	f.dead = false
}

// ret emits a return of the values on the stack. A frame that called setjmp takes its
// records with it.
func (f *function) ret(indent string) {
	values := f.top(len(f.typ.Results))
	if f.scan.setjmp {
		f.emit(indent, "AT(u32, VK_RECORDS) = records;")
	}
	for k := 1; k < len(values); k++ {
		f.emit(indent, "RESULT(", resultType(values[k].typ), ", ", uint32(k), ") = ", values[k], ";")
	}
	if len(values) == 0 {
		f.emit(indent, "return;")
	} else {
		f.emit(indent, "return ", values[0].hidden(), ";")
	}
}

// resultType is the type that a result is stored with: an i32 fills its word.
func resultType(t wasm.ValType) string {
	if t == wasm.I32 {
		return "u64"
	}
	return cType(t)
}
