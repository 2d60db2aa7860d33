package verify

import (
	"slices"
)

// walker verifies one function after the other and keeps its memory for the next.
type walker struct {
	v      *verifier
	budget int64   // steps that may still be taken
	known  []int32 // bytes of arguments on the stack that each function takes, as far as was known; nil: as it is now

	n    int32 // of the function
	f    *function
	area *area // nil: the runtime's
	at   uint32

	insts    []inst
	index    []int32 // of the instruction at each offset, plus 1; 0: none starts there
	exits    []int32 // instructions that call, jump, return or stop
	blockAt  []int32 // the block that starts at each instruction, or noBlock
	blocks   []block // see order.go
	backward bool    // some direct jump leads back
	ways     []way   // that lead back
	order    []int32 // blocks, each after those that lead to it, but for loops
	lowest   int32   // no dirty one has a lower rank
	current  int32   // rank of the block that is walked
	fresh    bool    // the current instruction was not executed before
	pruned   bool    // some condition never holds
	stack    []visit
	targets  []int32 // instructions that jump tables lead to, as far as they can be guessed
	guesses  guesses // see loop.go
	guessed  bool

	states    []*[chunk]state   // of blocks, in pieces, so that they stay where they are
	stamp     uint32            // the last that was given, see state
	slabs     []*[slabSize]slot // see copySlots
	slab      int               // how many are used, or in part,
	slotsUsed int               // and how much of the last
	used      int32
	hubs      []hub // see hub.go
	usedHubs  int
	edges     []edge

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
	args   int32 // what was known then of how many it takes
}

func (v *verifier) newWalker() *walker { return &walker{v: v, budget: v.budget} }

