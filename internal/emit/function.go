package emit

import (
	"fmt"
	"strconv"

	"vkernel/internal/wasm"
)

// function is one function under translation.
type function struct {
	p      *program
	index  uint32
	typ    wasm.FuncType
	locals []wasm.ValType
	scan   *funcScan
	refs   refs

	text    []byte // statements
	vars    []byte // declarations of block results and loop parameters
	stack   []operand
	lazy    map[uint32]int // how many operands in the window are each local
	frames  []frame
	temps   uint32
	vectors map[uint32]bool // temporaries that are constants
	labels  uint32
	dead    bool
	plain   bool // in a plain loop
	bound   Bound
	sets    []uint32 // locals, in the order in which they were set; nil if nobody asks
	nested  int      // blocks that were opened in dead code
	leaves  bool     // with an exception: the label X is needed
	loops   int      // that are open
	sums    sums     // addresses
}

// refs are the functions that a file names.
type refs struct{ funcs map[uint32]bool }

// lazyWindow is how many operands from the top may be locals that were not copied; it
// bounds the search when a local is set.
const lazyWindow = 64

// Bounds of the C of one function: so much per byte of its body, and a start.
const (
	textPerByte = 200
	textStart   = 64 << 10
	localText   = 40 // of the declaration of a local
	maxLocals   = 50000
)

// emitFunc appends the C of defined function i to b.
func (p *program) emitFunc(b []byte, i int, refs refs) (text []byte, err error) {
	f := &function{p: p, index: p.m.NumImportedFuncs() + uint32(i), scan: &p.scan[i], refs: refs, lazy: map[uint32]int{}}
	f.bound = p.opts.Bounded[f.index]
	f.typ, _ = p.m.FuncTypeOf(f.index)
	if len(f.typ.Results) > maxResults {
		return nil, fmt.Errorf("function %d: %d results, at most %d are supported", f.index, len(f.typ.Results), maxResults)
	}
	if err := f.body(p.m.BodyReader(i), &p.m.Funcs[i]); err != nil {
		return nil, fmt.Errorf("function %d: %w", f.index, err)
	}
	form := "EA_BOUND"
	if f.scan.setjmp {
		form = "EA_FRESH"
	}
	if f.scan.setjmp || f.bound >= BoundAll {
		b = append(append(b, "#undef EA\n#define EA "...), form...)
		b = append(b, '\n')
		defer func() { text = append(text, "#undef EA\n#define EA EA_PLAIN\n"...) }()
	}
	b = p.appendPrototype(b, f.index, " l")
	b = append(b, " {\n"...)
	b = p.appendTaken(b, f.typ, " l")
	b = f.appendLocals(b)
	b = append(b, f.vars...)
	b = append(b, f.text...)
	b = f.appendEscape(b)
	return append(b, "}\n"...), nil
}

// body translates all instructions.
func (f *function) body(r *wasm.Reader, fn *wasm.Func) error {
	f.locals = append(f.locals, f.typ.Params...)
	for _, run := range fn.Locals {
		if uint64(len(f.locals))+uint64(run.Count) > maxLocals {
			return fmt.Errorf("more than %d locals", maxLocals)
		}
		for range run.Count {
			f.locals = append(f.locals, run.Type)
		}
	}
	f.frames = append(f.frames, frame{op: wasm.OpCall, results: f.typ.Results, catches: catches{around: -1}})
	limit := textStart + textPerByte*len(fn.Body)
	for !r.Done() {
		in, err := r.Next()
		if err != nil {
			return err
		}
		if err := f.instr(&in); err != nil {
			return fmt.Errorf("offset %#x: %v: %w", in.Offset, in.Op, err)
		}
		if len(f.text)+len(f.vars)+localText*len(f.locals) > limit {
			return fmt.Errorf("a body of %d bytes expands to more than %d bytes of C", len(fn.Body), limit)
		}
	}
	return nil
}

// getLocal pushes a local.
//
// A frame that calls setjmp may be entered again with locals that were set since. That their
// values are old or new is no matter, but clang must not take one for the value that it
// checked before: a range that it has seen, an index of a table or a br_table, would then
// not be checked again. So each read of a local is something new to clang, and so checked;
// temporaries are used once. Volatile locals would do that too, but then clang has been seen
// to put their addresses into registers, where a fork finds those of its parent.
//
// A temporary that stays on the operand stack over a call of setjmp is as bad where clang knows
// its range from how it was computed, such as an i64 that was extended from an i32: clang may give
// it the place in the frame of a local, which is set before control comes back. In a loop
// the place is written again, and then the verifier refuses the function. So addresses, indices
// of br_table and arguments, whose callees may be inlined, are new to clang too.
func (f *function) getLocal(n uint32) {
	l := operand{kind: opLocal, typ: f.locals[n], n: n}
	if !f.scan.setjmp {
		f.push(l)
		return
	}
	f.emit(f.temp(l.typ), l.fresh(), ";")
}

