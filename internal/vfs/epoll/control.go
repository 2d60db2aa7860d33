package epoll

import (
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Control is epoll_ctl(2) for the description d, which is open under the number n. who adds.
func (s *Set) Control(op int32, d *fd.Description, n int32, ev linux.EpollEvent, who any) linux.Errno {
	file := d.File()
	other, nested := file.(*Set)
	q, e := Pollable(file, who)
	switch {
	case e != 0:
		return e
	case other == s:
		return linux.EINVAL
	}
	if op != linux.EPOLL_CTL_DEL && ev.Events&linux.EPOLLEXCLUSIVE != 0 {
		if op == linux.EPOLL_CTL_MOD || nested || ev.Events&^exclusiveOK != 0 {
			return linux.EINVAL
		}
	}
	k := key{d, n}
	switch op {
	case linux.EPOLL_CTL_ADD:
		return s.add(k, other, ev, who, q)
	case linux.EPOLL_CTL_MOD:
		return s.modify(k, ev, who)
	case linux.EPOLL_CTL_DEL:
		return s.remove(k)
	}
	return linux.EINVAL
}

// add makes an item. If d is a set, the registry's lock is held from the check for circles to
// the end, so that two of them cannot close one.
func (s *Set) add(k key, other *Set, ev linux.EpollEvent, who any, q *wait.Queue) linux.Errno {
	r := s.registry
	if other != nil {
		r.nest.Lock()
		defer r.nest.Unlock()
		if s.has(k) {
			return linux.EEXIST
		}
		if !mayNest(s, other) {
			return linux.ELOOP
		}
	}
	if r.watches.Add(1) > MaxWatches {
		r.watches.Add(-1)
		return linux.ENOSPC
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[k] != nil {
		r.watches.Add(-1)
		return linux.EEXIST
	}
	it := &item{set: s, key: k, events: ev.Events | always, data: ev.Data}
	if t, ok := who.(*signal.Thread); ok {
		if _, personal := k.d.File().(vfs.Personal); personal {
			it.who = t.State()
		}
	}
	it.Of = it
	s.items[k] = it
	if other != nil {
		s.nestLocked(other, 1)
	}
	k.d.Watch(it)
	it.Join(q, &s.ready, interest(ev.Events), ev.Events&linux.EPOLLEXCLUSIVE != 0)
	s.lookLocked(it, who)
	return 0
}

func (s *Set) has(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[k] != nil
}

// lookLocked lists an item that is ready at once.
func (s *Set) lookLocked(it *item, who any) {
	if holding(vfs.PollFor(it.d.File(), who), it.events) == 0 {
		return
	}
	s.ready.Put(&it.Watch)
	s.ready.Queue().Notify(wait.In)
}

// modify changes what an item waits for.
func (s *Set) modify(k key, ev linux.EpollEvent, who any) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[k]
	switch {
	case it == nil:
		return linux.ENOENT
	case it.events&linux.EPOLLEXCLUSIVE != 0:
		return linux.EINVAL
	}
	it.events, it.data = ev.Events|always, ev.Data
	it.SetMask(interest(ev.Events))
	s.lookLocked(it, who)
	return 0
}

// remove takes an item out at the guest's wish.
func (s *Set) remove(k key) linux.Errno {
	if other, ok := k.d.File().(*Set); ok {
		s.registry.nest.Lock()
		defer s.registry.nest.Unlock()
		return s.drop(k, other)
	}
	return s.drop(k, nil)
}

// drop takes an item out. Precondition: registry.nest is held if it is a set.
func (s *Set) drop(k key, other *Set) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[k]
	if it == nil {
		return linux.ENOENT
	}
	s.dropLocked(it, other)
	it.d.Unwatch(it)
	return 0
}

func (s *Set) dropLocked(it *item, other *Set) {
	delete(s.items, it.key)
	it.gone = true
	it.Leave()
	s.registry.watches.Add(-1)
	if other != nil {
		s.nestLocked(other, -1)
	}
}

// Closed is the end of the description that an item watches.
func (it *item) Closed(*fd.Description) {
	s := it.set
	other, nested := it.d.File().(*Set)
	if nested {
		s.registry.nest.Lock()
		defer s.registry.nest.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !it.gone {
		s.dropLocked(it, other)
	}
}

// Close ends the set.
func (s *Set) Close() {
	s.registry.nest.Lock()
	defer s.registry.nest.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.items {
		other, _ := it.d.File().(*Set)
		s.dropLocked(it, other)
		it.d.Unwatch(it)
	}
}

// nestLocked counts that s watches other. Precondition: registry.nest is held.
func (s *Set) nestLocked(other *Set, n int) {
	count(&s.children, other, n)
	count(&other.parents, s, n)
}

func count(m *map[*Set]int, s *Set, n int) {
	if *m == nil {
		*m = map[*Set]int{}
	}
	if (*m)[s] += n; (*m)[s] == 0 {
		delete(*m, s)
	}
}

// maxDepth is how many sets there may be below the uppermost (EP_MAX_NESTS).
const maxDepth = 4

// maxWays is on how many ways an event in a set may reach sets above it: each of them is gone when it comes.
const maxWays = 500

// mayNest reports whether s may watch other: that makes no circle, no chain that is too
// long, and not too many ways. Precondition: registry.nest is held.
func mayNest(s, other *Set) bool {
	seen := map[*Set]int{}
	down := depth(other, func(x *Set) map[*Set]int { return x.children }, seen)
	if _, circle := seen[s]; circle {
		return false
	}
	up := depth(s, func(x *Set) map[*Set]int { return x.parents }, map[*Set]int{})
	if up+1+down > maxDepth {
		return false
	}
	above := map[*Set]int{}
	above[other] = min(ways(other, above)+1+ways(s, above), maxWays+1)
	for x := range seen {
		if ways(x, above) > maxWays {
			return false
		}
	}
	return true
}

// ways is on how many ways sets are above s, up to a little more than maxWays. Each set is visited once.
func ways(s *Set, above map[*Set]int) int {
	if n, ok := above[s]; ok {
		return n
	}
	sum := 0
	for p, n := range s.parents {
		sum = min(sum+n*(1+ways(p, above)), maxWays+1)
	}
	above[s] = sum
	return sum
}

// depth is the length of the longest way from s, along next. The chains have at most maxDepth
// links, and each set is visited once.
func depth(s *Set, next func(*Set) map[*Set]int, seen map[*Set]int) int {
	if d, ok := seen[s]; ok {
		return d
	}
	deepest := 0
	for o := range next(s) {
		deepest = max(deepest, 1+depth(o, next, seen))
	}
	seen[s] = deepest
	return deepest
}
