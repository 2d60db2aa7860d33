package verify

import "math/bits"

// Most instructions are of few kinds, and are about numbers that are known to have 32 bits. These are
// taken here; whatever is not as it mostly is, is left to step, and so is every refusal. quick changes a
// state exactly as step does: a test compares them.

// quick is the kind of an instruction, found when it is decoded.
type quick uint8

const (
	slow       quick = iota
	quickNone        // touches neither registers nor flags nor memory
	quickTouch       // reads or writes memory of the guest, and no register or flag
	quickFlags       // the same, but the flags are lost
	quickLoad        // loads from memory of the guest
	quickMove
	quickImm
	quickLea
	quickFrameLoad
	quickFrameStore
	quickAlu    // of registers, or a register and a constant
	quickAluMem // of a register and memory of the guest
	quickZero   // xor of a register with itself
	quickCompare
	quickShift
	quickLost // the flags are lost
	quickPush
	quickPop
	quickZext // of a register
	quickSext
	quickSet
	quickOther // other computations with registers
	quickCmov
)

// kinds are those of a common operation: with a register or a constant, with memory of the guest, with the
// frame, with other memory.
func (e *commonEntry) kinds() [4]quick {
	only := func(q quick) [4]quick { return [4]quick{1: q} }
	switch e.op {
	case opMov:
		return e.movKinds()
	case opZext:
		return [4]quick{quickZext, quickLoad}
	case opSext:
		return [4]quick{quickSext}
	case opLea:
		return [4]quick{2: quickLea, 3: quickLea}
	case opTest:
		if e.form != regToRM {
			return [4]quick{quickLost, quickFlags}
		}
		return [4]quick{quickCompare, quickFlags}
	case opCmp:
		return [4]quick{quickCompare, quickFlags}
	case opSet:
		return [4]quick{quickSet, quickTouch}
	case opPush:
		return [4]quick{quickPush}
	case opPop:
		return [4]quick{quickPop}
	}
	if e.byte {
		if e.form == rmToReg || e.op == opNot {
			return only(slow)
		}
		return only(quickFlags)
	}
	switch e.op {
	case opAdd, opSub, opAnd, opOr, opXor:
		if e.form == rmToReg {
			return [4]quick{quickAlu, quickAluMem}
		}
		return [4]quick{quickAlu, quickFlags}
	case opShl, opShr, opSar:
		if e.imm == 1 {
			return [4]quick{quickShift, quickFlags}
		}
	case opInc, opDec, opNeg:
		return [4]quick{quickOther, quickFlags}
	case opNot, opImul:
		return [4]quick{quickOther}
	case opCmov:
		return [4]quick{quickCmov}
	}
	return only(slow)
}

func (e *commonEntry) movKinds() [4]quick {
	switch {
	case e.byte && e.form == rmToReg:
		return [4]quick{}
	case e.byte:
		return [4]quick{1: quickTouch}
	case e.form == rmToReg:
		return [4]quick{quickMove, quickLoad, quickFrameLoad}
	case e.form == regToRM:
		return [4]quick{quickMove, quickTouch, quickFrameStore}
	}
	return [4]quick{quickImm, quickTouch, quickFrameStore}
}

// classify finds the kind of what is not common.
func (in *inst) classify() {
	mem := in.mem.access & (reads | writes)
	switch {
	case in.stack:
	case (in.op == opSSE || in.op == opPad) && in.dst == noReg:
		if mem == 0 {
			in.quick = quickNone
		} else if in.mem.gs && !in.mem.narrow {
			in.quick = quickTouch
		}
	case in.op == opMov && in.dst < 16 && in.src == noReg && mem == 0 && in.size >= 4:
		in.quick = quickImm
	}
}

