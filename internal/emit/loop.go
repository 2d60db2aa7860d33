package emit

import "vkernel/internal/wasm"

// WebAssembly has no volatile. What is left of a loop that waits for a signal handler, or for
// another thread, is a load from one address again and again, which clang would move out of
// the loop. So memory is observed, read and written by others as far as clang knows, at:
//
//   - each jump back to the start of a loop that is not plain;
//   - the start of a plain loop, which keeps apart the stores before and after it;
//   - each direct call of the function itself or of one with a smaller index. Each circle of
//     calls has one, so none becomes a loop that lacks it when clang inlines.
//
// A loop is plain, and may be vectorised, if it contains no other loop, no call, no exception and nothing
// atomic, and the address of each of its loads and stores changes by a constant that is not 0
// from each iteration to the next, whichever way the iteration goes. Then no iteration looks at
// what another one looked at, so the loop cannot wait. It is not enough that an address is
// computed from a local that the loop sets on some way: clang makes an inner loop of the other
// ways. For the same reason all jumps back meet in one place (bound.go): clang then sees one loop.
//
// Stores outside of plain loops are volatile: each is made. Two loads in a row may be one: the
// program cannot tell that the signal did not come later.

// affine is a value in an iteration of a loop. All numbers are modulo 2^32, as addresses are.
type affine struct {
	is     affineKind
	local  uint32 // local: the value is what this one had at the beginning of the iteration,
	add    uint32 // and a constant; constant: that alone
	known  bool   // the value changes by stride each iteration
	stride uint32
}

type affineKind uint8

const (
	unknown affineKind = iota
	constant32
	ofLocal
)

// Bounds on a plain loop: the search must be cheap for any module.
const (
	maxPlain      = 1024 // instructions
	maxPlainDepth = 16
	maxBackEdges  = 8
)

// loopFinder is fed the instructions of a body in order and tells which loops are plain.
type loopFinder struct {
	m     *wasm.Module
	body  []wasm.Instr // of the innermost loop so far, if it may be plain
	open  bool         // there is such a loop
	depth int          // of blocks in it
	plain map[int]bool // by the offset of the instruction
}

func (l *loopFinder) next(in *wasm.Instr) {
	if in.Op == wasm.OpLoop {
		l.body, l.open, l.depth = append(l.body[:0], *in), true, 0
		return
	}
	if !l.open {
		return
	}
	switch in.Op {
	case wasm.OpBlock, wasm.OpIf:
		l.depth++
	case wasm.OpEnd:
		l.depth--
	}
	l.body = append(l.body, *in)
	if in.Op == wasm.OpBrTable {
		l.body[len(l.body)-1].Targets = append([]uint32(nil), in.Targets...)
	}
	l.open = len(l.body) <= maxPlain && l.depth <= maxPlainDepth && plainInstr(in)
	if l.open && l.depth < 0 {
		l.open = false
		if isPlain(l.m, l.body) {
			if l.plain == nil {
				l.plain = map[int]bool{}
			}
			l.plain[l.body[0].Offset] = true
		}
	}
}

// plainInstr says whether an instruction can be in a plain loop.
func plainInstr(in *wasm.Instr) bool {
	switch in.Op {
	case wasm.OpCall, wasm.OpCallIndirect, wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpMemoryGrow,
		wasm.OpTry, wasm.OpTryTable, wasm.OpThrow, wasm.OpRethrow, wasm.OpThrowRef:
		return false
	case wasm.OpI32TruncSatF32S, wasm.OpI32TruncSatF32U, wasm.OpI32TruncSatF64S, wasm.OpI32TruncSatF64U,
		wasm.OpI64TruncSatF32S, wasm.OpI64TruncSatF32U, wasm.OpI64TruncSatF64S, wasm.OpI64TruncSatF64U:
		return true
	}
	return in.Op>>8 != wasm.OpMemoryCopy>>8 && !in.Op.Atomic()
}

// isPlain goes through a loop twice: first for what happens to its locals in one iteration,
// then for its addresses.
func isPlain(m *wasm.Module, body []wasm.Instr) bool {
	first := iteration{m: m, now: map[uint32]affine{}}
	for i := range body {
		if in := &body[i]; in.Op == wasm.OpLocalSet || in.Op == wasm.OpLocalTee {
			first.now[in.Index] = affine{is: ofLocal, local: in.Index}
		}
	}
	if !first.run(body) {
		return false
	}
	second := iteration{m: m, now: map[uint32]affine{}, addresses: true}
	for n := range first.now {
		v := affine{is: ofLocal, local: n}
		if end := first.ends[n]; end.is == ofLocal && end.local == n {
			v.known, v.stride = true, end.add
		}
		second.now[n] = v
	}
	return second.run(body)
}

// iteration follows values through one iteration.
type iteration struct {
	m         *wasm.Module
	now       map[uint32]affine // of the locals that the loop sets
	ends      map[uint32]affine // at the jumps back
	edges     int
	stack     []affine
	frames    []iterationFrame
	sets      []uint32 // locals in the order in which they were set
	addresses bool     // refuse those that do not change
}

type iterationFrame struct {
	height, sets    int // of the stack and the list when it was opened
	params, results int
}