// function verifies function n.
func (w *walker) function(n int32) error {
	w.pins, w.unpinned = w.pins[:0], w.unpinned[:0]
	edges := len(w.edges)
	for w.guesses = bold; ; {
		w.again, w.guessed, w.edges = false, false, w.edges[:edges]
		err := w.attempt(n)
		switch {
		case w.again:
		case err != nil && w.guessed:
			w.guesses++
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
	w.current, w.stamp, w.slab = -1, stampFirst, 0
	entryState(&w.now, w)
	if problem := w.reach(0, &w.now); problem != "" {
		return w.fail(0, problem)
	}
	// What is reached is walked in order; where a loop leads back, from there again.
	for k := int32(0); k < int32(len(w.order)); { // grows, where jump tables lead
		b := &w.blocks[w.order[k]]
		w.lowest = k + 1
		if b.dirty {
			b.dirty = false
			if err := w.block(b); err != nil {
				return err
			}
		}
		w.budget -= int64(k+1-w.lowest) / 8
		k = w.lowest
	}
	return w.unreached()
}

// unreached checks that what control does not reach is padding: unless some way was found to be
// never taken, which clang may not have found.
func (w *walker) unreached() error {
	exit := 0
	for i := int32(0); !w.pruned && int(i) < len(w.insts); {
		b := &w.blocks[w.blockAt[i]]
		end := i + 1
		for int(end) < len(w.insts) && w.blockAt[end] < 0 {
			end++
		}
		from := i
		if b.state >= 0 {
			from = end
			for ; exit < len(w.exits) && w.exits[exit] < end; exit++ {
				if w.ends(w.exits[exit]) {
					from = w.exits[exit] + 1
					break
				}
			}
		}
		for ; from < end; from++ {
			if op := w.insts[from].op; op != opPad && op != opTrap {
				return w.fail(int(from), "code that nothing leads to")
			}
		}
		for exit < len(w.exits) && w.exits[exit] < end {
			exit++
		}
		i = end
	}
	return nil
}

// ends tells whether an instruction never goes on to the next.
func (w *walker) ends(i int32) bool {
	in := &w.insts[i]
	switch in.op {
	case opJmp, opJmpInd, opRet, opTrap:
		return true
	case opCall:
		return w.mayEnd(int(i)) && !w.v.returns(in.target)
	}
	return false
}

func (w *walker) fail(i int, problem string) error {
	in := &w.insts[i]
	off := w.f.at + in.at
	return w.v.fail(w.f, off, "%s [% x]", problem, w.v.text[off:off+uint32(in.len)])
}

// decode takes all of a function apart and finds the targets of its direct jumps.
func (w *walker) decode() error {
	size := int(w.f.end - w.f.at)
	w.insts, w.exits, w.used, w.usedHubs = w.insts[:0], w.exits[:0], 0, 0
	w.index = resize(w.index, size, 0)
	text := w.v.text[w.f.at:w.f.end]
	for pos := 0; pos < size; {
		n := len(w.insts)
		if n == cap(w.insts) {
			w.insts = slices.Grow(w.insts, 1+(size-pos)/3)
		}
		w.insts = w.insts[:n+1]
		in := &w.insts[n]
		if !decode(w.v.text[int(w.f.at)+pos:], in) || pos+int(in.len) > size { // which may read what follows
			most := min(size, pos+8)
			return w.v.fail(w.f, w.f.at+uint32(pos), "an instruction that is not allowed [% x]", text[pos:most])
		}
		if in.op >= opTrap {
			w.exits = append(w.exits, int32(n))
		}
		in.at, w.index[pos] = uint32(pos), int32(n)+1
		pos += int(in.len)
	}
	if len(w.insts) == 0 {
		return w.v.fail(w.f, w.f.at, "a function without code")
	}
	w.blockAt, w.pruned = resize(w.blockAt, len(w.insts), noBlock), false
	return w.link()
}

// link finds the targets of direct jumps and calls, whether they are ever taken or not.
func (w *walker) link() error {
	w.blockAt[0], w.backward = 0, false
	for _, i := range w.exits {
		in := &w.insts[i]
		if in.op != opJmp && in.op != opJcc && in.op != opCall {
			continue
		}
		t := int64(in.at) + int64(in.len) + in.imm
		problem := ""
		if in.local = in.op != opCall && t >= 0 && t < int64(len(w.index)); !in.local {
			in.target, problem = w.callee(t)
		} else if in.target = w.index[t] - 1; in.target < 0 {
			problem = "a jump into the middle of an instruction"
		} else {
			w.blockAt[in.target] = 0
			w.backward = w.backward || in.target <= i
		}
		if problem != "" {
			return w.fail(int(i), problem)
		}
	}
	return nil
}

// resize makes a list of n that are all v; it is quick for 0.
func resize(s []int32, n int, v int32) []int32 {
	if cap(s) < n {
		s = make([]int32, n, n+n/2)
	}
	s = s[:n]
	if v == 0 {
		clear(s)
		return s
	}
	for i := range s {
		s[i] = v
	}
	return s
}

// chunk is how many states are in one piece.
const chunk = 64

func (w *walker) state(n int32) *state { return &w.states[n/chunk][n%chunk] }

func (w *walker) newState() int32 {
	if int(w.used/chunk) == len(w.states) {
		w.states = append(w.states, new([chunk]state))
	}
	w.used++
	return w.used - 1
}

// manyVisits is after how many visits of a place bounds are widened.
const manyVisits = 4

// reach brings a state to instruction i.
func (w *walker) reach(i int32, s *state) string {
	if w.blockAt[i] < 0 {
		w.split(i)
	}
	n := w.blockAt[i]
	b := &w.blocks[n]
	if b.state < 0 {
		first := w.newState()
		s.copyTo(w.state(first))
		w.begin(n, first)
		return ""
	}
	// Each circle has a way back; only there widening is needed.
	back := b.rank <= w.current
	if back && b.visits < 255 {
		b.visits++
	}
	how := exactly
	switch {
	case back && w.guesses != exact:
		how = atOnce
	case back && b.visits > manyVisits:
		how = inSteps
	}
	changed, problem := w.state(b.state).merge(s, w.insts[i].at, how)
	if changed {
		w.mark(b)
	}
	return problem
}

// begin gives block n, which is reached for the first time, a state.
func (w *walker) begin(n, state int32) {
	b := &w.blocks[n]
	b.state = state
	if b.last >= 0 {
		w.guess(b, w.state(state))
	}
	w.mark(b)
}

// split makes a block of a target of an indirect jump that nothing else showed to be one: what runs
// into it from above is walked again, and then stops here.
func (w *walker) split(i int32) {
	above := i - 1
	for w.blockAt[above] < 0 {
		above--
	}
	w.budget -= int64(i-above) / 8
	b := &w.blocks[w.blockAt[above]]
	end := b.end
	if b.end = i; b.state >= 0 {
		w.mark(b)
	}
	w.blockAt[i] = int32(len(w.blocks))
	w.blocks = append(w.blocks, block{first: i, end: end, rank: int32(len(w.order)), state: -1, last: -1})
	w.order = append(w.order, w.blockAt[i])
}

func (w *walker) mark(b *block) {
	b.dirty = true
	w.lowest = min(w.lowest, b.rank)
}

// block walks a block until control goes elsewhere.
func (w *walker) block(b *block) error {
	s, i, end := &w.now, int(b.first), int(b.end)
	w.current = b.rank
	w.state(b.state).copyTo(s)
	if w.budget -= int64(end - i); w.budget < 0 || w.stamp > maxStamp {
		return w.fail(i, "the file takes too long to verify")
	}
	for ; i < end; i++ {
		in := &w.insts[i]
		w.at, w.fresh, in.ran = w.f.at+in.at, !in.ran, true
		on, problem := true, ""
		if in.op >= opTrap {
			if in.op == opCall {
				s.giveCopies()
			}
			on, problem = w.control(i, in, s)
		} else if in.quick == slow || s.pointers != 0 || !w.quick(in, s) {
			problem = w.step(in, s)
		}
		if s.pointers != 0 && problem == "" && (in.op >= opCall || i+1 == end && end < len(w.insts)) {
			problem = copied
		}
		if problem != "" {
			return w.fail(i, problem)
		}
		if !on {
			return nil
		}
	}
	if end == len(w.insts) {
		return w.fail(end-1, "control runs off the end of the function")
	}
	if problem := w.reach(int32(end), s); problem != "" {
		return w.fail(end, problem)
	}
	return nil
}
