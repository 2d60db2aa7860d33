package verify

import (
	"slices"

	"vkernel/internal/engine/layout"
)

// operand checks the memory operand of an instruction, and gives what a load of it yields, extended with
// zeros.
func (w *walker) operand(in *inst, s *state) (value, string) {
	m := &in.mem
	switch {
	case m.gs:
		return w.guest(in, s)
	case m.rip:
		return w.constantData(in, w.next(in))
	case m.base == rsp:
		return w.frame(in, s, -int64(s.depth))
	case m.base != noReg && s.regs[m.base].kind() == kStack:
		return w.frame(in, s, s.regs[m.base].lo)
	case m.base == noReg:
		return unknown, "a memory operand with an absolute address"
	case s.regs[m.base].kind() == kRodata:
		return w.tableData(in, s)
	case m.index != noReg && m.scale == 1 && s.regs[m.index].kind() == kRodata:
		swapped := *in
		swapped.mem.base, swapped.mem.index = m.index, m.base
		return w.tableData(&swapped, s)
	}
	return unknown, "a memory operand that is not relative to GS, in the frame, or in read-only data"
}

// address is the range of base + index*scale + disp.
func (w *walker) address(m *memory, s *state) (value, bool) {
	v := constant(m.disp)
	if m.base != noReg && m.index == noReg && m.base != rsp && s.regs[m.base].is32() { // mostly
		b := &s.regs[m.base]
		return value{meta: uint64(min(b.tz(), v.tz())) << tzShift, lo: b.lo + m.disp, hi: b.hi + m.disp}, true
	}
	if m.base != noReg {
		b := s.regs[m.base]
		if b.kind() == kWord {
			b = b.plain()
		}
		if m.base == rsp || b.kind() != kRange {
			return unknown, false
		}
		v = add(8, &v, &b)
	}
	if m.index != noReg {
		i := &s.regs[m.index]
		if i.kind() != kRange {
			return unknown, false
		}
		scaled := *i
		if m.scale > 1 {
			shift := map[uint8]uint{2: 1, 4: 2, 8: 3}[m.scale]
			scaled = shl(8, i, shift)
		}
		v = add(8, &v, &scaled)
	}
	return v, v.lo != minInt && v.hi != maxInt
}

// numbers says whether base and index are numbers: not the stack pointer, nor anything else that has a meaning.
func (w *walker) numbers(m *memory, s *state) bool {
	for _, r := range []reg{m.base, m.index} {
		if r != noReg && (r == rsp || s.regs[r].kind() != kRange) {
			return false
		}
	}
	return true
}

// guest is an access relative to GS: linear memory, or permitted words of the instance.
func (w *walker) guest(in *inst, s *state) (value, string) {
	if m := &in.mem; !m.narrow && m.base != noReg && s.regs[m.base].kind() == kWord && w.eitherWord(m, &s.regs[m.base]) {
		return anything(m.size), ""
	}
	a, ok := w.address(&in.mem, s)
	if in.mem.narrow {
		if !w.numbers(&in.mem, s) {
			return unknown, "a GS operand of 32 bits with what is not a number"
		}
		a, ok = unknown32, true
	}
	if !ok {
		return unknown, "a GS operand whose address has no bounds"
	}
	size := int64(in.mem.size)
	loaded := anything(in.mem.size)
	if a.lo >= 0 {
		if a.hi+size > reach {
			return unknown, "a GS operand that may lie beyond the reach of linear memory"
		}
		return loaded, ""
	}
	if a.hi+size > 0 {
		return unknown, "a GS operand that may lie below and above the base"
	}
	return w.instanceWord(in, s, &a, loaded)
}

// eitherWord tells whether a memory operand is one of two words of the instance that are globals or
// of the control page: clang makes one of two accesses that differ in nothing else.
func (w *walker) eitherWord(m *memory, either *value) bool {
	if w.area == nil || m.index != noReg {
		return false
	}
	allowed := readable[:]
	if m.access&writes != 0 {
		allowed = writable[:]
	}
	ours := func(at int64) bool {
		holds := func(s span) bool { return s.holds(at, at+int64(m.size)) }
		return holds(w.area.globals) || slices.ContainsFunc(allowed, holds)
	}
	return ours(either.lo+m.disp) && ours(either.hi+m.disp)
}

