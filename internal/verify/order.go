package verify

import "slices"

// visit is a leader whose successors are being looked at, from instruction at on, or from table entry
// next on.
type visit struct{ leader, at, next int32 }

// sort puts the leaders into an order in which a place comes after all that lead to it, loops
// aside: then most places are walked once, with all that is known of them.
func (w *walker) sort() {
	w.order = w.order[:0]
	w.seen, w.rank = resize(w.seen, len(w.insts), false), resize(w.rank, len(w.insts), 0)
	w.guessTargets()
	clear(w.seen)
	for i := range w.leader {
		// From the start, and from what only jump tables lead to.
		if w.leader[i] && !w.seen[i] {
			from := len(w.order)
			w.descend(int32(i))
			slices.Reverse(w.order[from:])
		}
	}
	for k, i := range w.order {
		w.rank[i] = int32(k)
	}
	w.findLoops()
}

// descend appends what can be reached from a leader, each after all that it leads to.
func (w *walker) descend(i int32) {
	w.seen[i] = true
	stack := append(w.stack[:0], visit{leader: i, at: i})
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if next := w.successor(top); next < 0 {
			w.order = append(w.order, top.leader)
			stack = stack[:len(stack)-1]
		} else if !w.seen[next] {
			w.seen[next] = true
			stack = append(stack, visit{leader: next, at: next})
		}
	}
	w.stack = stack
}

// successor is the next leader that a block leads to, or -1.
func (w *walker) successor(v *visit) int32 {
	for v.at < int32(len(w.insts)) {
		i := v.at
		if i != v.leader && w.leader[i] {
			v.at = int32(len(w.insts))
			return i
		}
		in := &w.insts[i]
		if in.op == opJmpInd && int(v.next) < len(w.targets) {
			v.next++
			return w.targets[v.next-1]
		}
		v.at++
		switch in.op {
		case opJmp, opJmpInd, opRet, opTrap:
			v.at = int32(len(w.insts))
		}
		if (in.op == opJmp || in.op == opJcc) && in.local {
			return in.target
		}
	}
	return -1
}
