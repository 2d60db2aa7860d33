package verify

// next is the address, as linked, of the instruction after in.
func (w *walker) next(in *inst) int64 {
	return int64(w.v.base) + int64(w.at) + int64(in.len)
}

// number is the number of the current instruction, for ids: never 0.
func (w *walker) number() uint32 { return w.at + 1 }

// source is the second operand of a two-operand instruction: immediate or register. Where
// the operand is memory, it is what operand gave.
func (w *walker) source(in *inst, s *state) value {
	switch {
	case in.hasImm && in.src == noReg:
		return immediate(in)
	case in.src.isGeneral():
		return s.regs[in.src].low(in.size)
	}
	return unknown
}

// immediate is the constant of an instruction at its size.
func immediate(in *inst) value { return cut(in.size, in.imm) }

// cut is the constant of the low size bytes of n.
func cut(size uint8, n int64) value {
	switch size {
	case 1:
		n = int64(uint8(n))
	case 2:
		n = int64(uint16(n))
	case 4:
		n = int64(uint32(n))
	}
	return constant(n)
}

// step takes an instruction that does not change control. It reports why it is refused.
func (w *walker) step(in *inst, s *state) string {
	if in.stack {
		return w.moveStack(in, s)
	}
	if s.pointers != 0 && w.usesCopy(in, s) {
		return copied
	}
	loaded := unknown
	if in.mem.access&(reads|writes) != 0 {
		var problem string
		if loaded, problem = w.operand(in, s); problem != "" {
			return problem
		}
	}
	switch in.op {
	case opPad, opNop, opCmp, opTest, opCompare:
	case opPush:
		return w.push(in, s, loaded)
	case opPop:
		return w.pop(in, s)
	case opMulDiv:
		w.implied(in, s)
	case opCmpxchg:
		// If they were equal, eax is not written, its upper half neither.
		if in.size == 4 && s.regs[rax].is32() {
			s.set(rax, unknown32)
		} else {
			s.set(rax, unknown)
		}
		w.write(s, in.dst, in.size, unknown)
	case opXchg, opXadd:
		w.exchange(in, s, loaded)
	default:
		if in.dst != noReg {
			w.assign(in, s, loaded)
		}
	}
	w.setFlags(in, s)
	return ""
}

// copied is why the stack pointer must not be where it is.
const copied = "the stack pointer is copied to a register that is used for more than one access, or too long"

// giveCopies lets a called function have what copies of the stack pointer are left in registers
// that carry no argument and that nobody saves. It knows nothing of their values, so that it can
// do no more with one than with any number; after the call they are gone.
func (s *state) giveCopies() {
	const free = 1<<rax | 1<<r10 | 1<<r11
	if s.pointers == 0 || s.pointers&^free != 0 {
		return
	}
	for r := reg(0); r < 16; r++ {
		if s.pointers>>r&1 != 0 {
			s.set(r, unknown)
		}
	}
	s.pointers = 0
}

// usesCopy tells whether a copy of the stack pointer is used otherwise than as the base of an
// address, or overwritten.
func (w *walker) usesCopy(in *inst, s *state) bool {
	if (in.op == opXor || in.op == opSub) && in.src == in.dst && in.size >= 4 {
		return false // it becomes 0
	}
	is := func(r reg) bool { return r != noReg && r.full() < 16 && s.pointers>>r.full()&1 != 0 }
	if is(in.src) || is(in.mem.index) || in.op == opLea && is(in.mem.base) {
		return true
	}
	switch in.op {
	case opMov, opZext, opSext, opLea:
		return is(in.dst) && in.size < 4
	case opPad, opNop, opSSE:
		return is(in.dst) && in.size < 4
	case opMulDiv, opCmpxchg, opXchg, opXadd, opCwd, opCdqe, opShl, opShr, opSar, opShift:
		return true // some have operands that are not named
	}
	return is(in.dst)
}

