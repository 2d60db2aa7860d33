package engine

import (
	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// Settle's numbers, measured (docs/rationale.md): copying a page to a child costs 0.3 us in a
// warm slot and 1.5 us in a cold one, freezing it 1.3 us once, and its next write a copy (1.5 us).
const (
	freezeFrom = 128 // private pages that are worth a layer, see FreezeFrom
	smallPart  = 32  // of a layer, at most; less is copied
	nearby     = 16  // pages between two runs that a layer takes along
	maxParts   = 16  // of an instance
	chunkPages = 512 // that are in memory twice while a process is frozen
)

// Piece is a range of private memory with one protection.
type Piece struct {
	Start, End uint64
	Prot       int
}

// plan is what Settle has found out for the fork that follows: the private pages of the parent
// that no layer holds.
type plan struct {
	runs []hole
	left []hole // spare, for the next list of runs
	want []hole // spare, of freeze
}

// Settle prepares a fork of i, whose private memory the pieces are, in order: it looks for its
// private pages, brings the layers up to date that only i maps, and freezes what is much.
// The rest is what CopyPages copies, until the fork's end (Settled). Nothing else may run in i, or write
// to its memory.
func (i *Instance) Settle(pieces []Piece) linux.Errno {
	if i.Shared() {
		return 0 // other threads write to it, and the child gets a copy of everything
	}
	pl, ok := i.p.code.plans.Get().(*plan)
	if !ok {
		pl = new(plan)
	}
	i.plan = pl
	if e := i.findDirty(pl, pieces); e != 0 {
		return e
	}
	if e := i.refresh(pl, pieces); e != 0 {
		return e
	}
	if count(pl.runs) >= i.p.code.freezeFrom {
		return i.freeze(pl, pieces)
	}
	return 0
}

// FreezeFrom sets how many private pages a process has to have to be frozen at its fork: for
// tests, since a program with little memory shall be copied. Nothing may run.
func (c *Code) FreezeFrom(pages int) { c.freezeFrom = pages }

// Settled ends what Settle has begun.
func (i *Instance) Settled() {
	const keep = 1 << 16
	if pl := i.plan; pl != nil {
		i.plan = nil
		if cap(pl.runs)+cap(pl.left)+cap(pl.want) < keep {
			i.p.code.plans.Put(pl)
		}
	}
}

func count(runs []hole) (pages int) {
	for _, r := range runs {
		pages += r.pages()
	}
	return pages
}

// findDirty lists the private pages in the pieces.
func (i *Instance) findDirty(pl *plan, pieces []Piece) linux.Errno {
	pl.runs = pl.runs[:0]
	for k := 0; k < len(pieces); {
		start, end := pieces[k].Start, pieces[k].End
		for k++; k < len(pieces) && pieces[k].Start == end; k++ {
			end = pieces[k].End
		}
		at, e := i.within(start, end-start)
		if e != 0 {
			return e
		}
		e = i.p.code.pagemap.private(at, uintptr(end-start), func(at, size uintptr) {
			from := uint64(at - i.base)
			if n := len(pl.runs); n > 0 && pl.runs[n-1].end == from {
				pl.runs[n-1].end += uint64(size)
				return
			}
			pl.runs = append(pl.runs, hole{from, from + uint64(size)})
		})
		if e != 0 {
			return e
		}
	}
	return 0
}

// refresh writes the private pages that lie in layers of which i is the sole user into these:
// after a fork's child has ended, that is all there is to do for the next.
func (i *Instance) refresh(pl *plan, pieces []Piece) linux.Errno {
	for k := range i.parts {
		p := i.parts[k]
		if !i.sole(p.layer) {
			continue
		}
		done, n, e := i.refreshPart(pl, p, pieces)
		if e != 0 {
			return e
		}
		if p.layer.letGo(n) && done.start < done.end {
			madvise(i.base+uintptr(done.start), uintptr(done.size()), unix.MADV_DONTNEED)
		}
	}
	return 0
}

// refreshPart takes the pages that it has written out of the plan, counts them, and gives the range in
// which they lie, if there is no other private page in it.
func (i *Instance) refreshPart(pl *plan, p part, pieces []Piece) (done hole, pages int, e linux.Errno) {
	left := pl.left[:0]
	k, whole := 0, true
	for n, r := range pl.runs {
		if r.end <= p.start {
			left = append(left, r)
			continue
		}
		if r.start >= p.end || e != 0 {
			left = append(left, pl.runs[n:]...)
			break
		}
		for at := r.start; at < r.end; {
			for pieces[k].End <= at {
				k++
			}
			here := hole{at, min(r.end, pieces[k].End)}
			at = here.end
			c, ok := here.and(p.hole)
			if !ok || pieces[k].Prot == ProtNone || e != 0 {
				whole = whole && !ok
				left = append(left, here)
				continue
			}
			if here.start < c.start {
				left = append(left, hole{here.start, c.start})
			}
			if e = p.layer.update(i, c); e == 0 {
				if pages == 0 {
					done.start = c.start
				}
				pages += c.pages()
				done.end = c.end
			}
			if c.end < here.end {
				left = append(left, hole{c.end, here.end})
			}
		}
	}
	pl.runs, pl.left = left, pl.runs
	if !whole {
		done = hole{}
	}
	return done, pages, e
}

// letGo tells whether the private pages that a refresh has written, n of them, should go: they are then read
// from the layer, and copied at their next write. A process that writes the same ones
// between all its forks is better off keeping them, one that writes others each time is not.
func (l *layer) letGo(n int) bool {
	if n == 0 {
		return false
	}
	grown := l.kept != 0 && n > l.kept+l.kept/4+smallPart
	switch {
	case grown || int64(n) > l.pages.Load()/4:
		l.kept, l.moving = 0, 8
		return true
	case l.moving > 0:
		l.moving--
		return true
	}
	l.kept = n
	return false
}

// freeze makes a layer of the runs that are large, or near to each other. A host without
// memory for it is no error: the pages stay private, and are copied.
func (i *Instance) freeze(pl *plan, pieces []Piece) linux.Errno {
	want := i.chooseParts(pl, pieces)
	if len(want) == 0 {
		return 0
	}
	l, e := i.p.code.newLayer()
	if e != 0 {
		return 0
	}
	l.users.Store(1) // while it is made
	defer l.drop()
	l.span = hole{want[0].start, want[len(want)-1].end}
	if i.declareParts(len(i.parts)+2*len(want)) != 0 {
		return 0
	}
	i.changed = true
	k := 0
	for _, w := range want {
		done := w.start
		for done < w.end {
			for pieces[k].End <= done {
				k++
			}
			c := hole{done, min(w.end, pieces[k].End, done+chunkPages*pageSize)}
			if l.write(i, c) != 0 || l.mapInto(i, c, pieces[k].Prot) != 0 {
				break
			}
			done = c.end
		}
		if frozen := (hole{w.start, done}); frozen.start < done {
			i.cutParts(frozen)
			i.addParts(l, frozen)
			pl.runs, pl.left = without(pl.left[:0], pl.runs, frozen), pl.runs
		}
		if done != w.end {
			break
		}
	}
	return i.declareParts(len(i.parts))
}

// chooseParts lists what is worth to be frozen: runs of private pages with what is little
// between them, all in readable pieces without a gap; and nothing, if it were mostly pages that are not private.
func (i *Instance) chooseParts(pl *plan, pieces []Piece) []hole {
	room := maxParts - len(i.parts)
	for gap := uint64(nearby); ; gap *= 4 {
		want, dirty := pl.gather(pieces, gap*pageSize, min(smallPart, i.p.code.freezeFrom/4))
		switch {
		case dirty < i.p.code.freezeFrom || dirty*4 < count(want):
			return nil
		case len(want) <= max(room/2, 1) || gap > 1<<20:
			if len(i.parts)+2*len(want) > 2*maxParts {
				return nil
			}
			return want
		}
	}
}

// gather merges runs whose distance is at most gap, and counts the private pages in those
// that are large enough.
func (pl *plan) gather(pieces []Piece, gap uint64, small int) (want []hole, dirty int) {
	want = pl.want[:0]
	pages, joined := 0, false // of the last one; whether its readable pieces go on
	flush := func() {
		if n := len(want); n > 0 && pages < small {
			want = want[:n-1]
		} else {
			dirty += pages
		}
		pages = 0
	}
	k := 0
	for _, r := range pl.runs {
		for at := r.start; at < r.end; {
			for pieces[k].End <= at {
				k++
				joined = joined && k < len(pieces) && pieces[k].Start == pieces[k-1].End && pieces[k].Prot != ProtNone
			}
			here := hole{at, min(r.end, pieces[k].End)}
			at = here.end
			if pieces[k].Prot == ProtNone {
				joined = false
				continue
			}
			n := len(want)
			if joined && n > 0 && here.start-want[n-1].end <= gap {
				want[n-1].end = here.end
			} else {
				flush()
				want = append(want, here)
			}
			pages += here.pages()
			joined = true
		}
	}
	flush()
	pl.want = want
	return want, dirty
}

// without appends what of the runs does not lie in h.
func without(out, runs []hole, h hole) []hole {
	for _, r := range runs {
		c, ok := r.and(h)
		if !ok {
			out = append(out, r)
			continue
		}
		if r.start < c.start {
			out = append(out, hole{r.start, c.start})
		}
		if c.end < r.end {
			out = append(out, hole{c.end, r.end})
		}
	}
	return out
}
