package verify

// Conditions, as in the encoding; the lowest bit negates.
const (
	below, aboveEqual, equal, notEqual     = 2, 3, 4, 5
	belowEqual, above, negative, positive  = 6, 7, 8, 9
	less, greaterEqual, lessEqual, greater = 12, 13, 14, 15
)

// swapped is the condition of the second operand to the first.
var swapped = [16]uint8{
	below: above, aboveEqual: belowEqual, equal: equal, notEqual: notEqual, belowEqual: aboveEqual, above: below,
	less: greater, greaterEqual: lessEqual, lessEqual: greaterEqual, greater: less,
}

// setFlags notes a comparison, or that the flags are no longer those of one.
func (w *walker) setFlags(in *inst, s *state) {
	switch in.op {
	case opMov, opZext, opSext, opLea, opCmov, opSet, opNot, opPush, opPop, opXchg, opCdqe, opCwd, opPad, opNop, opSSE:
		return
	}
	f := &s.flags
	f.valid = false
	switch in.op {
	case opTest:
		if in.dst.isGeneral() && in.dst == in.src {
			*f = flags{valid: true, size: in.size, a: in.dst, b: noReg}
		}
	case opCmp:
		m := &in.mem
		switch {
		case in.dst.isGeneral() && in.src.isGeneral():
			*f = flags{valid: true, size: in.size, a: in.dst, b: in.src}
			if b := s.regs[in.src].low(in.size); b.isConst() {
				f.b, f.imm = noReg, b.lo
			}
		case in.dst.isGeneral() && in.hasImm:
			*f = flags{valid: true, size: in.size, a: in.dst, b: noReg, imm: in.imm}
		case in.dst == noReg && in.hasImm && m.base == rsp && !m.gs && m.index == noReg:
			*f = flags{valid: true, size: in.size, a: noReg, b: noReg, imm: in.imm, off: int32(m.disp) - s.depth}
		}
	}
}

// first is the first operand of the last comparison.
func (s *state) first() value {
	switch f := &s.flags; {
	case f.gone:
		return f.was
	case f.a == noReg:
		return s.slots.load(f.off, f.size)
	default:
		return s.regs[f.a]
	}
}

// compared are the two sides of the last comparison.
func (s *state) compared() (a, b value) {
	f := &s.flags
	if f.b != noReg {
		return s.first(), s.regs[f.b]
	}
	return s.first(), cut(f.size, f.imm)
}

// refineBoth uses that a condition holds in one state, and does not in the other, which is equal to it yet. It
// reports false where that cannot be.
func (w *walker) refineBoth(cc uint8, taken, s *state) (takes, falls bool) {
	f := &s.flags
	if !f.valid {
		return true, true
	}
	a, b := s.compared()
	if a.kind() == kElemHigh || a.kind() == kElemTop {
		w.refineType(cc, taken, &a, &b)
		w.refineType(cc^1, s, &a, &b)
		return true, true
	}
	x, y := a.low(f.size), b.low(f.size)
	if x.kind() != kRange || y.kind() != kRange {
		return true, true
	}
	return taken.refine(cc, &a, &x, &y), s.refine(cc^1, &a, &x, &y)
}

// refine uses that a condition holds for a, whose low bytes are x, and for what has the low bytes y.
func (s *state) refine(cc uint8, a, x, y *value) bool {
	f := &s.flags
	lo, hi, ok := bounds(cc, f.size, f.b == noReg && f.imm == 0, x, y)
	if ok && lo > hi {
		return false
	}
	if f.b != noReg && swapped[cc] != 0 {
		if blo, bhi, ok := bounds(swapped[cc], f.size, false, y, x); ok && blo <= bhi {
			s.narrowReg(f.b, f.size, blo, bhi)
		}
	}
	if !ok {
		return true
	}
	if f.a != noReg {
		s.narrowReg(f.a, f.size, lo, hi)
		return true
	}
	if f.gone {
		if f.size == 4 && a.kind() == kRange {
			s.narrowEqual(a.id(), f.size, lo, hi)
		}
		return true
	}
	v := *x
	v.narrow(f.size, lo, hi)
	if i := s.slots.find(f.off, f.size); i < 0 {
		s.addSlot(f.off, f.size, v)
	} else if s.slots[i].v.kind() == kRange {
		s.ownSlots()
		s.slots[i].v = v
	}
	if f.size < 8 || v.is32() { // else what is equal to its low half is not between the bounds
		s.narrowEqual(v.id(), f.size, lo, hi)
	}
	return true
}

// addSlot notes a fact of a place of which nothing was known: not if something was of a larger
// one that holds it.
func (s *state) addSlot(off int32, size uint8, v value) {
	if from, to := s.slots.overlap(off, int32(size)); from == to {
		s.store(off, size, v)
	}
}

// refineCopy uses that a condition holds for what is a copy of size bytes of a register. A
// comparison of more bytes tells nothing of them, unless the others are known to be zero.
func (w *walker) refineCopy(cc uint8, s *state, r reg, size uint8, v *value) {
	f := &s.flags
	if !f.valid || f.gone || f.a == noReg || v.kind() != kRange || f.size > size && !s.regs[f.a].is32() {
		return
	}
	same := f.a == r || v.id() != 0 && s.regs[f.a].id() == v.id() && s.regs[f.a].kind() == kRange && f.size == 4
	if !same {
		return
	}
	a, b := s.compared()
	x, y := a.low(f.size), b.low(f.size)
	if x.kind() != kRange || y.kind() != kRange {
		return
	}
	if lo, hi, ok := bounds(cc, f.size, f.b == noReg && f.imm == 0, &x, &y); ok && lo <= hi {
		v.narrow(f.size, lo, hi)
	}
}