// moveStack allows what makes and releases a frame.
func (w *walker) moveStack(in *inst, s *state) string {
	switch {
	case in.op == opMov && in.size == 8 && in.src == rsp && in.dst.isGeneral() && in.dst != rsp && s.pointers == 0:
		// clang stores an argument through a copy. It may be used for that and is to be gone
		// before control goes anywhere.
		s.set(in.dst, value{meta: uint64(kStack), lo: -int64(s.depth)})
		s.pointers = 1 << in.dst
		return ""
	case in.op == opLea && in.dst != rsp:
		return "the stack pointer is copied to a register"
	case in.dst != rsp:
		return "the stack pointer is an operand"
	case in.size != 8:
		return "part of the stack pointer is written"
	}
	n := in.imm
	switch {
	case in.op == opAdd && in.src == noReg && in.hasImm:
	case in.op == opSub && in.src == noReg && in.hasImm:
		n = -n
	case in.op == opLea && in.mem.base == rsp && in.mem.index == noReg:
		n = in.mem.disp
	default:
		return "the stack pointer is set"
	}
	w.setFlags(in, s)
	return w.adjust(s, n)
}

// adjust moves the stack pointer up by n.
func (w *walker) adjust(s *state, n int64) string {
	depth := int64(s.depth) - n
	switch {
	case s.pointers != 0: // which would lead to what is no longer in the frame
		return copied
	case depth < 0:
		return "the stack pointer is moved above the frame"
	case depth > maxFrame:
		return "the frame is larger than what the guard allows"
	}
	if !s.release(int32(depth)) {
		return "a saved register is released, after setjmp"
	}
	w.f.frame = max(w.f.frame, s.depth)
	return ""
}

func (w *walker) push(in *inst, s *state, loaded value) string {
	v := loaded
	switch {
	case in.hasImm:
		v = constant(in.imm)
	case in.src.isGeneral():
		v = s.regs[in.src]
	}
	if problem := w.adjust(s, -8); problem != "" {
		return problem
	}
	if !s.forget(-s.depth, 8) {
		return "a push over a saved register, after setjmp"
	}
	s.store(-s.depth, 8, v)
	return ""
}

func (w *walker) pop(in *inst, s *state) string {
	if s.depth < 8 {
		return "the return address is popped"
	}
	v := s.slots.load(-s.depth, 8)
	if problem := w.adjust(s, 8); problem != "" {
		return problem
	}
	s.set(in.dst, v)
	return ""
}

// write sets a register, or a part of it.
func (w *walker) write(s *state, dst reg, size uint8, v value) {
	if dst == noReg {
		return
	}
	switch {
	case size == 8 || size == 4 && v.is32():
	case size == 4:
		v = v.low(4)
	default:
		v = partial(&s.regs[dst.full()], dst, size, v)
	}
	s.set(dst.full(), v)
}

// partial is a register of which the low bytes are written.
func partial(old *value, dst reg, size uint8, v value) value {
	most := int64(1)<<(8*size) - 1
	if dst != dst.full() {
		most, v = 1<<16-1, unknown
	}
	v = v.low(size)
	if old.kind() == kRange && old.lo >= 0 && old.hi <= most && dst == dst.full() {
		return v
	}
	r := unknown
	if old.kind() == kRange && old.lo >= 0 {
		r = value{lo: 0, hi: old.hi | most}
	}
	if dst == dst.full() && v.kind() == kRange {
		r.setLow(uint16(size), uint32(v.lo), uint32(v.hi))
	}
	return r
}

// implied sets the results of multiplications and divisions.
func (w *walker) implied(in *inst, s *state) {
	v := unknown
	switch {
	case in.mem.access&writes != 0: // cmpxchg8b, cmpxchg16b
	case in.size == 4:
		v = unknown32
	case in.size == 2:
		w.write(s, rax, 2, unknown)
		w.write(s, rdx, 2, unknown)
		return
	case in.size == 1: // ah and al
		w.write(s, rax, 2, unknown)
		return
	}
	s.set(rax, v)
	s.set(rdx, v)
}