// run says whether nothing spoke against a plain loop.
func (it *iteration) run(body []wasm.Instr) bool {
	for i := range body {
		in := &body[i]
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			it.begin(in)
		case wasm.OpElse:
			f := &it.frames[len(it.frames)-1]
			it.join(f, f.params)
		case wasm.OpEnd:
			f := it.frames[len(it.frames)-1]
			it.frames = it.frames[:len(it.frames)-1]
			it.join(&f, f.results)
		case wasm.OpBr, wasm.OpBrIf:
			if in.Op == wasm.OpBrIf {
				it.pop()
			}
			it.branch(in.Index)
		case wasm.OpBrTable:
			it.pop()
			for _, t := range in.Targets {
				if int(t) == len(it.frames)-1 {
					it.branch(t)
					break
				}
			}
		default:
			if !it.value(in) {
				return false
			}
		}
	}
	return it.edges <= maxBackEdges
}

func (it *iteration) begin(in *wasm.Instr) {
	if in.Op == wasm.OpIf {
		it.pop()
	}
	t, _ := it.m.BlockFuncType(in.Block)
	f := iterationFrame{height: max(0, len(it.stack)-len(t.Params)), sets: len(it.sets), params: len(t.Params), results: len(t.Results)}
	it.frames = append(it.frames, f)
	if in.Op == wasm.OpLoop {
		it.join(&f, f.params) // they change
	}
}

// join is where ways meet: what was set since the block was opened is not known, nor are its
// n values.
func (it *iteration) join(f *iterationFrame, n int) {
	for _, i := range it.sets[f.sets:] {
		it.now[i] = affine{}
	}
	it.stack = it.stack[:min(f.height, len(it.stack))]
	for len(it.stack) < f.height+n {
		it.push(affine{})
	}
}

// branch records the locals at a jump back.
func (it *iteration) branch(depth uint32) {
	if int(depth) != len(it.frames)-1 {
		return
	}
	it.edges++
	switch {
	case it.edges > maxBackEdges:
	case it.ends == nil:
		it.ends = map[uint32]affine{}
		for n, v := range it.now {
			it.ends[n] = v
		}
	default:
		for n, v := range it.now {
			if v != it.ends[n] {
				it.ends[n] = affine{}
			}
		}
	}
}

func (it *iteration) push(v affine) { it.stack = append(it.stack, v) }

// pop gives an unknown value for what was there before the loop.
func (it *iteration) pop() affine {
	if len(it.stack) == 0 {
		return affine{}
	}
	v := it.stack[len(it.stack)-1]
	it.stack = it.stack[:len(it.stack)-1]
	return v
}

// value follows an instruction that computes; it is false for an access whose address may
// stay the same.
func (it *iteration) value(in *wasm.Instr) bool {
	switch in.Op {
	case wasm.OpLocalGet:
		if v, set := it.now[in.Index]; set {
			it.push(v)
		} else {
			it.push(affine{is: ofLocal, local: in.Index, known: true})
		}
		return true
	case wasm.OpLocalSet, wasm.OpLocalTee:
		v := it.pop()
		it.now[in.Index] = v
		it.sets = append(it.sets, in.Index)
		if in.Op == wasm.OpLocalTee {
			it.push(v)
		}
		return true
	case wasm.OpI32Const, wasm.OpI64Const:
		it.push(affine{is: constant32, add: uint32(in.Value), known: true})
		return true
	case wasm.OpDrop, wasm.OpGlobalSet:
		it.pop()
		return true
	case wasm.OpSelect, wasm.OpSelectT:
		it.stack = it.stack[:max(0, len(it.stack)-3)]
	case wasm.OpGlobalGet, wasm.OpV128Const, wasm.OpF32Const, wasm.OpF64Const:
	case wasm.OpNop, wasm.OpReturn, wasm.OpUnreachable:
		return true
	default:
		return it.simple(in)
	}
	it.push(affine{})
	return true
}

func (it *iteration) simple(in *wasm.Instr) bool {
	info := in.Op.Info()
	var args [3]affine
	if !info.Simple || len(info.Params) > len(args) {
		return false
	}
	for i := len(info.Params) - 1; i >= 0; i-- {
		args[i] = it.pop()
	}
	if info.Width != 0 && it.addresses && !(args[0].known && args[0].stride != 0) {
		return false
	}
	if len(info.Results) != 0 {
		it.push(affineOf(in.Op, args[0], args[1]))
	}
	return true
}

// affineOf computes what is linear.
func affineOf(op wasm.Opcode, a, b affine) affine {
	r := affine{known: a.known && b.known}
	switch op {
	case wasm.OpI32WrapI64, wasm.OpI64ExtendI32S, wasm.OpI64ExtendI32U:
		return a
	case wasm.OpI32Add, wasm.OpI64Add:
		if a.is == constant32 {
			a, b = b, a
		}
		if b.is == constant32 {
			r.is, r.local, r.add = a.is, a.local, a.add+b.add
		}
		r.stride = a.stride + b.stride
	case wasm.OpI32Sub, wasm.OpI64Sub:
		if b.is == constant32 {
			r.is, r.local, r.add = a.is, a.local, a.add-b.add
		}
		r.stride = a.stride - b.stride
	case wasm.OpI32Shl, wasm.OpI64Shl:
		width := uint32(32)
		if op == wasm.OpI64Shl {
			width = 64
		}
		r.known = r.known && b.is == constant32
		r.stride = a.stride << (b.add & (width - 1))
	case wasm.OpI32Mul, wasm.OpI64Mul:
		if a.is == constant32 {
			a, b = b, a
		}
		r.known = r.known && b.is == constant32
		r.stride = a.stride * b.add
	default:
		return affine{}
	}
	return r
}
