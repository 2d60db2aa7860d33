package verify

import "math/bits"

// flags is the last comparison. Its first operand is register a, or the place off on the stack,
// or, if that was overwritten, only was: what was known of it.
type flags struct {
	valid bool
	gone  bool // the first operand was overwritten
	size  uint8
	a, b  reg   // noReg: on the stack; noReg: compared with imm
	imm   int64 // sign-extended
	off   int32
	was   value
}

// same tells whether two comparisons are known to be the same one.
func (f *flags) same(o *flags) bool {
	return f.valid == o.valid && f.gone == o.gone && f.size == o.size && f.a == o.a && f.b == o.b && f.imm == o.imm && (f.a != noReg || f.gone || f.off == o.off) && (!f.gone || f.was == o.was)
}

// state is what is known at a place.
type state struct {
	regs     [16]value
	stamps   [16]uint32 // of regs: equal ones mean equal values, in all states of a function
	slots    slots
	own      bool // slots are this state's only, and may be changed; see ownSlots
	flags    flags
	pointers uint16 // registers that hold a copy of the stack pointer
	depth    int32  // the return address lies so far above rsp

	w *walker // whose it is

	jumped bool // setjmp was called: control may come back to where it was
	back   bool // since then the word Records was set back, so no longer
}

// open tells whether control may come back to a call of setjmp of this frame: what the frame
// needs must stay on the stack.
func (s *state) open() bool { return s.jumped && !s.back }

// entryState is what a function may take for granted.
func entryState(s *state, w *walker) {
	*s = state{w: w}
	for r := range s.regs {
		s.regs[r] = unknown
	}
	for _, r := range calleeSaved {
		s.regs[r] = value{meta: uint64(kEntry), lo: int64(r)}
		s.stamps[r] = stampEntry + uint32(r)
	}
}

// Stamps of what is frequent; others are given to one value each.
const (
	stampUnknown   = iota
	stampUnknown32 // of 4 bytes that may be anything,
	stampUnknown16
	stampUnknown8
	stampZero
	stampEntry = 16 // of register 0, and so on
	stampFirst = 32 // of others
)

// maxStamp is far more than any function needs; an instruction takes a few dozens at most.
const maxStamp = 1 << 31

// changed gives the value of a register a stamp of its own.
func (s *state) changed(r reg) {
	s.w.stamp++
	s.stamps[r&15] = s.w.stamp
}

// put gives a register a value that is not its first operand any more of the last comparison, or is no operand of it.
func (s *state) put(r reg, v value) {
	s.regs[r&15] = v
	s.changed(r)
}

// ownSlots makes the slots this state's own, before they are changed: states share them.
func (s *state) ownSlots() {
	if s.own {
		return
	}
	s.own = true
	s.slots = s.w.copySlots(s.slots)
}

// slabSize is how many slots are in one piece of memory.
const slabSize = 1 << 10

// copySlots copies to where there is room for a few more.
func (w *walker) copySlots(l slots) slots {
	const more = 4
	n := len(l) + more
	if w.slab == 0 || slabSize-w.slotsUsed < n {
		if w.slab == len(w.slabs) {
			w.slabs = append(w.slabs, new([slabSize]slot))
		}
		w.slab++
		w.slotsUsed = 0
	}
	at := w.slotsUsed
	w.slotsUsed += n
	c := w.slabs[w.slab-1][at : at+len(l) : at+n]
	copy(c, l)
	return c
}

// calleeSaved are the registers that a function gives back as it got them.
var calleeSaved = [...]reg{rbx, rbp, r12, 13, 14, r15}

func (s *state) copyTo(d *state) {
	s.own = false
	*d = *s
}

// set gives a register a value.
func (s *state) set(r reg, v value) {
	if f := &s.flags; f.valid && (f.a == r || f.b == r) {
		s.overwritten(f.b != r)
	}
	s.put(r, v)
	s.pointers &^= 1 << r
}

// setAny gives a register an unknown value of so many bytes.
func (s *state) setAny(r reg, size uint8) {
	if f := &s.flags; f.valid && (f.a == r || f.b == r) {
		s.overwritten(f.b != r)
	}
	a := &anyOf[size]
	s.regs[r&15], s.stamps[r&15] = a.v, a.stamp
	s.pointers &^= 1 << (r & 15)
}

type stamped struct {
	v     value
	stamp uint32
}

// anyOf is what is known of so many bytes if nothing is.
var anyOf = [17]stamped{
	1: {anything(1), stampUnknown8}, 2: {anything(2), stampUnknown16}, 4: {unknown32, stampUnknown32}, 8: {unknown, stampUnknown}, 16: {unknown, stampUnknown},
}

// overwritten says that an operand of the last comparison will no longer be there.
func (s *state) overwritten(first bool) {
	f := &s.flags
	if first {
		f.was = s.first()
	}
	if !first || f.was.id() == 0 {
		f.valid = false
		return
	}
	f.gone, f.a = true, noReg
}

// forget drops what is known of [off, off+size). It reports false if that is something that
// must stay, as control may come back to a setjmp.
func (s *state) forget(off, size int32) bool {
	if s.open() && !s.w.mayChange(off, size) {
		return false
	}
	f := &s.flags
	if f.valid && f.a == noReg && !f.gone && f.off < off+size && off < f.off+int32(f.size) {
		s.overwritten(true)
	}
	if from, to := s.slots.overlap(off, size); from < to {
		s.ownSlots()
		s.slots.forget(from, to)
	}
	return true
}