func (w *walker) exchange(in *inst, s *state, loaded value) {
	if in.dst == noReg { // with memory
		w.write(s, in.src, in.size, loaded)
		return
	}
	a, b := unknown, unknown
	if in.dst == in.dst.full() && in.src == in.src.full() {
		a, b = s.regs[in.dst].low(in.size), s.regs[in.src].low(in.size)
	}
	if in.op == opXadd {
		b = unknown
	}
	w.write(s, in.src, in.size, a)
	w.write(s, in.dst, in.size, b)
}

// assign computes the result of an instruction with a destination register.
func (w *walker) assign(in *inst, s *state, loaded value) {
	if in.size >= 4 && w.plain(in, s, &loaded) {
		return
	}
	dst := in.dst.full()
	a := s.regs[dst].low(in.size)
	var b value
	switch {
	case in.src == noReg && in.mem.access&reads != 0:
		b = loaded
	case in.src == noReg:
		b = immediate(in)
	default:
		b = s.regs[in.src.full()]
		if in.src != in.src.full() {
			b = value{lo: 0, hi: 255}
		}
	}
	if in.dst != dst || in.size < 4 && in.op != opSet && in.op != opMov {
		w.write(s, in.dst, in.size, small(in, dst, &a, &b))
		return
	}
	v := w.compute(in, s, a, b)
	if in.op == opBits {
		s.set(dst, v) // which may have kept its upper half
		return
	}
	w.write(s, in.dst, in.size, v)
}

// small is the result of an operation of 1 or 2 bytes.
func small(in *inst, dst reg, a, b *value) value {
	low := b.low(in.size)
	switch {
	case in.dst != dst: // a high byte
	case in.op == opAnd:
		return and(in.size, a, &low)
	case in.op == opOr, in.op == opXor:
		return or(in.size, a, &low)
	}
	return unknown
}

// plain takes the instructions that are most frequent and need little: others are left to assign.
func (w *walker) plain(in *inst, s *state, loaded *value) bool {
	switch {
	case in.op == opLea:
		s.set(in.dst, w.lea(in, s))
	case in.op == opXor && in.src == in.dst:
		s.set(in.dst, constant(0))
	case in.op == opZext && in.src == noReg: // a load is extended with zeros
		s.set(in.dst, *loaded)
	case in.op != opMov:
		return false
	case in.src.isGeneral():
		w.copy(in, s)
	case in.mem.access&reads != 0:
		s.set(in.dst, *loaded)
	default:
		s.set(in.dst, immediate(in))
	}
	return true
}

// copy is mov between registers: both are known to be equal, in the low half at least.
func (w *walker) copy(in *inst, s *state) {
	src := &s.regs[in.src]
	if src.kind() == kRange && src.id() == 0 && !src.isConst() {
		n := w.number()
		s.renumber(n)
		src.setID(n)
		s.changed(in.src)
	}
	s.set(in.dst, src.low(in.size))
}

