package emit

import (
	"strconv"

	"vkernel/internal/wasm"
)

// Exceptions are checks after calls. A throw stores the values of the exception in the words
// of results and the identity of its tag in Thrown, and goes on at the handler: the innermost
// try around it whose body it is in, or the label X, which returns from the function, with any
// value. After each call that may throw (throws.go) the caller looks at Thrown and goes to its
// own handler. So an exception leaves frames by returning from them, and what a frame has to
// do at its end, such as giving up its records of setjmp, it does in one place.
//
// At a handler, label H, the arms compare Thrown with their tags one after another and go on
// to the next handler if none fits. The arm that fits takes the values and makes Thrown 0.

// catches is what a frame knows of exceptions; all but around is of a try.
type catches struct {
	around  int          // tryAround of the frame that it is in
	thrown  bool         // something goes to its handler: the label H is needed
	arms    uint32       // so far
	clauses []wasm.Catch // try_table
	tag     uint32       // of the arm, 0 in catch_all: then it is in g<id>
	caught  []operand    // the values that the arm has
}

// exception translates what is not a block; done is false for other instructions.
func (f *function) exception(in *wasm.Instr) (done bool) {
	switch in.Op {
	case wasm.OpCatch, wasm.OpCatchAll:
		f.arm(in)
	case wasm.OpDelegate:
		f.delegate(in.Index)
	case wasm.OpThrow:
		t, _ := f.p.m.TagTypeOf(in.Index)
		f.throw(f.p.tags[in.Index], f.popN(len(t.Params)))
	case wasm.OpRethrow:
		fr := &f.frames[len(f.frames)-1-int(in.Index)]
		f.throw(fr.tag, fr.caught)
	case wasm.OpThrowRef:
		f.emit("exception_load(", f.pop(), ");")
		f.toHandler()
	default:
		return false
	}
	return true
}

// throw stores an exception. A tag of 0 is that of a catch_all, which is the first of values.
func (f *function) throw(tag uint32, values []operand) {
	if tag == 0 {
		f.emit("THROWN = ", values[0], ";")
		values = values[1:]
	} else {
		f.emit("THROWN = ", tag, ";")
	}
	for k, v := range values {
		f.emit("RESULT(", resultType(v.typ), ", ", uint32(k), ") = ", v, ";")
	}
	f.toHandler()
}

// toHandler goes to the innermost handler.
func (f *function) toHandler() {
	f.emit("goto ", f.handler(len(f.frames)-1), ";")
	f.dead = true
}

// handler is the label of the innermost handler of code in frame i.
func (f *function) handler(i int) string {
	if i = f.tryAround(i); i < 0 {
		f.leaves = true
		return "X"
	}
	f.frames[i].thrown = true
	return "H" + strconv.FormatUint(uint64(f.frames[i].id), 10)
}

// tryAround is the innermost frame, from i outwards, that is the body of a try; -1 if none is.
func (f *function) tryAround(i int) int {
	if op := f.frames[i].op; op == wasm.OpTry || op == wasm.OpTryTable {
		return i
	}
	return f.frames[i].around
}

// check follows a call.
func (f *function) check(in *wasm.Instr) {
	if f.p.mayThrow(in) {
		f.emit("if (IS_THROWN) goto ", f.handler(len(f.frames)-1), ";")
	}
}

// appendEscape is where exceptions leave the function. A frame that called setjmp takes its
// records with it.
func (f *function) appendEscape(b []byte) []byte {
	if !f.leaves {
		return b
	}
	b = append(b, "X:;\n"...)
	if f.scan.setjmp {
		b = append(b, "  AT(u32, VK_RECORDS) = records;\n"...)
	}
	switch {
	case len(f.typ.Results) == 0:
		return append(b, "  return;\n"...)
	case f.typ.Results[0] == wasm.V128:
		return append(b, "  return (v128){0};\n"...)
	}
	return append(b, "  return 0;\n"...)
}

// leaveArm ends the body or an arm of a try: on to the end.
func (f *function) leaveArm(fr *frame) {
	if !f.dead {
		f.assign(opResult, fr.id, f.top(len(fr.results)), "")
		f.emit("goto L", fr.id, ";")
		fr.targeted = true
	}
	f.cut(fr.height)
}

// arm begins catch or catch_all.
func (f *function) arm(in *wasm.Instr) {
	fr := &f.frames[len(f.frames)-1]
	f.leaveArm(fr)
	if fr.op == wasm.OpTry && fr.thrown {
		f.emit("H", fr.id, ":;")
	} else if fr.thrown {
		f.emit("N", fr.id, "_", fr.arms, ":;")
	}
	fr.op, fr.arms = in.Op, fr.arms+1
	if f.dead = !fr.thrown; f.dead {
		return
	}
	var types []wasm.ValType
	fr.tag, fr.caught = 0, nil
	if in.Op == wasm.OpCatch {
		fr.tag = f.p.tags[in.Index]
		f.emit("if (THROWN != ", fr.tag, ") goto N", fr.id, "_", fr.arms, ";")
		t, _ := f.p.m.TagTypeOf(in.Index)
		types = t.Params
	}
	f.take(types)
	if in.Op == wasm.OpCatch {
		fr.caught = f.top(len(types))
	} else if f.scan.rethrow {
		fr.caught = f.takeAny()
	}
	f.emit("THROWN = 0;")
}

// take pushes the values of the exception.
func (f *function) take(types []wasm.ValType) {
	for k, t := range types {
		f.emit(f.temp(t), "RESULT(", cType(t), ", ", uint32(k), ");")
	}
}

// takeAny copies an exception of any tag: its identity and as many values as there can be.
func (f *function) takeAny() []operand {
	f.emit(f.temp(wasm.I32), "THROWN;")
	for k := range f.p.payload {
		f.emit(f.temp(wasm.V128), "RESULT(v128, ", uint32(k), ");")
	}
	return f.popN(1 + f.p.payload)
}

// delegate ends a try whose exceptions go to the handler of the frame at a depth.
func (f *function) delegate(depth uint32) {
	fr := &f.frames[len(f.frames)-1]
	if fr.thrown {
		f.leaveArm(fr)
		f.emit("H", fr.id, ":;")
		f.emit("goto ", f.handler(len(f.frames)-2-int(depth)), ";")
		f.dead = true
	}
	fr.op, fr.thrown = wasm.OpBlock, false
	f.end()
}

// landing is the handler of a try_table, or the way on to the next handler if no arm fits.
// The frame has been closed already.
func (f *function) landing(fr *frame) {
	f.leaveArm(fr)
	if fr.op == wasm.OpCatch {
		f.emit("N", fr.id, "_", fr.arms, ":;")
	} else {
		f.emit("H", fr.id, ":;")
	}
	f.dead = true
	for _, c := range fr.clauses {
		f.clause(c)
		if c.Kind.All() {
			return
		}
	}
	f.toHandler()
}

// clause takes an exception that fits a clause to its label.
func (f *function) clause(c wasm.Catch) {
	height := len(f.stack)
	values := f.p.payload
	if c.Kind.All() {
		f.emit("{")
	} else {
		f.emit("if (THROWN == ", f.p.tags[c.Tag], ") {")
		t, _ := f.p.m.TagTypeOf(c.Tag)
		f.take(t.Params)
		values = len(t.Params)
	}
	if c.Kind.Ref() {
		f.emit(f.temp(wasm.ExnRef), "exception_save(", uint32(values), ");")
	}
	f.emit("THROWN = 0;")
	f.branch(c.Label, "")
	f.emit("}")
	f.cut(height)
}
