package inotify

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
)

// StateType names the type in what is saved.
func (*File) StateType() string { return "inotify.File" }

// SaveState writes the instance with its watches and events; registry and marks are those of the
// container and the namespace, and the bytes are counted again. It is not closed.
func (f *File) SaveState(e *state.Encoder) {
	state.RefAny(e, f.home)
	state.Ref(e, f.ns)
	e.Uint(uint64(f.last))
	all := make([]*vfs.Mark, 0, len(f.watches))
	for _, k := range f.watches {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *vfs.Mark) int { return cmp.Compare(a.ID, b.ID) })
	e.Len(len(all))
	for _, k := range all {
		e.Uint(uint64(k.ID))
		vfs.SaveNode(e, k.Node)
		e.Uint(uint64(f.marks.Mask(k)))
	}
	e.Len(len(f.events))
	for _, ev := range f.events {
		e.Int(int64(ev.wd))
		e.Uint(uint64(ev.mask))
		e.Uint(uint64(ev.cookie))
		e.String(ev.name)
	}
}

// LoadState reads it. The watches are marked when all objects are there.
func (f *File) LoadState(d *state.Decoder) {
	f.home = state.Need[Home](d)
	f.ns = state.Need[*vfs.Namespace](d)
	f.last = int32(d.Uint(math.MaxInt32))
	f.watches, f.closed = map[int32]*vfs.Mark{}, false
	marks := make([]*vfs.Mark, d.Count(3))
	masks := make([]uint32, len(marks))
	for i := range marks {
		marks[i] = &vfs.Mark{ID: int32(d.Uint(math.MaxInt32)), Node: vfs.LoadNode(d), Listener: f}
		masks[i] = uint32(d.Uint(math.MaxUint32)) & (linux.IN_ALL_EVENTS | linux.IN_ONESHOT | linux.IN_EXCL_UNLINK)
	}
	for _, k := range marks {
		if k.Node == nil {
			d.Failf("watch %d is of no node", k.ID)
		}
	}
	f.events = make([]event, d.Count(4))
	for i := range f.events {
		ev := event{wd: int32(d.Int(-1, math.MaxInt32)), mask: uint32(d.Uint(math.MaxUint32)), cookie: uint32(d.Uint(math.MaxUint32)), name: d.String()}
		f.events[i] = ev
		f.bytes += ev.size()
	}
	d.After(func() error { return f.loadMarks(marks, masks) })
}

func (f *File) loadMarks(marks []*vfs.Mark, masks []uint32) error {
	f.registry, f.marks = f.home.Inotify(), f.ns.Marks()
	f.registry.instances.Add(1)
	f.registry.bytes.Add(int64(f.bytes))
	if f.registry.watches.Add(int64(len(marks))) > MaxWatches || len(f.events) > MaxQueued+1 {
		return fmt.Errorf("inotify: %d watches and %d events are too many", len(marks), len(f.events))
	}
	for i, k := range marks {
		if f.watches[k.ID] != nil || f.marks.Find(k.Node, f) != nil {
			return fmt.Errorf("inotify: watch %d is there twice", k.ID)
		}
		f.watches[k.ID] = k
		f.marks.Add(k, masks[i])
	}
	return nil
}

// Types are what this package saves.
var Types = []state.Type{state.Of[File](1)}
