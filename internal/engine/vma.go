package engine

import (
	"slices"
	"sort"
)

// vma is a page-aligned range of memory that is mapped, as the raw operations left it.
type vma struct {
	start, end uint64
	prot       int
	share      uint64 // of memory that Share can give to another instance: which; else 0
	marked     bool   // inaccessible by markers; its mapping is writable
	backing
}

// apart tells whether r is a mapping of its own, not a part of the instance's memory.
func (r *vma) apart() bool { return r.share != 0 || r.from != 0 }

// cut gives the part of r in [start, end), which has a part of it.
func (r vma) cut(start, end uint64) vma {
	if start > r.start {
		r.backing = r.after(start - r.start)
		r.start = start
	}
	r.end = min(r.end, end)
	return r
}

// vmas are disjoint, in order of address, and merged where they continue each other. An
// instance keeps them so that a view of its memory can be mapped the same way.
type vmas []vma

// first is the index of the first vma that ends above addr.
func (l vmas) first(addr uint64) int {
	return sort.Search(len(l), func(k int) bool { return l[k].end > addr })
}

// within gives copies of the parts of vmas in [start, end).
func (l vmas) within(start, end uint64) []vma { return l.appendWithin(nil, start, end) }

func (l vmas) appendWithin(out []vma, start, end uint64) []vma {
	for k := l.first(start); k < len(l) && l[k].start < end; k++ {
		out = append(out, l[k].cut(start, end))
	}
	return out
}

// replace puts vmas, in order and inside of [start, end), in the place of what was there.
func (l *vmas) replace(start, end uint64, with ...vma) {
	list := *l
	low := list.first(start)
	high := low
	var room [4]vma // a fork does this for each area that it changes
	insert := room[:0]
	if low < len(list) && list[low].start < start {
		insert = append(insert, list[low].cut(0, start))
	}
	insert = append(insert, with...)
	for ; high < len(list) && list[high].start < end; high++ {
		if after := list[high]; after.end > end {
			insert = append(insert, after.cut(end, after.end))
		}
	}
	*l = slices.Replace(list, low, high, insert...)
	l.merge(low-1, low+len(insert)+1)
}

// protect sets the protection of all of [start, end), which is mapped after it.
func (l *vmas) protect(start, end uint64, prot int) {
	var room, old [4]vma
	with, at := room[:0], start
	for _, r := range l.appendWithin(old[:0], start, end) {
		if r.start > at {
			with = append(with, vma{start: at, end: r.start, prot: prot})
		}
		r.prot, r.marked, at = prot, false, r.end
		with = append(with, r)
	}
	if at < end {
		with = append(with, vma{start: at, end: end, prot: prot})
	}
	l.replace(start, end, with...)
}

// merge joins the vmas with indices in [low, high) that continue each other.
func (l *vmas) merge(low, high int) {
	list := *l
	low, high = max(low, 0), min(high, len(list))
	if high-low < 2 {
		return
	}
	keep := low
	for k := low + 1; k < high; k++ {
		a, b := &list[keep], list[k]
		if a.end == b.start && a.prot == b.prot && a.share == b.share && a.marked == b.marked &&
			a.after(a.end-a.start) == b.backing {
			a.end = b.end
		} else {
			keep++
			list[keep] = b
		}
	}
	*l = slices.Delete(list, keep+1, high)
}

// mappings counts what the vmas of [low, memorySize) cost the host where the rest is one
// inaccessible mapping with what is mapped without access.
func (l vmas) mappings(low uint64) (n int64) {
	closed := false // what is below `at` is inaccessible
	at := low
	for k := range l {
		r := &l[k]
		if r.start > at && !closed {
			n, closed = n+1, true
		}
		switch {
		case r.effective() != ProtNone || r.apart():
			if k == 0 || r.start > at || r.apart() || l[k-1].apart() || l[k-1].effective() != r.effective() {
				n++
			}
			closed = false
		case !closed:
			n, closed = n+1, true
		}
		at = r.end
	}
	if at < memorySize && !closed {
		n++
	}
	return n
}

// shares are the vmas that are one.
func (l vmas) shares() []vma {
	var out []vma
	for _, r := range l {
		if r.share != 0 {
			out = append(out, r)
		}
	}
	return out
}
