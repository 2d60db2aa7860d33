package verify

import (
	"encoding/binary"
	"fmt"
)

// walker verifies one function after the other and keeps its memory for the next.
type walker struct {
	v    *verifier
	n    int32 // of the function
	f    *function
	area *area // nil: the runtime's
	at   uint32

	insts   []inst
	where   []uint32 // offset of each instruction, from the function's start
	index   []int32  // of the instruction at each offset; -1: none starts there
	leader  []bool   // instructions where ways may meet
	order   []int32  // leaders, each after those that lead to it, but for loops
	rank    []int32  // place in order
	current int32    // that of the block that is walked
	in      []int32  // index of the state of each leader; -1: not reached
	visits  []uint8
	dirty   []bool
	ran     []bool // instructions that were executed
	fresh   bool   // the current one was not
	lowest  int32  // no dirty one has a lower rank
	pruned  bool   // some condition never holds

	seen    []bool
	stack   []visit
	targets []int32 // of jump tables, as far as they can be guessed

	loops   []loop // by rank; see loop.go
	changes []changes
	guessed bool
	precise bool

	states []state
	used   int
	edges  []edge

	pins     []pin // see setjmp.go
	unpinned []int32
	again    bool

	now    state
	branch state
}

// edge is a call: where, of what (a function, or minus a type), and how many bytes from the
// stack pointer on the callee may write, as nothing is known of them that is used later.
type edge struct {
	caller int32
	at     uint32
	callee int32
	room   int32
}

// function verifies function n.
func (w *walker) function(n int32) error {
	w.pins, w.unpinned = w.pins[:0], w.unpinned[:0]
	edges := len(w.edges)
	for w.precise = false; ; {
		w.again, w.guessed, w.edges = false, false, w.edges[:edges]
		err := w.attempt(n)
		switch {
		case w.again:
		case err != nil && w.guessed:
			w.precise = true
			w.pins, w.unpinned = w.pins[:0], w.unpinned[:0]
		default:
			return err
		}
	}
}

func (w *walker) attempt(n int32) error {
	f := &w.v.funcs[n]
	w.n, w.f, w.area = n, f, nil
	if f.program >= 0 {
		w.area = &w.v.areas[f.program]
	}
	if err := w.decode(); err != nil {
		return err
	}
	w.sort()
	w.current = -1
	entryState(&w.now, w)
	if problem := w.reach(0, &w.now); problem != "" {
		return w.fail(0, problem)
	}
	// What is reached is walked in order; where a loop leads back, from there again.
	for k := int32(0); k < int32(len(w.order)); { // grows, where jump tables lead
		i := w.order[k]
		w.lowest = k + 1
		if w.dirty[i] {
			w.dirty[i] = false
			if err := w.block(int(i)); err != nil {
				return err
			}
		}
		w.v.budget -= int64(k+1-w.lowest) / 8
		k = w.lowest
	}
	return w.unreached()
}

// unreached checks that what control does not reach is padding: unless some way was found to be
// never taken, which clang may not have found.
func (w *walker) unreached() error {
	reached := false
	for i := range w.insts {
		if w.leader[i] {
			reached = w.in[i] >= 0
		}
		in := &w.insts[i]
		if !reached && !w.pruned && in.op != opPad && in.op != opTrap {
			return w.fail(i, "code that nothing leads to")
		}
		switch in.op {
		case opJmp, opJmpInd, opRet, opTrap:
			reached = false
		case opCall:
			reached = reached && !(w.mayEnd(i) && !w.v.returns(in.target))
		}
	}
	return nil
}

func (w *walker) fail(i int, problem string) error {
	in := &w.insts[i]
	off := w.f.at + w.where[i]
	return w.v.fail(w.f, off, "%s [% x]", problem, w.v.text[off:off+uint32(in.len)])
}

// decode takes all of a function apart and finds the targets of its direct jumps.
func (w *walker) decode() error {
	size := int(w.f.end - w.f.at)
	w.insts, w.where = w.insts[:0], w.where[:0]
	w.index = resize(w.index, size, -1)
	text := w.v.text[w.f.at:w.f.end]
	for pos := 0; pos < size; {
		w.insts = append(w.insts, inst{})
		in := &w.insts[len(w.insts)-1]
		if !decode(text[pos:], in) {
			most := min(size, pos+8)
			return w.v.fail(w.f, w.f.at+uint32(pos), "an instruction that is not allowed [% x]", text[pos:most])
		}
		w.index[pos] = int32(len(w.insts) - 1)
		w.where = append(w.where, uint32(pos))
		pos += int(in.len)
	}
	n := len(w.insts)
	w.leader, w.dirty, w.ran = resize(w.leader, n, false), resize(w.dirty, n, false), resize(w.ran, n, false)
	w.in, w.visits = resize(w.in, n, -1), resize(w.visits, n, 0)
	w.used = 0
	if n == 0 {
		return w.v.fail(w.f, w.f.at, "a function without code")
	}
	w.leader[0], w.pruned = true, false
	return w.link()
}

