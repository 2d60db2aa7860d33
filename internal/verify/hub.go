package verify

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// An interpreter has as many indirect jumps as it has operations, and each leads to all of them. What is
// known at those that go by the same table is joined first, in a hub, and only what is new there
// goes on to the targets: a jump then costs one join, and not one for each target. Nothing is lost,
// as each target would have joined all of them.

// hub is a jump table.
type hub struct {
	table   value   // kTarget
	targets []int32 // the instructions that its entries lead to, each once
	state   state   // what is known at all jumps that were taken so far
}

// hub is that of a table's target, made when it is first needed.
func (w *walker) hub(t *value) (h *hub, first bool, problem string) {
	for i := range w.hubs[:w.usedHubs] {
		if h := &w.hubs[i]; h.table == *t {
			return h, false, ""
		}
	}
	if w.usedHubs == len(w.hubs) {
		w.hubs = append(w.hubs, hub{})
	}
	h = &w.hubs[w.usedHubs]
	h.table, h.targets = *t, h.targets[:0]
	if problem = w.readTable(h); problem == "" {
		w.usedHubs++
	}
	return h, true, problem
}

// reachTable brings a state to all targets of a jump table.
func (w *walker) reachTable(t *value, s *state) string {
	h, first, problem := w.hub(t)
	if problem != "" {
		return problem
	}
	if first {
		s.copyTo(&h.state)
		w.guessHub(h)
	} else if changed, problem := h.state.merge(s, nowhere, exactly); !changed {
		return problem
	}
	if w.budget -= int64(len(h.targets)); w.budget < 0 {
		return "the file takes too long to verify"
	}
	for _, i := range h.targets {
		if problem := w.reach(i, &h.state); problem != "" {
			return problem
		}
	}
	return ""
}

// guessHub is guess for all targets at once, where they are in one loop.
func (w *walker) guessHub(h *hub) {
	first, last := int32(len(w.order)), int32(-1)
	for _, i := range h.targets {
		if n := w.blockAt[i]; n >= 0 && w.blocks[n].last >= 0 {
			first, last = min(first, w.blocks[n].rank), max(last, w.blocks[n].last)
		}
	}
	if last >= 0 {
		w.forgetChanged(first, last, &h.state)
	}
}

// readTable finds the targets of the jump table that a value stands for.
func (w *walker) readTable(h *hub) string {
	t := &h.table
	table := w.v.rodata(t.lo, 4*t.hi)
	if table == nil {
		return "a jump table outside of read-only data"
	}
	base := int64(w.v.roLow) + int64(t.id()) - int64(w.v.base) - int64(w.f.at)
	if w.budget -= t.hi; w.budget < 0 {
		return "the file takes too long to verify"
	}
	for k := int64(0); k < t.hi; k++ {
		off := base + int64(int32(binary.LittleEndian.Uint32(table[4*k:])))
		if off < 0 || off >= int64(len(w.index)) || w.index[off] == 0 {
			return fmt.Sprintf("entry %d of the jump table at %#x leads to %#x, which is no instruction of the function",
				k, t.lo, int64(w.v.base)+int64(w.f.at)+off)
		}
		h.targets = append(h.targets, w.index[off]-1)
	}
	slices.Sort(h.targets)
	h.targets = slices.Compact(h.targets)
	return ""
}