// instanceWord is an access below base.
func (w *walker) instanceWord(in *inst, s *state, a *value, loaded value) (value, string) {
	lo, hi := a.lo, a.hi+int64(in.mem.size)
	if w.area == nil {
		if in.mem.access&writes == 0 && lo == layout.Pages && hi == layout.Pages+4 {
			return loaded, ""
		}
		return unknown, "the runtime accesses a word of the instance"
	}
	if lo == layout.Records && hi == layout.Records+4 {
		return w.recordsWord(in, s)
	}
	if w.area.globals.holds(lo, hi) {
		return loaded, ""
	}
	if in.mem.access&writes != 0 {
		return unknown, w.storeWord(in, s, lo, hi)
	}
	for i := range readable {
		if readable[i].holds(lo, hi) {
			return loaded, ""
		}
	}
	for i := range w.area.tables {
		t := &w.area.tables[i]
		if !t.holds(lo, hi) {
			continue
		}
		if t.functions && in.mem.size == 8 && a.tz() >= 3 && in.op == opMov && in.dst.isGeneral() {
			id := w.number()
			s.renumber(id)
			return value{meta: uint64(kElem) | uint64(id)<<idShift}, ""
		}
		return loaded, ""
	}
	// Lengths, element segments: everything below the control page may be read.
	if lo >= -w.area.size && hi <= -layout.Control {
		return loaded, ""
	}
	return unknown, "a read of a word of the instance that is not the program's"
}

// storeWord checks a write of a word below base that is no global.
func (w *walker) storeWord(in *inst, s *state, lo, hi int64) string {
	for i := range writable {
		if writable[i].holds(lo, hi) {
			return ""
		}
	}
	for _, z := range w.area.zeros {
		if z == lo && hi == lo+4 && in.op == opMov && w.source(in, s).isZero() {
			return ""
		}
	}
	return "a write of a word of the instance that is not the program's"
}

func (v value) isZero() bool { return v.kind() == kRange && v.lo == 0 && v.hi == 0 }

// recordsWord is an access to Records: it holds what it held at the entry, until setjmp is
// called, and then only that may be written back.
func (w *walker) recordsWord(in *inst, s *state) (value, string) {
	if in.mem.access&writes == 0 {
		if s.jumped && !s.back {
			return unknown32, ""
		}
		return value{meta: uint64(kRecords)}, ""
	}
	if v := w.source(in, s); in.op != opMov || v.kind() != kRecords {
		return unknown, "a write of the number of setjmp records that does not restore it"
	}
	s.back = s.jumped
	return unknown, ""
}

// frame is an access relative to the stack pointer, which lies at the offset at.
func (w *walker) frame(in *inst, s *state, at int64) (value, string) {
	m := &in.mem
	if m.index != noReg {
		return unknown, "a stack operand with an index"
	}
	size := int64(m.size)
	off := m.disp + at
	switch {
	case m.disp < 0:
		return unknown, "an access below the stack pointer"
	case off+size <= 0: // the frame
	case off < 8:
		return unknown, "an access to the return address"
	case off+size-8 > maxFrame:
		return unknown, "an access far above the frame"
	default:
		w.f.args = max(w.f.args, int32(off+size-8))
	}
	if m.access&writes == 0 {
		return s.slots.load(int32(off), m.size), ""
	}
	old := s.slots.load(int32(off), m.size)
	if !s.forget(int32(off), int32(size)) {
		return unknown, "a store over a saved register, after setjmp"
	}
	v := w.source(in, s)
	switch in.op {
	case opMov:
		s.store(int32(off), m.size, v)
	case opSet:
		s.store(int32(off), m.size, between(0, 1))
	case opAdd, opSub, opAnd, opOr, opXor, opInc, opDec:
		if v = v.plain(); old.kind() == kRange && size >= 4 {
			s.store(int32(off), m.size, w.arithmetic(in, &old, &v))
		}
	}
	return old, ""
}

// constantData is a read at a fixed distance from the next instruction.
func (w *walker) constantData(in *inst, next int64) (value, string) {
	if in.mem.access&writes != 0 {
		return unknown, "a write relative to the instruction pointer"
	}
	if w.v.rodata(next+in.mem.disp, int64(in.mem.size)) == nil {
		return unknown, "a read relative to the instruction pointer outside of read-only data"
	}
	return anything(in.mem.size), ""
}

// tableData is a read of read-only data at an address in a register.
func (w *walker) tableData(in *inst, s *state) (value, string) {
	m := &in.mem
	b := &s.regs[m.base]
	if m.access&writes != 0 {
		return unknown, "a write to read-only data"
	}
	lo, hi, entries := b.lo+m.disp, b.hi+m.disp, true
	if m.index != noReg {
		i := &s.regs[m.index]
		if i.kind() != kRange || i.lo < minRead || i.hi > maxRead {
			return unknown, "a read of read-only data with an index that has no bounds"
		}
		scale := int64(m.scale)
		lo, hi = lo+i.lo*scale, hi+i.hi*scale
		entries = scale >= 4
	}
	if w.v.rodata(lo, hi-lo+int64(m.size)) == nil {
		return unknown, "a read that may lie outside of read-only data"
	}
	if in.op == opSext && in.srcSize == 4 && in.size == 8 && b.lo == b.hi && entries && (hi-lo)/4 < manyEntries {
		return value{meta: uint64(kJump), lo: lo, hi: (hi-lo)/4 + 1}, ""
	}
	return anything(in.mem.size), ""
}

const (
	minRead     = -1 << 33
	maxRead     = 1 << 33
	manyEntries = 1 << 20
)