// quick takes an instruction if it is as most are; no register holds a copy of the stack pointer.
func (w *walker) quick(in *inst, s *state) bool {
	switch in.quick {
	case quickNone:
		return true
	case quickTouch:
		return w.inGuest(&in.mem, s)
	case quickFlags:
		if !w.inGuest(&in.mem, s) {
			return false
		}
		s.flags.valid = false
		return true
	case quickLoad:
		if in.dst >= 16 || !w.inGuest(&in.mem, s) {
			return false
		}
		s.setAny(in.dst, in.mem.size)
		return true
	case quickMove:
		w.copy(in, s)
		return true
	case quickImm:
		s.set(in.dst, immediate(in))
		return true
	case quickLea:
		s.set(in.dst, w.lea(in, s))
		return true
	case quickZero:
		s.flags.valid = false
		s.regs[in.dst&15], s.stamps[in.dst&15] = zero, stampZero
		return true
	case quickFrameLoad:
		off := in.mem.disp - int64(s.depth)
		if in.mem.disp < 0 || in.mem.index != noReg || off+int64(in.size) > 0 {
			return false
		}
		s.set(in.dst, s.slots.load(int32(off), in.size))
		return true
	case quickFrameStore:
		return w.quickStore(in, s)
	case quickPush:
		return w.quickPush(in, s)
	case quickPop:
		return s.quickPop(in)
	case quickCompare:
		return s.quickCompare(in)
	case quickLost:
		s.flags.valid = false
		return true
	case quickAlu:
		if in.src == noReg {
			return w.quickConstant(in, s)
		}
		return w.quickAlu(in, s, &s.regs[in.src&15])
	case quickAluMem:
		return w.inGuest(&in.mem, s) && w.quickAlu(in, s, anyMemory(in.size))
	case quickOther:
		return w.quickOther(in, s)
	case quickShift:
		return s.quickShift(in)
	}
	return w.quickConvert(in, s)
}

// quickConvert takes what gives a register something that depends on another, or on the flags.
func (w *walker) quickConvert(in *inst, s *state) bool {
	switch in.quick {
	case quickZext:
		if in.src >= 16 {
			return false
		}
		s.set(in.dst, s.regs[in.src].low(in.srcSize))
		return true
	case quickSext:
		if in.src >= 16 || s.regs[in.src].kind() != kRange {
			return false
		}
		w.write(s, in.dst, in.size, s.regs[in.src].sext(in.srcSize))
		return true
	case quickSet:
		if in.dst >= 16 {
			return false
		}
		w.write(s, in.dst, 1, value{lo: 0, hi: 1})
		return true
	case quickCmov:
		a, b := s.regs[in.dst&15].low(in.size), s.regs[in.src&15].low(in.size)
		w.refineCopy(in.cc^1, s, in.dst, in.size, &a)
		w.refineCopy(in.cc, s, in.src, in.size, &b)
		w.write(s, in.dst, in.size, join(&a, &b, exactly))
		return true
	}
	return false
}

// quickPush pushes a register where no record of setjmp is open.
func (w *walker) quickPush(in *inst, s *state) bool {
	if s.depth+8 > maxFrame || s.open() {
		return false
	}
	s.depth += 8
	w.f.frame = max(w.f.frame, s.depth)
	s.store(-s.depth, 8, s.regs[in.src&15])
	return true
}

// quickPop is its opposite.
func (s *state) quickPop(in *inst) bool {
	if f := &s.flags; s.depth < 8 || s.open() || f.valid && f.a == noReg && !f.gone {
		return false
	}
	v := s.slots.load(-s.depth, 8)
	s.depth -= 8
	s.slots.release(-s.depth)
	s.set(in.dst, v)
	return true
}

var zero = constant(0)

// anyMemory is anything of 4 or 8 bytes.
func anyMemory(size uint8) *value {
	if size == 4 {
		return &unknown32
	}
	return &unknown
}

// inGuest tells whether a GS operand is in linear memory or a global, where its registers are numbers of 32
// bits.
func (w *walker) inGuest(m *memory, s *state) bool {
	lo, hi := m.disp, m.disp+int64(m.size)
	if m.base != noReg {
		b := &s.regs[m.base&15]
		if !b.is32() {
			return false
		}
		lo, hi = lo+b.lo, hi+b.hi
	}
	if m.index != noReg {
		x := &s.regs[m.index&15]
		if !x.is32() {
			return false
		}
		scale := int64(m.scale)
		lo, hi = lo+x.lo*scale, hi+x.hi*scale
	}
	if lo >= 0 {
		return hi <= reach
	}
	return w.area != nil && (w.area.globals.holds(lo, hi) || arguments.holds(lo, hi) || results.holds(lo, hi))
}

// quickStore stores a register or a constant in the frame, if it is not that of a setjmp.
func (w *walker) quickStore(in *inst, s *state) bool {
	off, size := in.mem.disp-int64(s.depth), int32(in.size)
	if in.mem.disp < 0 || in.mem.index != noReg || off+int64(size) > 0 || s.open() {
		return false
	}
	v := w.source(in, s)
	s.forget(int32(off), size)
	s.store(int32(off), in.size, v)
	return true
}