// bounds gives the range of a number of size bytes, x, as an unsigned one, if x cc y. For 8
// bytes it is a signed one.
func bounds(cc, size uint8, zero bool, x, y *value) (lo, hi int64, ok bool) {
	lo, hi = x.lo, x.hi
	top := int64(maxInt)
	if size < 8 {
		top = int64(1)<<(8*size-1) - 1
	}
	if zero { // the sign of a difference with 0
		switch cc {
		case negative:
			cc = less
		case positive:
			cc = greaterEqual
		}
	}
	switch cc {
	case equal:
		lo, hi = max(lo, y.lo), min(hi, y.hi)
	case notEqual:
		if y.lo == y.hi && lo == y.lo {
			lo++
		}
		if y.lo == y.hi && hi == y.lo {
			hi--
		}
	case below, belowEqual, above, aboveEqual:
		if y.lo < 0 {
			return 0, 0, false
		}
		lo, hi = unsignedBounds(cc, lo, hi, y.lo, y.hi)
	case less, lessEqual, greater, greaterEqual:
		lo, hi, ok = signedBounds(cc, size, top, lo, hi, y)
		if !ok {
			return 0, 0, false
		}
	default:
		return 0, 0, false
	}
	return lo, hi, true
}

func unsignedBounds(cc uint8, lo, hi, blo, bhi int64) (int64, int64) {
	switch cc {
	case below, belowEqual:
		if cc == below {
			bhi--
		}
		if lo < 0 || hi > bhi {
			hi = bhi
		}
		return max(lo, 0), hi
	case above:
		blo++
	}
	if lo < 0 { // it may be a large unsigned number
		return lo, hi
	}
	return max(lo, blo), hi
}

func signedBounds(cc, size uint8, top, lo, hi int64, y *value) (int64, int64, bool) {
	signed := size == 8 || hi <= top && y.hi <= top
	switch {
	case signed:
	case y.hi <= top && (cc == greater || cc == greaterEqual):
		hi = min(hi, top) // not negative
	case y.isConst() && y.lo == 2*top+1 && cc == greater: // more than -1
		return max(lo, 0), min(hi, top), true
	default:
		return 0, 0, false
	}
	switch cc {
	case less:
		if y.hi == minInt {
			return 0, 0, false
		}
		hi = min(hi, y.hi-1)
	case lessEqual:
		hi = min(hi, y.hi)
	case greater:
		if y.lo == maxInt {
			return 0, 0, false
		}
		lo = max(lo, y.lo+1)
	case greaterEqual:
		lo = max(lo, y.lo)
	}
	return lo, hi, true
}

// narrow uses that the low size bytes are from lo to hi.
func (v *value) narrow(size uint8, lo, hi int64) {
	if v.kind() != kRange {
		return
	}
	most := int64(1)<<(8*size) - 1
	if size == 8 || v.lo >= 0 && v.hi <= most {
		lo, hi = max(lo, v.lo), min(hi, v.hi)
		if lo <= hi {
			v.lo, v.hi = lo, hi
		}
		return
	}
	v.setLow(uint16(size), uint32(lo), uint32(hi))
}

// narrowReg narrows a register and all that is equal to it.
func (s *state) narrowReg(r reg, size uint8, lo, hi int64) {
	v := &s.regs[r]
	v.narrow(size, lo, hi)
	s.changed(r)
	if size == 8 && !v.is32() {
		return
	}
	if v.kind() == kRange {
		s.narrowEqual(v.id(), size, lo, hi)
	}
}

// narrowEqual narrows what has equal low halves.
func (s *state) narrowEqual(id uint32, size uint8, lo, hi int64) {
	if id == 0 || size < 4 {
		return
	}
	for i := range s.regs {
		if v := &s.regs[i]; v.kind() == kRange && v.id() == id && (size == 4 || v.is32()) {
			v.narrow(size, lo, hi)
			s.changed(reg(i))
		}
	}
	for i := range s.slots {
		if v := &s.slots[i].v; v.kind() == kRange && v.id() == id && (size == 4 || v.is32()) {
			s.ownSlots()
			s.slots[i].v.narrow(size, lo, hi)
		}
	}
}

// refineType uses that an entry's type id is a constant.
func (w *walker) refineType(cc uint8, s *state, a, b *value) {
	f := &s.flags
	if cc != equal || !b.isConst() || w.area == nil || a.id() == 0 {
		return
	}
	typ := b.lo
	if a.kind() == kElemTop {
		if f.size != 8 || typ&max32 != 0 {
			return
		}
		typ >>= 32
	} else if f.size < 4 {
		return
	}
	if typ <= 0 || typ > w.area.types {
		return
	}
	for i := range s.regs {
		if v := &s.regs[i]; v.id() == a.id() {
			v.setType(a.id(), uint16(typ))
			s.changed(reg(i))
		}
	}
	for i := range s.slots {
		if s.slots[i].v.id() == a.id() {
			s.ownSlots()
			s.slots[i].v.setType(a.id(), uint16(typ))
		}
	}
}

func (v *value) setType(id uint32, typ uint16) {
	switch v.kind() {
	case kElem, kElemHigh, kElemTop, kElemLow, kCallee:
		if v.id() == id {
			v.lows = uint64(typ)
		}
	}
}