// used is the text of an operand whose range must not be taken for granted after setjmp.
func (f *function) used(o operand) string {
	if !f.scan.setjmp || o.kind == opConst {
		return o.hidden()
	}
	return o.fresh()
}

// appendLocals declares the locals that are not parameters, and what a frame that calls
// setjmp keeps.
func (f *function) appendLocals(b []byte) []byte {
	for i := len(f.typ.Params); i < len(f.locals); i++ {
		t := f.locals[i]
		b = append(append(append(b, "  "...), cType(t)...), " l"...)
		b = strconv.AppendUint(b, uint64(i), 10)
		switch t {
		case wasm.V128:
			b = append(b, " = {0};\n"...)
		case wasm.F32, wasm.F64:
			b = append(append(append(b, " = "...), operand{typ: t}.hidden()...), ";\n"...)
		default:
			b = append(b, " = 0;\n"...)
		}
	}
	if f.scan.setjmp {
		b = append(b, "  u32 records = AT(u32, VK_RECORDS);\n"...)
	}
	return b
}

// Statements are built from strings, operands and numbers.
func (f *function) emit(parts ...any) {
	b := append(f.text, "  "...)
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			b = append(b, v...)
		case operand:
			b = v.appendTo(b)
		case uint32:
			b = strconv.AppendUint(b, uint64(v), 10)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		default:
			panic("emit: no such part of a statement")
		}
	}
	f.text = append(b, '\n')
}

// push puts an operand on the stack, and copies a local that falls out of the window.
func (f *function) push(o operand) {
	f.stack = append(f.stack, o)
	if o.kind == opLocal {
		f.lazy[o.n]++
	}
	if old := len(f.stack) - 1 - lazyWindow; old >= 0 {
		f.settle(old)
	}
}

func (f *function) pop() operand {
	o := f.stack[len(f.stack)-1]
	f.stack = f.stack[:len(f.stack)-1]
	if o.kind == opLocal {
		f.lazy[o.n]--
	}
	return o
}

// popN pops the operands of types n, in order.
func (f *function) popN(n int) []operand {
	list := make([]operand, n)
	for i := n - 1; i >= 0; i-- {
		list[i] = f.pop()
	}
	return list
}

// cut drops operands above height.
func (f *function) cut(height int) {
	for len(f.stack) > height {
		f.pop()
	}
}

// temp makes a new temporary, pushes it and returns the start of its definition.
func (f *function) temp(t wasm.ValType) (def string) {
	f.temps++
	f.push(operand{kind: opTemp, typ: t, n: f.temps})
	return cType(t) + " t" + strconv.FormatUint(uint64(f.temps), 10) + " = "
}

// settle copies stack entry i to a temporary if it is a local.
func (f *function) settle(i int) {
	o := f.stack[i]
	if o.kind != opLocal {
		return
	}
	f.temps++
	f.stack[i] = operand{kind: opTemp, typ: o.typ, n: f.temps}
	f.lazy[o.n]--
	f.emit(cType(o.typ), " ", f.stack[i], " = ", o, ";")
}

// settleAll copies all locals on the stack: control may go elsewhere from here.
func (f *function) settleAll() {
	for i := max(0, len(f.stack)-lazyWindow-1); i < len(f.stack); i++ {
		f.settle(i)
	}
}

// setLocal emits the assignment to a local.
func (f *function) setLocal(n uint32, v operand) {
	for i := len(f.stack) - 1; i >= 0 && f.lazy[n] > 0; i-- {
		if o := f.stack[i]; o.kind == opLocal && o.n == n {
			f.settle(i)
		}
	}
	if v.kind == opLocal && v.n == n {
		return
	}
	f.emit("l", n, " = ", v.hidden(), ";")
	f.sums.set(n, v)
	if f.loops > 0 {
		f.sets = append(f.sets, n)
	}
	if f.scan.unread[n] {
		f.keep(v)
	}
}

// keep makes sure that what computes v is not optimised away: it may trap.
func (f *function) keep(v operand) {
	switch {
	case v.kind == opConst || v.kind == opLocal:
	case v.typ == wasm.F32 || v.typ == wasm.F64 || v.typ == wasm.V128:
		f.emit("KEEP_F(", v, ");")
	default:
		f.emit("KEEP_I(", v, ");")
	}
}