// quickCompare notes a comparison of registers, or of one with a constant.
func (s *state) quickCompare(in *inst) bool {
	if in.dst >= 16 || in.src != noReg && in.src >= 16 {
		return false // high bytes
	}
	f := &s.flags
	f.valid, f.gone, f.size, f.a, f.b, f.imm = true, false, in.size, in.dst, noReg, 0
	switch {
	case in.op == opTest:
		f.valid = in.dst == in.src
	case in.src == noReg:
		f.imm = in.imm
	default:
		f.b = in.src
		b := &s.regs[in.src&15]
		if b.kind() == kRange && (b.lo == b.hi || b.width() != 0) {
			if c := b.low(in.size); c.isConst() {
				f.b, f.imm = noReg, c.lo
			}
		}
	}
	return true
}

// number is a number as an operation of 4 or 8 bytes sees it, if that is a simple one: not so large that
// a sum of two might wrap.
func (v *value) number(size uint8) (lo, hi int64, tz uint8, ok bool) {
	const most = 1 << 40
	switch {
	case !v.isPlain():
		return 0, 0, 0, false
	case v.lo >= 0 && v.hi <= max32:
		return v.lo, v.hi, v.tz(), true
	case size == 4:
		return 0, max32, min(v.tz(), 32), true
	}
	return v.lo, v.hi, v.tz(), v.lo > -most && v.hi < most
}

// quickAlu computes with a register and something else.
func (w *walker) quickAlu(in *inst, s *state, b *value) bool {
	dst := &s.regs[in.dst&15]
	if in.src == in.dst {
		return false
	}
	alo, ahi, atz, ok := dst.number(in.size)
	blo, bhi, btz, more := b.number(in.size)
	if ok && more && s.compute(in, dst, alo, ahi, blo, bhi, atz, btz) {
		return true
	}
	if dst.kind() != kRange || b.kind() != kRange {
		return false
	}
	x, y := dst.low(in.size), b.low(in.size)
	w.write(s, in.dst, in.size, w.arithmetic(in, &x, &y))
	s.flags.valid = false
	return true
}

// quickConstant computes with a register and a constant.
func (w *walker) quickConstant(in *inst, s *state) bool {
	dst := &s.regs[in.dst&15]
	lo, hi, tz, ok := dst.number(in.size)
	if !ok {
		return false
	}
	n := in.imm
	if in.op != opAdd && in.op != opSub && in.size == 4 {
		n = int64(uint32(n))
	}
	ctz := uint8(63)
	if n != 0 {
		ctz = uint8(bits.TrailingZeros64(uint64(n)))
	}
	return s.compute(in, dst, lo, hi, n, n, tz, ctz)
}

// quickOther takes other operations with numbers.
func (w *walker) quickOther(in *inst, s *state) bool {
	a, b := &s.regs[in.dst&15], &unknown
	if in.src != noReg {
		b = &s.regs[in.src&15]
	}
	if a.kind() != kRange || b.kind() != kRange {
		return false
	}
	x, y := a.low(in.size), b.low(in.size)
	w.write(s, in.dst, in.size, w.arithmetic(in, &x, &y))
	if in.op != opNot {
		s.flags.valid = false
	}
	return true
}

// compute computes with numbers that do not wrap.
func (s *state) compute(in *inst, dst *value, alo, ahi, blo, bhi int64, atz, btz uint8) bool {
	tz := min(atz, btz)
	switch in.op {
	case opAdd:
		*dst = result(in.size, alo+blo, ahi+bhi, tz)
	case opSub:
		*dst = result(in.size, alo-bhi, ahi-blo, tz)
	case opAnd:
		switch tz = max(atz, btz); {
		case alo >= 0 && blo >= 0:
			*dst = value{meta: uint64(tz) << tzShift, hi: min(ahi, bhi)}
		case alo >= 0:
			*dst = value{meta: uint64(tz) << tzShift, hi: ahi}
		default:
			return false
		}
	case opOr, opXor:
		if alo < 0 || blo < 0 {
			return false
		}
		*dst = value{meta: uint64(tz) << tzShift, hi: int64(1)<<bits.Len64(uint64(ahi|bhi)) - 1}
	default:
		return false
	}
	s.flags.valid = false
	s.changed(in.dst)
	return true
}

// quickShift shifts a register by a constant.
func (s *state) quickShift(in *inst) bool {
	dst := &s.regs[in.dst&15]
	if dst.kind() != kRange {
		return false
	}
	a := dst.low(in.size)
	v := shifted(in, &a)
	if in.size == 4 && !v.is32() {
		return false
	}
	s.put(in.dst, v)
	s.flags.valid = false
	return true
}
