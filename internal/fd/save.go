package fd

import (
	"fmt"
	"math"

	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/lock"
)

// Types are what this package saves.
var Types = []state.Type{state.Of[Table](1), state.Of[Description](1)}

// StateType names the type.
func (*Description) StateType() string { return "fd.Description" }

// SaveState writes the description. Who watches it says so again (epoll sets).
func (d *Description) SaveState(e *state.Encoder) {
	state.RefAny(e, d.file)
	d.path.SaveState(e)
	e.Uint(uint64(d.flags.Load()))
	e.Uint(uint64(max(d.refs.Load(), 0)))
	state.Ref(e, d.locks.Load())
	state.Ref(e, d.sealed.Load())
	e.Int(d.offset)
	a := d.async.Load()
	if e.Bool(a != nil); a != nil {
		a.saveState(e)
	}
}

// LoadState reads it. Who refers to it was counted when it was saved.
func (d *Description) LoadState(s *state.Decoder) {
	d.file = state.Need[vfs.File](s)
	_, d.stream = d.file.(vfs.Stream)
	d.path.LoadState(s)
	d.flags.Store(uint32(s.Uint(math.MaxUint32)))
	d.refs.Store(int32(s.Uint(math.MaxInt32)))
	d.locks.Store(state.Get[*lock.Registry](s))
	d.sealed.Store(state.Get[*vfs.Sealed](s))
	d.offset = s.Int(math.MinInt64, math.MaxInt64)
	if s.Bool() {
		a := new(async)
		d.async.Store(a)
		a.loadState(s, d)
	}
}

// StateType names the type.
func (*Table) StateType() string { return "fd.Table" }

// SaveState writes the numbers in use.
func (t *Table) SaveState(e *state.Encoder) {
	e.Uint(uint64(t.users.Load()))
	state.Ref(e, t.locks.Load())
	list := *t.slots.Load()
	e.Uint(uint64(len(list)))
	n := 0
	t.eachLocked(func(int) { n++ })
	e.Len(n)
	t.eachLocked(func(n int) {
		e.Uint(uint64(n))
		e.Bool(has(t.cloexec, n))
		state.Ref(e, list[n].Load())
	})
}

// LoadState reads them.
func (t *Table) LoadState(d *state.Decoder) {
	users := int32(d.Uint(math.MaxInt32))
	locks := state.Get[*lock.Registry](d)
	size := int(d.Uint(MaxFiles * 2))
	if size != smallTable && (size < 64 || size%64 != 0) || !d.Take(int64(size)*9) {
		d.Failf("a table of %d descriptors", size)
		return
	}
	t.init(size)
	t.users.Store(users)
	t.locks.Store(locks)
	last := -1
	for range d.Count(3) {
		n := int(d.Uint(MaxFiles))
		cloexec := d.Bool()
		x := state.Need[*Description](d)
		if n <= last || n >= size {
			d.Fail(fmt.Errorf("descriptor %d of %d comes after %d", n, size, last))
		}
		if d.Failed() {
			return
		}
		t.setLocked(n, x, cloexec)
		last = n
	}
}
