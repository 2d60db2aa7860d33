package verify

// Most functions are walked once. Where a loop is entered, what it changes is forgotten at once,
// but for what mostly stays: whether a number has 32 bits or few, and constants that no counter begins
// with, which are often set again. What comes back from the loop's end then mostly fits, and if not,
// that is forgotten as well and its start is walked again. That is a guess, which costs precision and
// nothing else: a function that is refused after one is walked again, first with all constants kept,
// then without guesses.

// guesses are how a function is walked, one after the other until it is accepted.
type guesses uint8

const (
	bold guesses = iota
	constants
	exact
)

// counter is what many a loop counts from, or less.
const counter = 16

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
	if in.op != opPop { // at the end of a function: what is saved is not changed
		c.set(in.dst)
	}
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

// findLoops finds out where loops start and end, and what each changes.
func (w *walker) findLoops() {
	first := int32(len(w.order))
	for _, e := range w.ways {
		from, b := w.blocks[e.from].rank, &w.blocks[e.to]
		b.last = max(b.last, from)
		first = min(first, b.rank)
	}
	for k := int32(len(w.order)) - 1; k >= first && w.budget >= 0; k-- { // those within others first
		if b := &w.blocks[w.order[k]]; b.last >= 0 {
			b.loop = w.changedIn(k, b.last)
			b.summed = true
		}
	}
}

// changesOf is what a block writes.
func (w *walker) changesOf(n int32) *changes {
	b := &w.blocks[n]
	if !b.noted {
		b.noted = true
		for i := b.first; i < b.end; i++ {
			b.changes.note(&w.insts[i])
		}
	}
	return &b.changes
}

// changedIn is what the blocks from one rank to another change.
func (w *walker) changedIn(first, last int32) (c changes) {
	for k := first; k <= last; k++ {
		w.budget--
		b := &w.blocks[w.order[k]]
		if b.summed && b.last <= last {
			c.add(&b.loop)
			k = b.last
		} else {
			c.add(w.changesOf(w.order[k]))
		}
	}
	return c
}

// guess forgets of a state that enters a loop at a block what the loop changes.
func (w *walker) guess(b *block, s *state) { w.forgetChanged(b.rank, b.last, s) }

// forgetChanged forgets what the blocks from one rank to another change.
func (w *walker) forgetChanged(first, last int32, s *state) {
	if w.guesses == exact {
		return
	}
	w.guessed = true
	c := w.changedIn(first, last)
	for r := range s.regs {
		if v := &s.regs[r]; c.regs>>r&1 != 0 {
			s.put(reg(r), v.vague(w.guesses))
		}
	}
	w.forgetSlots(&c, s)
	s.flags.valid = false
}

// forgetSlots forgets what is known of places in the frame that are changed.
func (w *walker) forgetSlots(c *changes, s *state) {
	if c.stack[0]|c.stack[1] == 0 {
		return
	}
	s.ownSlots()
	kept := s.slots[:0]
	for _, t := range s.slots {
		if n := uint32(t.off+s.depth) / 8; n < 128 && c.stack[n/64]>>(n%64)&1 != 0 && t.v.kind() == kRange {
			if t.v = t.v.vague(w.guesses); t.v.isAnything(t.size) {
				continue
			}
		}
		kept = append(kept, t)
	}
	s.slots = kept
}

// vague is what is guessed to stay of a value that a loop changes.
func (v *value) vague(g guesses) value {
	switch {
	case v.kind() == kEntry:
		return unknown
	case v.kind() != kRange:
		return *v
	case v.isConst():
		if g == constants || v.lo < -counter || v.lo > counter {
			return *v
		}
	case v.lo >= 0 && v.hi < 1<<16:
		return value{hi: v.hi}
	}
	return v.wide()
}

// wide is what is known of a number if nothing is but whether it has 32 bits, or is a sum of two
// such.
func (v *value) wide() value {
	switch {
	case v.is32():
		return unknown32
	case v.lo >= 0 && v.hi < 1<<33:
		return value{hi: 1<<33 - 1}
	}
	return unknown
}
