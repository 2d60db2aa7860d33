package verify

import (
	"encoding/binary"
	"slices"
)

// block is a run of instructions that is entered at its first only. Control may leave it in its
// midst.
type block struct {
	first   int32 // instruction
	end     int32 // the one after the last
	exit    int32 // index in exits of the first one that is not before it
	rank    int32 // place in order
	state   int32 // index of what is known at its start; -1: it was not reached
	last    int32 // highest rank of what leads back to it, -1: none
	visits  uint8
	dirty   bool // to be walked
	seen    bool // by descend, which is
	done    bool // with what it leads to
	noted   bool // changes are known
	summed  bool // loop is known, too
	changes changes
	loop    changes // of all blocks of the loop that starts here
}

// way leads back from a block to one that leads to it.
type way struct{ from, to int32 }

// noBlock is where no block starts.
const noBlock = -1

// visit is a block whose successors are being looked at, from an exit, or target of an exit, on.
type visit struct {
	block, exit, target int32
	done                bool
}

func (w *walker) visit(n int32) visit { return visit{block: n, exit: w.blocks[n].exit} }

// sort makes the blocks and puts them into an order in which each comes after all that lead to
// it, loops aside: then most are walked once, with all that is known of them.
func (w *walker) sort() {
	w.guessTargets()
	w.blocks, w.order, w.ways = w.blocks[:0], w.order[:0], w.ways[:0]
	exit := int32(0)
	for i := range w.blockAt {
		if w.blockAt[i] >= 0 {
			for int(exit) < len(w.exits) && w.exits[exit] < int32(i) {
				exit++
			}
			n := len(w.blocks)
			if n > 0 {
				w.blocks[n-1].end = int32(i)
			}
			w.blockAt[i] = int32(n)
			w.blocks = append(w.blocks, block{first: int32(i), end: int32(len(w.insts)), exit: exit, state: -1, last: -1})
		}
	}
	if !w.backward && len(w.targets) == 0 { // they are in that order
		for n := range w.blocks {
			w.order = append(w.order, int32(n))
			w.blocks[n].rank = int32(n)
		}
		return
	}
	for n := range w.blocks {
		// From the start, and from what nothing is known to lead to.
		if !w.blocks[n].seen {
			from := len(w.order)
			w.descend(int32(n))
			slices.Reverse(w.order[from:])
		}
	}
	for k, n := range w.order {
		w.blocks[n].rank = int32(k)
	}
	w.findLoops()
}

// descend appends what can be reached from a block, each after all that it leads to.
func (w *walker) descend(n int32) {
	w.blocks[n].seen = true
	stack := append(w.stack[:0], w.visit(n))
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		next := w.successor(top)
		if next < 0 {
			w.order = append(w.order, top.block)
			w.blocks[top.block].done = true
			stack = stack[:len(stack)-1]
			continue
		}
		if b := &w.blocks[next]; !b.seen {
			b.seen = true
			stack = append(stack, w.visit(next))
		} else if !b.done {
			w.ways = append(w.ways, way{top.block, next})
		}
	}
	w.stack = stack
}

// successor is the next block that a block leads to, or -1.
func (w *walker) successor(v *visit) int32 {
	for end := w.blocks[v.block].end; !v.done && int(v.exit) < len(w.exits) && w.exits[v.exit] < end; {
		in := &w.insts[w.exits[v.exit]]
		if in.op == opJmpInd && int(v.target) < len(w.targets) && w.budget > 0 {
			w.budget--
			v.target++
			return w.blockAt[w.targets[v.target-1]]
		}
		v.exit++
		switch in.op {
		case opJmp, opJmpInd, opRet, opTrap:
			v.done = true
		}
		if (in.op == opJmp || in.op == opJcc) && in.local {
			return w.blockAt[in.target]
		}
	}
	if !v.done && int(v.block)+1 < len(w.blocks) {
		v.done = true
		return v.block + 1
	}
	return -1
}

// maxGuessed bounds how many entries of a table are looked at.
const maxGuessed = 1 << 12

// guessTargets finds where jump tables lead: most are those whose address is taken in the function,
// and an entry that leads to an instruction of it is one. This is for the order only.
func (w *walker) guessTargets() {
	w.targets = w.targets[:0]
	if !slices.ContainsFunc(w.exits, func(i int32) bool { return w.insts[i].op == opJmpInd }) {
		return
	}
	base := int64(w.v.base) + int64(w.f.at)
	for i := range w.insts {
		in := &w.insts[i]
		if in.op != opLea || !in.mem.rip {
			continue
		}
		addr := base + int64(in.at) + int64(in.len) + in.mem.disp
		for n := int64(0); n < maxGuessed && w.budget > 0; n++ {
			w.budget--
			entry := w.v.rodata(addr+4*n, 4)
			if entry == nil {
				break
			}
			off := addr + int64(int32(binary.LittleEndian.Uint32(entry))) - base
			if off < 0 || off >= int64(len(w.index)) || w.index[off] == 0 {
				break
			}
			if t := w.index[off] - 1; w.blockAt[t] != tableTarget {
				w.blockAt[t] = tableTarget
				w.targets = append(w.targets, t)
			}
		}
	}
}

// tableTarget marks, until the blocks have numbers, what is in targets.
const tableTarget = 1
