package wasi

import (
	"math"

	"vkernel/internal/fd"
	saved "vkernel/internal/state"
)

// Types are what this package saves.
var Types = []saved.Type{saved.Of[state](1)}

// StateType names the type.
func (*state) StateType() string { return "wasi.state" }

// SaveState writes the grants. Those of descriptions that are closed hold for nothing any more.
func (s *state) SaveState(e *saved.Encoder) {
	e.Bool(s.whole)
	e.String(s.pwd)
	table := *s.slots.Load()
	e.Uint(uint64(len(table)))
	live := func(each func(n int, g *grant)) {
		for n := range table {
			if g := table[n].Load(); g != nil && g.d.Refs() > 0 {
				each(n, g)
			}
		}
	}
	count := 0
	live(func(int, *grant) { count++ })
	e.Len(count)
	live(func(n int, g *grant) {
		e.Uint(uint64(n))
		g.SaveState(e)
	})
}

// LoadState reads them.
func (s *state) LoadState(d *saved.Decoder) {
	s.whole, s.pwd = d.Bool(), d.String()
	size := int(d.Uint(2 * fd.MaxFiles))
	if !d.Take(int64(size) * 8) {
		return
	}
	table := make(slots, max(size, 1))
	for range d.Count(6) {
		n, g := d.Uint(math.MaxInt32), new(grant)
		g.LoadState(d)
		if n >= uint64(len(table)) || d.Failed() {
			d.Failf("a grant of descriptor %d, of %d", n, len(table))
			return
		}
		table[n].Store(g)
	}
	s.slots.Store(&table)
}

// SaveState writes a grant.
func (g *grant) SaveState(e *saved.Encoder) {
	saved.Ref(e, g.d)
	e.Uint(g.base)
	e.Uint(g.inheriting)
	e.Bool(g.nonblock)
	e.String(g.preopen)
}

// LoadState reads it.
func (g *grant) LoadState(d *saved.Decoder) {
	g.d = saved.Need[*fd.Description](d)
	g.base, g.inheriting = d.Uint(math.MaxUint64), d.Uint(math.MaxUint64)
	g.nonblock = d.Bool()
	g.preopen = d.String()
}
