package memfs

import (
	"math/bits"
	"sort"

	"vkernel/internal/state"
)

// What a file has on the heap is not copied while the container stands still for being saved: its pages are lent to
// who saves them, and a page that is lent is copied before it is next written to.

// lent is the pages of a file that are being saved, by groups in order.
type lent struct {
	groups []lentGroup
	pages  []*page // of all groups, in order
}

type lentGroup struct {
	index int64
	data  uint16 // which pages it had
	holes uint16 // which were holes
	still uint16 // of data: which may be in the file still
}

// lend has the pages written when the saving ends. They are the last that is written of the file.
func (f *file) lend(e *state.Encoder) {
	l := &lent{pages: make([]*page, 0, f.pages.count), groups: make([]lentGroup, 0, f.pages.count/groupPages+1)}
	end := f.size.Load()
	f.pages.each(func(i int64, p *page) { l.add(i, p) })
	f.lent = l
	e.Later(func(e *state.Encoder) { l.save(e, end) }, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.lent = nil
	})
}

func (l *lent) add(i int64, p *page) {
	if n := len(l.groups); n == 0 || l.groups[n-1].index != i/groupPages {
		l.groups = append(l.groups, lentGroup{index: i / groupPages})
	}
	g := &l.groups[len(l.groups)-1]
	bit := uint16(1) << (i % groupPages)
	if p == hole {
		g.holes |= bit
		return
	}
	g.data |= bit
	g.still |= bit
	l.pages = append(l.pages, p)
}

// save writes the groups of a file that had so many bytes.
func (l *lent) save(e *state.Encoder, end int64) {
	var g group
	n := 0
	for k := range l.groups {
		from := &l.groups[k]
		g.index, g.holes = from.index, from.holes
		for left := from.data; left != 0; left &= left - 1 {
			i := from.index*groupPages + int64(bits.TrailingZeros16(left))
			g.add(l.pages[n], left&-left, end-i*pageSize)
			n++
		}
		g.save(e)
	}
	e.Bool(false)
}

// ownLocked gives page i, which is p, for writing: a copy if it is lent. Precondition: mu is held.
func (f *file) ownLocked(i int64, p *page) *page {
	if f.lent == nil || !f.lent.take(i) {
		return p
	}
	fresh := f.fs.pool.get()
	*fresh = *p
	f.pages.set(i, fresh)
	return fresh
}

// take reports whether page i may be lent still, and has it not be any more.
func (l *lent) take(i int64) bool {
	k := sort.Search(len(l.groups), func(k int) bool { return l.groups[k].index >= i/groupPages })
	bit := uint16(1) << (i % groupPages)
	if k == len(l.groups) || l.groups[k].index != i/groupPages || l.groups[k].still&bit == 0 {
		return false
	}
	l.groups[k].still &^= bit
	return true
}

// each calls do for the pages in the tree, holes too, in order.
func (t *pageTree) each(do func(i int64, p *page)) { eachIn(&t.root, t.height, 0, do) }

func eachIn(s *slot, level uint, base int64, do func(i int64, p *page)) {
	if level == 0 {
		if s.page != nil {
			do(base, s.page)
		}
		return
	}
	if s.sub == nil {
		return
	}
	width := int64(1) << (fanBits * (level - 1))
	for k := range s.sub {
		eachIn(&s.sub[k], level-1, base+int64(k)*width, do)
	}
}
