package emit

import "vkernel/internal/wasm"

// An address is often a sum of two numbers that wraps at 2^32: a base and a counter. clang adds them first, for it
// knows no operand that wraps; x86 has one, with the prefix 67 (addr32). It is written as assembly (SUM_LOAD in
// runtime/vk_memory.h), which clang neither folds into other instructions nor makes vectors of. So it is for vectors in plain
// loops; and in other loops for numbers if there is a constant too, such as the address of an array, where it takes
// the place of three instructions.

// sum is what a temporary is: at most two numbers and a constant, modulo 2^32.
type sum struct {
	terms [2]term
	n     int // of terms
	add   uint32
}

// term is a local or a temporary.
type term struct {
	o    operand
	sets uint32 // how often the local had been set
}

// sums knows the sums of straight code: at each label all is forgotten.
type sums struct {
	temps  map[uint32]sum    // by number
	locals map[uint32]uint32 // locals that hold a temporary
	sets   map[uint32]uint32 // how often locals were set
}

// forget is for a place where ways meet.
func (s *sums) forget() { s.temps, s.locals = nil, nil }

// set notes what a local holds now.
func (s *sums) set(n uint32, v operand) {
	if s.sets == nil {
		s.sets = map[uint32]uint32{}
	}
	s.sets[n]++
	delete(s.locals, n)
	if v.kind == opTemp {
		if s.locals == nil {
			s.locals = map[uint32]uint32{}
		}
		s.locals[n] = v.n
	}
}

// of gives the sum that an operand is; ok is false for what may change unnoticed.
func (s *sums) of(o operand) (v sum, ok bool) {
	if o.kind == opLocal {
		if n, ok := s.locals[o.n]; ok {
			o = operand{kind: opTemp, typ: o.typ, n: n}
		}
	}
	switch o.kind {
	case opConst:
		return sum{add: uint32(o.bits)}, true
	case opTemp:
		if v, ok := s.temps[o.n]; ok && s.same(&v) {
			return v, true
		}
	case opLocal:
		return sum{terms: [2]term{{o, s.sets[o.n]}}, n: 1}, true
	default:
		return sum{}, false
	}
	return sum{terms: [2]term{{o: o}}, n: 1}, true
}

// same says whether the terms still have the values that they had.
func (s *sums) same(v *sum) bool {
	for _, t := range v.terms[:v.n] {
		if t.o.kind == opLocal && s.sets[t.o.n] != t.sets {
			return false
		}
	}
	return true
}

// define notes that temporary n is a + b.
func (s *sums) define(n uint32, a, b operand) {
	v, ok := s.of(a)
	w, both := s.of(b)
	if !ok || !both || v.n+w.n > len(v.terms) {
		return
	}
	copy(v.terms[v.n:], w.terms[:w.n])
	v.n, v.add = v.n+w.n, v.add+w.add
	if s.temps == nil {
		s.temps = map[uint32]sum{}
	}
	s.temps[n] = v
}

// address gives the sum of two numbers that an address is.
func (s *sums) address(o operand) (sum, bool) {
	v, ok := s.of(o)
	return v, ok && v.n == len(v.terms)
}

// sumLoads are the loads that take a sum, and the instruction and register of each.
var sumLoads = map[wasm.Opcode]string{
	wasm.OpI32Load:    "SUM_LOAD(u32, \"movl\", \"=r\", ",
	wasm.OpI64Load:    "SUM_LOAD(u64, \"movq\", \"=r\", ",
	wasm.OpI32Load8U:  "SUM_LOAD(u32, \"movzbl\", \"=r\", ",
	wasm.OpI32Load8S:  "SUM_LOAD(u32, \"movsbl\", \"=r\", ",
	wasm.OpI32Load16U: "SUM_LOAD(u32, \"movzwl\", \"=r\", ",
	wasm.OpI32Load16S: "SUM_LOAD(u32, \"movswl\", \"=r\", ",
	wasm.OpV128Load:   "SUM_LOAD(v128, \"movups\", \"=x\", ",
}

// sumAccess emits a load or store whose address is a sum; done is false for all else.
func (f *function) sumAccess(in *wasm.Instr) (done bool) {
	if f.loops == 0 || in.MemOffset != 0 || f.bound >= BoundAll || f.scan.setjmp {
		return false
	}
	load, ok := sumLoads[in.Op]
	switch {
	case in.Op == wasm.OpV128Store && f.plain:
		v, ok := f.sums.address(f.stack[len(f.stack)-2])
		if !ok {
			return false
		}
		x := f.pop()
		f.pop()
		f.emit("SUM_STORE(v128, \"movups\", \"x\", ", v.terms[0].o, ", ", v.terms[1].o, ", ", v.add, "u, ", x, ");")
	case ok && (in.Op == wasm.OpV128Load) == f.plain:
		v, ok := f.sums.address(f.stack[len(f.stack)-1])
		if !ok || !f.plain && v.add == 0 {
			return false
		}
		f.pop()
		f.emit(f.temp(in.Op.Info().Results[0]), load, v.terms[0].o, ", ", v.terms[1].o, ", ", v.add, "u);")
	default:
		return false
	}
	return true
}