// link finds the targets of direct jumps and calls, whether they are ever taken or not.
func (w *walker) link() error {
	for i := range w.insts {
		in := &w.insts[i]
		if in.op != opJmp && in.op != opJcc && in.op != opCall {
			continue
		}
		t := int64(w.where[i]) + int64(in.len) + in.imm
		problem := ""
		if in.local = in.op != opCall && t >= 0 && t < int64(len(w.index)); !in.local {
			in.target, problem = w.callee(t)
		} else if in.target = w.index[t]; in.target < 0 {
			problem = "a jump into the middle of an instruction"
		} else {
			w.leader[in.target] = true
		}
		if problem != "" {
			return w.fail(i, problem)
		}
	}
	return nil
}

func resize[T any](s []T, n int, v T) []T {
	if cap(s) < n {
		s = make([]T, n, n+n/2)
	}
	s = s[:n]
	for i := range s {
		s[i] = v
	}
	return s
}

// manyVisits is after how many visits of a place bounds are widened.
const manyVisits = 4

// reach brings a state to instruction i.
func (w *walker) reach(i int32, s *state) string {
	if !w.leader[i] {
		// A target of an indirect jump that nothing else showed to be one: what runs into
		// it from above is walked again, and then stops here.
		w.leader[i] = true
		w.rank[i] = int32(len(w.order))
		w.order = append(w.order, i)
		above := i - 1
		for above > 0 && !w.leader[above] {
			above--
		}
		w.v.budget -= int64(i-above) / 8
		if above >= 0 && w.in[above] >= 0 {
			w.mark(above)
		}
	}
	if w.in[i] < 0 {
		if w.used == len(w.states) {
			w.states = append(w.states, state{})
		}
		w.in[i] = int32(w.used)
		s.copyTo(&w.states[w.used])
		w.guess(i, &w.states[w.used])
		w.used++
		w.mark(i)
		return ""
	}
	// Each circle has a way back; only there widening is needed.
	back := w.rank[i] <= w.current
	if back && w.visits[i] < 255 {
		w.visits[i]++
	}
	changed, problem := w.states[w.in[i]].merge(s, w.where[i], back && w.visits[i] > manyVisits)
	if changed {
		w.mark(i)
	}
	return problem
}

func (w *walker) mark(i int32) {
	w.dirty[i] = true
	w.lowest = min(w.lowest, w.rank[i])
}

// block walks from a leader until control goes elsewhere.
func (w *walker) block(i int) error {
	s := &w.now
	w.current = w.rank[i]
	w.states[w.in[i]].copyTo(s)
	for {
		if w.v.budget--; w.v.budget < 0 {
			return w.fail(i, "the file takes too long to verify")
		}
		w.at, w.fresh, w.ran[i] = w.f.at+w.where[i], !w.ran[i], true
		in := &w.insts[i]
		on, problem := true, ""
		if in.op >= opCall || in.op == opTrap {
			if in.op == opCall {
				s.giveCopies()
			}
			on, problem = w.control(i, in, s)
		} else {
			problem = w.step(in, s)
		}
		if s.pointers != 0 && problem == "" && (in.op >= opCall || i+1 < len(w.insts) && w.leader[i+1]) {
			problem = copied
		}
		if problem != "" {
			return w.fail(i, problem)
		}
		if !on {
			return nil
		}
		if i++; i == len(w.insts) {
			return w.fail(i-1, "control runs off the end of the function")
		}
		if w.leader[i] {
			if problem := w.reach(int32(i), s); problem != "" {
				return w.fail(i, problem)
			}
			return nil
		}
	}
}

// targets reads the jump table that a value stands for.
func (w *walker) eachTarget(t *value, visit func(i int32) string) string {
	table := w.v.rodata(t.lo, 4*t.hi)
	if table == nil {
		return "a jump table outside of read-only data"
	}
	base := int64(w.v.roLow) + int64(t.id) - int64(w.v.base) - int64(w.f.at)
	if w.v.budget -= t.hi; w.v.budget < 0 {
		return "the file takes too long to verify"
	}
	last := int64(-1)
	for k := int64(0); k < t.hi; k++ {
		off := base + int64(int32(binary.LittleEndian.Uint32(table[4*k:])))
		if off == last {
			continue
		}
		last = off
		if off < 0 || off >= int64(len(w.index)) || w.index[off] < 0 {
			return fmt.Sprintf("entry %d of the jump table at %#x leads to %#x, which is no instruction of the function",
				k, t.lo, int64(w.v.base)+int64(w.f.at)+off)
		}
		if problem := visit(w.index[off]); problem != "" {
			return problem
		}
	}
	return ""
}
