package vfs

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// StateType names the type.
func (*Namespace) StateType() string { return "vfs.Namespace" }

// SaveState writes the mounts. The openers of devices are registered again by who loads the namespace, the marks
// by those that listen.
func (ns *Namespace) SaveState(e *state.Encoder) {
	all := ns.table.Load().all
	e.Len(len(all))
	for _, m := range all {
		state.Ref(e, m)
	}
	e.Uint(uint64(ns.marks.cookie.Load()))
}

// LoadState reads them. What lies where follows.
func (ns *Namespace) LoadState(d *state.Decoder) {
	t := &mountTable{all: make([]*Mount, d.Count(1)), at: map[Path]*Mount{}}
	for i := range t.all {
		if t.all[i] = state.Need[*Mount](d); t.all[i] == nil {
			return
		}
		t.all[i].marks = &ns.marks
	}
	ns.marks.cookie.Store(uint32(d.Uint(math.MaxUint32)))
	if len(t.all) == 0 {
		d.Fail(errors.New("a namespace without a mount"))
		return
	}
	ns.table.Store(t)
	d.Complete(func() error { return t.loadPlaces() })
}

// loadPlaces notes what lies where: a mount lies on one that was there before it.
func (t *mountTable) loadPlaces() error {
	for i, m := range t.all {
		if m.ID != i+1 || (m.parent == nil) != (i == 0) || i > 0 && !slices.Contains(t.all[:i], m.parent) {
			return fmt.Errorf("mount %d of %d has id %d, or lies on nothing", i+1, len(t.all), m.ID)
		}
		if i == 0 {
			continue
		}
		p := Path{m.parent, m.at}
		if t.at[p] != nil || !m.at.mounted.Load() {
			return fmt.Errorf("mount %d lies where another lies, or where nothing is said to lie", m.ID)
		}
		t.at[p] = m
	}
	return nil
}

// StateType names the type.
func (*Mount) StateType() string { return "vfs.Mount" }

// SaveState writes the mount. Its namespace gives it its marks.
func (m *Mount) SaveState(e *state.Encoder) {
	e.Uint(uint64(m.ID))
	state.RefAny(e, m.FS)
	e.String(m.Source)
	e.Uint(uint64(m.Flags))
	state.Ref(e, m.root)
	state.Ref(e, m.parent)
	state.Ref(e, m.at)
}

// LoadState reads it.
func (m *Mount) LoadState(d *state.Decoder) {
	m.ID = int(d.Uint(math.MaxInt32))
	m.FS = state.Need[FS](d)
	m.Source = d.String()
	m.Flags = MountFlags(d.Uint(math.MaxUint32))
	m.root = state.Need[*Entry](d)
	m.parent, m.at = state.Get[*Mount](d), state.Get[*Entry](d)
	if (m.parent == nil) != (m.at == nil) {
		d.Fail(errors.New("a mount that lies on half a place"))
	}
}

// StateType names the type.
func (*Cred) StateType() string { return "vfs.Cred" }

// SaveState writes the credentials.
func (c *Cred) SaveState(e *state.Encoder) {
	for _, id := range []uint32{c.FSUID, c.FSGID, c.UID, c.GID} {
		e.Uint(uint64(id))
	}
	e.Len(len(c.Groups))
	for _, g := range c.Groups {
		e.Uint(uint64(g))
	}
}

// LoadState reads them.
func (c *Cred) LoadState(d *state.Decoder) {
	for _, id := range []*uint32{&c.FSUID, &c.FSGID, &c.UID, &c.GID} {
		*id = uint32(d.Uint(math.MaxUint32))
	}
	if n := d.Count(1); n > 0 {
		c.Groups = make([]uint32, n)
		for i := range c.Groups {
			c.Groups[i] = uint32(d.Uint(math.MaxUint32))
		}
	}
	if !slices.IsSorted(c.Groups) {
		d.Fail(errors.New("groups are out of order"))
	}
}

// StateType names the type.
func (*dirs) StateType() string { return "vfs.dirs" }

// SaveState writes root, working directory and umask.
func (x *dirs) SaveState(e *state.Encoder) {
	s := x.now.Load()
	s.root.SaveState(e)
	s.cwd.SaveState(e)
	e.Uint(uint64(s.umask))
}

// LoadState reads them.
func (x *dirs) LoadState(d *state.Decoder) {
	s := new(dirState)
	s.root.LoadState(d)
	s.cwd.LoadState(d)
	s.umask = uint32(d.Uint(0o777))
	for _, p := range []Path{s.root, s.cwd} {
		if p.IsZero() || p.Mount == nil || p.Mount == nowhere {
			d.Fail(errors.New("a process without a root or a working directory"))
		}
	}
	x.now.Store(s)
}

// StateType names the type.
func (*Context) StateType() string { return "vfs.Context" }

// SaveState writes the context. The rules on paths are those of the process's program: who loads that says SetPaths.
func (c *Context) SaveState(e *state.Encoder) {
	state.Ref(e, c.ns)
	state.Ref(e, c.dirs)
	state.Ref(e, c.cred.Load())
	state.RefAny(e, c.task)
	e.Uint(c.resolve)
}

// LoadState reads it.
func (c *Context) LoadState(d *state.Decoder) {
	c.ns = state.Need[*Namespace](d)
	c.dirs = state.Need[*dirs](d)
	c.cred.Store(state.Need[*Cred](d))
	c.task = state.Get[any](d)
	c.resolve = d.Uint(linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS)
}
