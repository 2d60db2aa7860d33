package mm

import (
	"slices"
	"sort"

	"vkernel/internal/linux"
)

// area is a range of pages that are alike: a VMA.
type area struct {
	start, end uint64
	prot       int
	shared     bool   // as the guest asked for it
	share      *share // of shared anonymous memory: its identity; else nil
	off        int64  // of a file, or of a share
	name       string // a file's path, or one of the names below
	file       bool
	object     Object // of a file that is mapped; nil: it was read
	dev, ino   uint64 // of a file
	frozen     bool   // a shared mapping of a file that is not open for writing
}

// Names of areas that are not files.
const (
	nameData = "[data]"
	nameHeap = "[heap]"
	nameZero = "/dev/zero (deleted)" // of shared anonymous memory
)

func (a *area) size() uint64 { return a.end - a.start }

// data tells whether the area counts for RLIMIT_DATA.
func (a *area) data() bool { return a.prot&linux.PROT_WRITE != 0 && !a.shared }

// follows tells whether b continues a, so that both are one area.
func (a *area) follows(b *area) bool {
	return a.end == b.start && a.prot == b.prot && a.shared == b.shared && a.share == b.share &&
		a.name == b.name && a.file == b.file && a.object == b.object && a.ino == b.ino && a.dev == b.dev && a.frozen == b.frozen &&
		(!a.file && a.share == nil || a.off+int64(a.size()) == b.off)
}

// cut gives the parts of a before and from addr, which lies inside it.
func (a area) cut(addr uint64) (area, area) {
	b := a
	a.end, b.start = addr, addr
	if a.file || a.share != nil {
		b.off += int64(a.size())
	}
	return a, b
}

// areas is a list of disjoint areas in order of address, merged where they continue each
// other, with the sizes that limits ask for.
type areas struct {
	list          []area
	virtual, data uint64         // bytes of all areas, and of those that are data
	objects       map[Object]int // how many areas are of each; nil until there is one
	files         int            // the sum of these
	idle          bool           // objects has one without an area
	room          [1]area        // for the list of a program that has just begun
}

// first is the index of the first area that ends above addr.
func (l *areas) first(addr uint64) int {
	return sort.Search(len(l.list), func(k int) bool { return l.list[k].end > addr })
}

// free tells whether no area reaches into [start, end).
func (l *areas) free(start, end uint64) bool {
	k := l.first(start)
	return k == len(l.list) || l.list[k].start >= end
}

// covered tells whether areas cover [start, end) without a gap.
func (l *areas) covered(start, end uint64) bool {
	for k := l.first(start); start < end; k++ {
		if k == len(l.list) || l.list[k].start > start {
			return false
		}
		start = l.list[k].end
	}
	return true
}

// splits tells whether taking [start, end) away cuts an area in two.
func (l *areas) splits(start, end uint64) bool {
	k := l.first(start)
	return k < len(l.list) && l.list[k].start < start && l.list[k].end > end
}

// within gives copies of the parts of areas in [start, end).
func (l *areas) within(start, end uint64) []area { return l.appendWithin(nil, start, end) }

func (l *areas) appendWithin(out []area, start, end uint64) []area {
	for k := l.first(start); k < len(l.list) && l.list[k].start < end; k++ {
		a := l.list[k]
		if a.start < start {
			_, a = a.cut(start)
		}
		if a.end > end {
			a, _ = a.cut(end)
		}
		out = append(out, a)
	}
	return out
}

// begin makes a the only area of an empty list.
func (l *areas) begin(a area) {
	l.room[0] = a
	l.list = l.room[:]
	l.count(&l.list[0], true)
}

// replace puts areas, in order and inside of [start, end), in the place of what was there.
func (l *areas) replace(start, end uint64, with ...area) {
	lo := l.first(start)
	hi := lo
	var insert []area
	if lo < len(l.list) && l.list[lo].start < start {
		before, _ := l.list[lo].cut(start)
		insert = append(insert, before)
	}
	insert = append(insert, with...)
	for ; hi < len(l.list) && l.list[hi].start < end; hi++ {
		l.count(&l.list[hi], false)
		if a := l.list[hi]; a.end > end {
			_, after := a.cut(end)
			insert = append(insert, after)
		}
	}
	for k := range insert {
		l.count(&insert[k], true)
	}
	l.list = slices.Replace(l.list, lo, hi, insert...)
	l.merge(lo, lo+len(insert))
	l.settle()
}

// merge joins areas around the indices lo to hi.
func (l *areas) merge(lo, hi int) {
	lo, hi = max(lo-1, 0), min(hi+1, len(l.list))
	if hi-lo < 2 {
		return
	}
	keep := lo
	for k := lo + 1; k < hi; k++ {
		if l.list[keep].follows(&l.list[k]) {
			l.list[keep].end = l.list[k].end
			l.refer(l.list[k].object, -1)
		} else {
			keep++
			l.list[keep] = l.list[k]
		}
	}
	l.list = slices.Delete(l.list, keep+1, hi)
}

func (l *areas) count(a *area, add bool) {
	n, areas := a.size(), 1
	if !add {
		n, areas = -n, -1
	}
	l.refer(a.object, areas)
	l.virtual += n
	if a.data() {
		l.data += n
	}
}

// gap finds the highest free range of size bytes in [low, high).
func (l *areas) gap(size, low, high uint64) (start uint64, ok bool) {
	end := high
	for k := len(l.list) - 1; k >= 0 && end >= low && end-low >= size; k-- {
		a := &l.list[k]
		if a.start >= end {
			continue
		}
		if a.end <= end && end-max(a.end, low) >= size {
			return end - size, true
		}
		end = a.start
	}
	if end >= low && end-low >= size && l.free(end-size, end) {
		return end - size, true
	}
	return 0, false
}
