package memfs

import "sync"

const pageSize = 4096

type page [pageSize]byte

// hole stands in a tree for a page of zeros that hides the page of the base. It is never
// written, and not charged.
var hole = new(page)

// Fan-out of the tree.
const (
	fanBits = 6
	fan     = 1 << fanBits
)

// pageTree maps page numbers to pages. A file of one page is a pointer; the height grows
// with the highest page. The zero value is empty.
type pageTree struct {
	root   slot
	height uint  // levels of branches: pages below fan^height fit
	count  int64 // pages that are not holes
}

// slot is a page on the lowest level, else a branch.
type slot struct {
	page *page
	sub  *branch
}

type branch [fan]slot

// fits reports whether page number i can be in a tree of the present height.
func (t *pageTree) fits(i int64) bool { return i>>(fanBits*t.height) == 0 }

// get gives page i: nil if it is absent.
func (t *pageTree) get(i int64) *page {
	if !t.fits(i) {
		return nil
	}
	s := &t.root
	for l := t.height; l > 0; l-- {
		if s.sub == nil {
			return nil
		}
		s = &s.sub[i>>(fanBits*(l-1))&(fan-1)]
	}
	return s.page
}

// set puts p at i.
func (t *pageTree) set(i int64, p *page) {
	for !t.fits(i) {
		if t.root != (slot{}) {
			b := new(branch)
			b[0] = t.root
			t.root = slot{sub: b}
		}
		t.height++
	}
	s := &t.root
	for l := t.height; l > 0; l-- {
		if s.sub == nil {
			s.sub = new(branch)
		}
		s = &s.sub[i>>(fanBits*(l-1))&(fan-1)]
	}
	t.count += real(p) - real(s.page)
	s.page = p
}

// real is 1 for a page that is charged.
func real(p *page) int64 {
	if p == nil || p == hole {
		return 0
	}
	return 1
}

// cut removes the pages from lo up to but not including hi and hands them to free.
func (t *pageTree) cut(lo, hi int64, free func(*page)) {
	t.cutSlot(&t.root, t.height, 0, lo, hi, free)
	if t.root == (slot{}) {
		t.height = 0
	}
}

// cutSlot cuts in the subtree of s, whose first page is base.
func (t *pageTree) cutSlot(s *slot, level uint, base, lo, hi int64, free func(*page)) {
	if level == 0 {
		if s.page != nil && base >= lo && base < hi {
			if t.count -= real(s.page); s.page != hole {
				free(s.page)
			}
			s.page = nil
		}
		return
	}
	if s.sub == nil {
		return
	}
	width := int64(1) << (fanBits * (level - 1))
	empty := true
	for k := range s.sub {
		first := base + int64(k)*width
		if s.sub[k] != (slot{}) && first < hi && first+(width-1) >= lo {
			t.cutSlot(&s.sub[k], level-1, first, lo, hi, free)
		}
		empty = empty && s.sub[k] == (slot{})
	}
	if empty {
		s.sub = nil
	}
}

// next gives the first page number from i on whose page is in the tree (a hole too).
func (t *pageTree) next(i int64) (int64, bool) {
	if !t.fits(i) {
		return 0, false
	}
	return nextIn(&t.root, t.height, 0, i)
}

func nextIn(s *slot, level uint, base, i int64) (int64, bool) {
	if level == 0 {
		return base, s.page != nil && base >= i
	}
	if s.sub == nil {
		return 0, false
	}
	width := int64(1) << (fanBits * (level - 1))
	for k := range s.sub {
		first := base + int64(k)*width
		if s.sub[k] == (slot{}) || first+(width-1) < i {
			continue
		}
		if n, ok := nextIn(&s.sub[k], level-1, first, i); ok {
			return n, true
		}
	}
	return 0, false
}

// pagePool keeps some free pages, which are cheaper to clear than new ones are to make.
type pagePool struct {
	mu sync.Mutex

	// guarded by mu
	free []*page
}

const poolPages = 1024

// get gives a page of zeros.
func (p *pagePool) get() *page {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return new(page)
	}
	pg := p.free[n-1]
	p.free = p.free[:n-1]
	clear(pg[:])
	return pg
}

func (p *pagePool) put(pg *page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < poolPages {
		p.free = append(p.free, pg)
	}
}
