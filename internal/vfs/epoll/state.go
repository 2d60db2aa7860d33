package epoll

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// StateType names the type in what is saved.
func (*Set) StateType() string { return "epoll.Set" }

// SaveState writes the set with its items: first those that are listed as ready, in their order, then the
// others. What it watches and who watches it (parents, children) follows from the items.
func (s *Set) SaveState(e *state.Encoder) {
	state.RefAny(e, s.home)
	ready := s.ready.All()
	rest := make([]*item, 0, len(s.items))
	for _, it := range s.items {
		if !slices.Contains(ready, &it.Watch) {
			rest = append(rest, it)
		}
	}
	slices.SortStableFunc(rest, func(a, b *item) int { return cmp.Compare(a.n, b.n) })
	e.Len(len(ready))
	for _, w := range ready {
		w.Of.(*item).saveState(e)
	}
	e.Len(len(rest))
	for _, it := range rest {
		it.saveState(e)
	}
}

// saveState writes an item; its set is who writes it, and it is not gone.
func (it *item) saveState(e *state.Encoder) {
	state.Ref(e, it.d)
	e.Uint(uint64(it.n))
	state.Ref(e, it.who)
	e.Uint(uint64(it.events))
	e.Uint(uint64(it.data[0]))
	e.Uint(uint64(it.data[1]))
}

// LoadState reads it. Its registrations are made when all objects are there.
func (s *Set) LoadState(d *state.Decoder) {
	s.home = state.Need[Home](d)
	s.items = map[key]*item{}
	ready := s.loadItems(d)
	rest := s.loadItems(d)
	d.After(func() error {
		s.registry = s.home.Epolls()
		for _, it := range append(ready, rest...) {
			if err := s.loadWatch(it); err != nil {
				return err
			}
		}
		for _, it := range ready {
			s.ready.Put(&it.Watch)
		}
		return nil
	})
}

func (s *Set) loadItems(d *state.Decoder) []*item {
	list := make([]*item, d.Count(6))
	for i := range list {
		it := &item{set: s}
		it.d = state.Need[*fd.Description](d)
		it.n = int32(d.Uint(math.MaxInt32))
		it.who = state.Get[*signal.State](d)
		it.events = uint32(d.Uint(math.MaxUint32))
		it.data = [2]uint32{uint32(d.Uint(math.MaxUint32)), uint32(d.Uint(math.MaxUint32))}
		it.Of, it.gone = it, false
		list[i] = it
	}
	return list
}

// loadWatch makes the registrations of an item.
func (s *Set) loadWatch(it *item) error {
	if s.items[it.key] != nil || s.registry.watches.Add(1) > MaxWatches {
		return fmt.Errorf("epoll set: descriptor %d is watched twice, or too many are", it.n)
	}
	var who any
	if it.who != nil {
		who = it.who
	}
	q := vfs.QueueFor(it.d.File(), who)
	if q == nil {
		return fmt.Errorf("epoll set: descriptor %d cannot be watched", it.n)
	}
	if other, nested := it.d.File().(*Set); nested {
		s.registry.nest.Lock()
		defer s.registry.nest.Unlock()
		if other == s || !mayNest(s, other) {
			return fmt.Errorf("epoll set: descriptor %d closes a circle", it.n)
		}
		s.nestLocked(other, 1)
	}
	s.items[it.key] = it
	it.d.Watch(it)
	mask := interest(it.events)
	if it.events&^flags == 0 {
		mask = wait.Events(0) // EPOLLONESHOT, and it has been told
	}
	it.Join(q, &s.ready, mask, it.events&linux.EPOLLEXCLUSIVE != 0)
	return nil
}

// Types are what this package saves.
var Types = []state.Type{state.Of[Set](1)}