// release moves the stack pointer up and forgets what lay there. Like forget it reports false
// if that must stay.
func (s *state) release(depth int32) bool {
	if depth < s.depth && s.open() && !s.w.mayChange(-s.depth, s.depth-depth) {
		return false
	}
	s.depth = depth
	if f := &s.flags; f.valid && f.a == noReg && !f.gone && f.off < -depth {
		s.overwritten(true) // what lies below the stack pointer changes at any time
	}
	s.slots.release(-depth) // which changes no slot
	return true
}

// lowest is the distance from rsp to the first thing that a callee must not touch: something
// known on the stack, or the return address.
func (s *state) lowest() int32 {
	low := int32(0)
	if n := len(s.slots); n > 0 {
		low = min(low, s.slots[n-1].off)
	}
	if s.open() {
		low = min(low, s.w.lowestPin())
	}
	return low + s.depth
}

// called forgets what a call changes.
func (s *state) called() {
	for _, r := range [...]reg{rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11} {
		s.regs[r], s.stamps[r] = unknown, stampUnknown
	}
	s.flags.valid = false
}

// setjmp is called's counterpart for a call that may return again, when the frame has changed.
func (s *state) returnsTwice() {
	s.called()
	s.ownSlots()
	kept := s.slots[:0]
	for _, t := range s.slots {
		if s.w.pin(t.off, int32(t.size)) {
			kept = append(kept, t)
		}
	}
	s.slots = kept
	s.jumped, s.back = true, false
}

// renumber ends the use of id for values from before: the instruction of that number is
// executed again.
func (s *state) renumber(id uint32) {
	if s.w.fresh {
		return // it was not executed yet
	}
	if s.flags.was.id() == id {
		s.flags.valid = false
	}
	for r := range s.regs {
		if v := &s.regs[r]; v.id() == id {
			v.drop(id)
			s.changed(reg(r))
		}
	}
	for i := range s.slots {
		if s.slots[i].v.id() == id {
			s.ownSlots()
			s.slots[i].v.drop(id)
		}
	}
}

func (v *value) drop(id uint32) {
	if v.id() != id {
		return
	}
	switch v.kind() {
	case kRange:
		v.setID(0)
	case kElem, kElemHigh, kElemTop, kElemLow, kCallee:
		*v = v.plain()
	}
}

// merge joins another state into s. changed tells whether s became less precise; problem is
// why the two do not fit.
func (s *state) merge(o *state, place uint32, how joining) (changed bool, problem string) {
	if s.depth != o.depth {
		return false, "the stack pointer differs between ways to here"
	}
	for m := s.differs(o); m != 0; m &= m - 1 {
		if r := reg(bits.TrailingZeros16(m)); s.mergeReg(o, r, place, how) {
			changed = true
		}
	}
	if s.flags.valid && !s.flags.same(&o.flags) {
		s.flags.valid = false
		changed = true
	}
	open, jumped := s.open() || o.open(), s.jumped || o.jumped
	if jumped != s.jumped || open != s.open() {
		s.jumped, s.back = jumped, !open
		changed = true
	}
	return s.mergeSlots(o.slots, how) || changed, ""
}

// differs are the registers of which something is known, and not that they are the same as in another state.
func (s *state) differs(o *state) (m uint16) {
	for r := range s.stamps {
		n := uint16(0)
		if s.stamps[r] != o.stamps[r] {
			n = 1
		}
		m |= n << r
	}
	return m
}

// mergeReg joins what is known of a register.
func (s *state) mergeReg(o *state, r reg, place uint32, how joining) (changed bool) {
	a, b := &s.regs[r&15], &o.regs[r&15]
	switch {
	case *a == *b || *a == unknown:
		return false
	case o.stamps[r&15] == stampUnknown && a.width() == 0:
		*a, s.stamps[r&15] = unknown, stampUnknown
		return true
	}
	v := join(a, b, how)
	if a.kind() == kElem && b.kind() == kElem {
		if e, ok := s.mergeElem(o, r, place); ok {
			v = e
		}
	}
	if v == *a {
		return false
	}
	s.put(r, v)
	return true
}

// nowhere is where entries of tables are not joined.
const nowhere = 1 << 26

// mergeElem joins two entries of tables, whose types were not compared yet, to one with a number
// of its own. That is done only where there is no other value that comes from an entry, which
// might go by the same number and be another.
func (s *state) mergeElem(o *state, r reg, place uint32) (value, bool) {
	a, b := &s.regs[r], &o.regs[r]
	if a.kind() != kElem || b.kind() != kElem || a.typ() != b.typ() || place >= nowhere || !s.onlyElem(r) || !o.onlyElem(r) {
		return value{}, false
	}
	v := *a
	v.setID(1<<31 | place<<4 | uint32(r))
	return v, true
}

// onlyElem tells whether no other place than r has a value that comes from a table's entry.
func (s *state) onlyElem(r reg) bool {
	for i := range s.regs {
		if reg(i) != r && s.regs[i].isElem() {
			return false
		}
	}
	for i := range s.slots {
		if s.slots[i].v.isElem() {
			return false
		}
	}
	return !s.flags.valid || !s.flags.was.isElem()
}

func (v *value) isElem() bool { return v.kind() >= kElem && v.kind() <= kCallee }