// compute is the result of an operation of 4 or 8 bytes. a is the destination before.
func (w *walker) compute(in *inst, s *state, a, b value) value {
	size := in.size
	switch in.op {
	case opMov:
		return b
	case opSet:
		return value{lo: 0, hi: 1}
	case opZext:
		return b.low(in.srcSize)
	case opSSE:
		if in.bits != 0 {
			return value{lo: 0, hi: 1<<in.bits - 1}
		}
	case opSext:
		if b.kind() == kJump && in.srcSize == 4 {
			return b
		}
		return b.sext(in.srcSize)
	case opCdqe:
		v := s.regs[rax]
		return v.sext(size / 2)
	case opCwd:
		if size == 8 {
			return value{lo: -1, hi: 0}
		}
		return unknown32
	case opLea:
		return w.lea(in, s)
	case opCmov:
		x, y := a, b.low(size)
		w.refineCopy(in.cc^1, s, in.dst, size, &x)
		w.refineCopy(in.cc, s, in.src, size, &y)
		return join(&x, &y, exactly)
	case opBits:
		n := value{lo: 0, hi: 64}
		if in.cc == 8 { // popcnt
			return n
		}
		return w.bits(in, s, n)
	case opAdd:
		if v, ok := w.addPointer(&a, &b, size); ok {
			return v
		}
	case opSbb:
		if in.src == in.dst && size == 8 { // the carry
			return value{lo: -1, hi: 0}
		}
	case opSub, opXor:
		if in.src == in.dst {
			return constant(0)
		}
	case opShr:
		if a.kind() == kElem && in.hasImm && in.imm == 32 && size == 8 {
			a.setKind(kElemHigh)
			return a
		}
	case opAnd:
		if v, ok := elemTop(&a, &b, size); ok {
			return v
		}
	}
	if a.kind() != kRange {
		a = a.plain()
	}
	b = b.low(size)
	if b.kind() != kRange {
		b = b.plain()
	}
	return w.arithmetic(in, &a, &b)
}

func (w *walker) arithmetic(in *inst, a, b *value) value {
	size := in.size
	switch in.op {
	case opAdd:
		if in.src == noReg && in.hasImm { // a negative constant is a subtraction
			c := constant(in.imm)
			return add(size, a, &c)
		}
		return add(size, a, b)
	case opAdc:
		c := *b
		if in.src == noReg && in.hasImm {
			c = constant(in.imm)
		}
		if c.hi == maxInt {
			return anything(size)
		}
		c.hi++
		c.setTZ(0)
		return add(size, a, &c)
	case opSub:
		if in.src == noReg && in.hasImm {
			c := constant(in.imm)
			return sub(size, a, &c)
		}
		return sub(size, a, b)
	case opAnd:
		return and(size, a, b)
	case opOr, opXor:
		return or(size, a, b)
	case opInc, opDec:
		c := constant(1)
		if in.op == opInc {
			return add(size, a, &c)
		}
		return sub(size, a, &c)
	case opNeg:
		zero := constant(0)
		if size == 8 {
			return sub(size, &zero, a)
		}
	case opNot:
		minus := constant(-1)
		if size == 4 {
			minus = constant(max32)
		}
		return sub(size, &minus, a)
	case opShl, opShr, opSar:
		return shifted(in, a)
	case opImul:
		return mul(size, a, b)
	case opImulImm:
		c := constant(in.imm)
		return mul(size, b, &c)
	}
	return anything(size)
}

func shifted(in *inst, a *value) value {
	if !in.hasImm {
		if in.op == opShr && a.lo >= 0 {
			return value{lo: 0, hi: a.hi}
		}
		return anything(in.size)
	}
	n := uint(in.imm) & 63
	switch in.op {
	case opShl:
		return shl(in.size, a, n)
	case opShr:
		return shr(in.size, a, n)
	}
	return sar(in.size, a, n)
}

// bits is the result of bsf and its like: the old value stays if the source is 0, and it is
// not said whether its upper half does.
func (w *walker) bits(in *inst, s *state, n value) value {
	old := s.regs[in.dst]
	old = old.plain()
	low := old.low(in.size)
	v := join(&old, &low, exactly)
	return join(&v, &n, exactly)
}

// elemTop is an entry of a table with its low half masked away.
func elemTop(a, b *value, size uint8) (value, bool) {
	const mask = -1 << 32
	x, y := a, b
	if y.kind() == kElem {
		x, y = y, x
	}
	if size == 8 && x.kind() == kElem && y.isConst() && y.lo == mask {
		v := *x
		v.setKind(kElemTop)
		return v, true
	}
	return value{}, false
}
