package verify

import "encoding/binary"

// Most functions are walked once. Where a loop is entered, all that it changes is forgotten at once,
// but whether a number has 32 bits; what comes back from its end then mostly fits, and if not,
// its start is walked again like any other place. That is a guess, which costs precision and nothing
// else: a function that is refused after one is walked again without.

// loop is what a block that is the start of a loop leads to.
type loop struct{ last int32 } // highest rank of what leads back to it, -1: none

// changes are what a block writes, as far as it is seen without walking.
type changes struct {
	regs  uint16
	stack [2]uint64 // by distance from rsp, in words
}

func (c *changes) add(o *changes) {
	c.regs |= o.regs
	c.stack[0] |= o.stack[0]
	c.stack[1] |= o.stack[1]
}

const callChanges = 1<<rax | 1<<rcx | 1<<rdx | 1<<rsi | 1<<rdi | 1<<r8 | 1<<r9 | 1<<r10 | 1<<r11

// note adds what an instruction writes.
func (c *changes) note(in *inst) {
	switch in.op {
	case opCall, opCallInd:
		c.regs |= callChanges
	case opMulDiv:
		c.regs |= 1<<rax | 1<<rdx
	case opCmpxchg:
		c.regs |= 1 << rax
	case opXchg, opXadd:
		c.set(in.src)
	}
	c.set(in.dst)
	if m := &in.mem; m.access&writes != 0 && m.base == rsp && !m.gs {
		for at := m.disp; at < m.disp+int64(in.mem.size); at += 8 {
			if n := uint64(at) / 8; n < 128 {
				c.stack[n/64] |= 1 << (n % 64)
			}
		}
	}
}

func (c *changes) set(r reg) {
	if r != noReg {
		c.regs |= 1 << r.full()
	}
}

// findLoops finds out what each block writes and where loops start and end.
func (w *walker) findLoops() {
	n := len(w.order)
	w.loops, w.changes = resize(w.loops, n, loop{-1}), resize(w.changes, n, changes{})
	rank, open := int32(0), false
	for i := range w.insts {
		if w.leader[i] {
			if open {
				w.back(rank, int32(i))
			}
			rank, open = w.rank[i], true
		}
		in := &w.insts[i]
		w.changes[rank].note(in)
		switch in.op {
		case opJmp, opJcc:
			if in.local {
				w.back(rank, in.target)
			}
		case opJmpInd:
			for _, t := range w.targets {
				w.back(rank, t)
			}
		}
		switch in.op {
		case opJmp, opJmpInd, opRet, opTrap:
			open = false
		}
	}
}

// back notes an edge, if it leads back.
func (w *walker) back(from, to int32) {
	if r := w.rank[to]; r <= from {
		w.loops[r].last = max(w.loops[r].last, from)
	}
}

// guess forgets of a state that enters a loop what the loop changes.
func (w *walker) guess(i int32, s *state) {
	first := w.rank[i]
	if w.precise || int(first) >= len(w.loops) || w.loops[first].last < first {
		return
	}
	w.guessed = true
	var c changes
	last := w.loops[first].last
	for k := first; k <= last; k++ {
		c.add(&w.changes[k])
	}
	w.v.budget -= int64(last-first) / 8
	for r := range s.regs {
		if v := &s.regs[r]; c.regs>>r&1 != 0 && v.kind == kRange {
			*v = v.vague()
		}
	}
	kept := s.slots[:0]
	for _, t := range s.slots {
		if n := uint32(t.off+s.depth) / 8; n < 128 && c.stack[n/64]>>(n%64)&1 != 0 && t.v.kind == kRange {
			if t.v = t.v.vague(); t.v.isAnything(t.size) {
				continue
			}
		}
		kept = append(kept, t)
	}
	s.slots = kept
	s.flags.valid = false
}

// vague is what is known of a number if nothing is but whether it has 32 bits.
func (v *value) vague() value {
	if v.is32() {
		return unknown32
	}
	return unknown
}

// maxGuessed bounds how many entries of a table are looked at.
const maxGuessed = 1 << 12

// guessTargets finds where jump tables lead: most are those whose address is taken in the function,
// and an entry that leads to an instruction of it is one. This is for the order only.
func (w *walker) guessTargets() {
	w.targets = w.targets[:0]
	indirect := false
	for i := range w.insts {
		indirect = indirect || w.insts[i].op == opJmpInd
	}
	for i := 0; indirect && i < len(w.insts); i++ {
		in := &w.insts[i]
		if in.op != opLea || !in.mem.rip {
			continue
		}
		base := int64(w.v.base) + int64(w.f.at)
		addr := base + int64(w.where[i]) + int64(in.len) + in.mem.disp
		for n := int64(0); n < maxGuessed; n++ {
			entry := w.v.rodata(addr+4*n, 4)
			w.v.budget--
			if entry == nil {
				break
			}
			off := addr + int64(int32(binary.LittleEndian.Uint32(entry))) - base
			if off < 0 || off >= int64(len(w.index)) || w.index[off] < 0 {
				break
			}
			if t := w.index[off]; !w.leader[t] || !w.seen[t] {
				w.leader[t], w.seen[t] = true, true
				w.targets = append(w.targets, t)
			}
		}
	}
}
