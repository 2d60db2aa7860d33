// Package epoll is epoll(7): sets of descriptors that are waited for together.
//
// # Model
//
// A Set has an item for each pair of a number and a description that was added. An item is a
// lasting registration (wait.Watch) with the queue of its file: an event lists it, and Take looks
// at what is listed and at nothing else, so that a wait costs what is ready, not what is watched.
// What turns out to be ready still (level triggered) is listed again at the end, so that none of
// many can starve another; what is not is left to the next event.
//
// An item holds no reference to its description: it goes when the last one does (fd.Watcher).
// Sets may watch sets. A Registry, one for a container, bounds how deep, keeps out circles, and
// bounds the number of items.
//
// # Lock order
//
//	Registry.nest       (adding a set to a set, and the end of that)
//	Set.mu              a set before the sets that it watches
//	locks of the files, which Poll takes
//	queues of package wait
//
// The events are written into guest memory with Set.mu held, so it is released by defer; an item
// whose event could not be written is listed again.
package epoll

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/wait"
)

// MaxWatches bounds the items of a container (fs.epoll.max_user_watches).
const MaxWatches = 1 << 16

// flags are the bits of an item's events that are no events.
const flags = linux.EPOLLET | linux.EPOLLONESHOT | linux.EPOLLWAKEUP | linux.EPOLLEXCLUSIVE

// exclusiveOK is what may go with EPOLLEXCLUSIVE.
const exclusiveOK = uint32(wait.In|wait.Out|wait.Err|wait.Hup) | linux.EPOLLWAKEUP | linux.EPOLLET | linux.EPOLLEXCLUSIVE

// Home is the container of a set.
type Home interface {
	Epolls() *Registry
}

// Registry is what the sets of a container have in common. The zero value is ready.
type Registry struct {
	watches atomic.Int64

	nest sync.Mutex // guards Set.parents and Set.children of all sets
}

// key names an item.
type key struct {
	d *fd.Description
	n int32
}

// item is what a set watches.
type item struct {
	wait.Watch
	set *Set
	key
	who *signal.State // whose signals it watches, if it may be for some

	// guarded by set.mu
	events uint32
	data   [2]uint32
	gone   bool
}

// Set is an epoll instance. New makes it.
type Set struct {
	anon.File
	home     Home
	registry *Registry // home's
	ready    wait.Ready

	// guarded by registry.nest: sets that watch it and that it watches, how often
	parents, children map[*Set]int

	mu sync.Mutex

	// guarded by mu
	items map[key]*item
}

// New makes an empty set.
func New(h Home) *Set {
	return &Set{home: h, registry: h.Epolls(), items: map[key]*item{}}
}

// interest turns the events of an item into those that it is told of.
func interest(events uint32) wait.Events {
	w := wait.Events(events) &^ flags
	if events&rdnorm != 0 {
		w |= wait.In
	}
	if events&wrnorm != 0 {
		w |= wait.Out
	}
	return w | wait.Events(always)
}

// always is what an item is told of whether it asks or not.
const always = uint32(wait.Err | wait.Hup)

// Further bits of poll(2): data has one band.
const (
	rdnorm = 0x040
	wrnorm = 0x100
)

// holding gives the events that hold of those that are asked for.
func holding(now wait.Events, asked uint32) uint32 {
	bits := uint32(now)
	if now&wait.In != 0 {
		bits |= rdnorm
	}
	if now&wait.Out != 0 {
		bits |= wrnorm
	}
	return bits & asked &^ flags
}

// Pollable gives where a file tells of its events: EPERM for one that never does, a regular
// file or a directory.
func Pollable(f vfs.File, who any) (*wait.Queue, linux.Errno) {
	if q := vfs.QueueFor(f, who); q != nil {
		return q, 0
	}
	return nil, linux.EPERM
}

// Take writes up to most events for who into p, and counts them in n: p may be guest memory,
// which ends before they do.
func (s *Set) Take(who any, p []byte, most int, n *int64) {
	var held *fd.Description   // while its event is written, which may fault
	var last []*fd.Description // closed meanwhile: given back without the lock
	defer func() {
		if held != nil {
			held.Unref()
		}
		for _, d := range last {
			d.Unref()
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	for end := s.ready.Last(); end != nil && *n < int64(most); {
		w := s.ready.Take()
		if w == nil {
			break
		}
		it := w.Of.(*item)
		if it.d.TryRef() {
			held = it.d
			if s.giveLocked(it, who, p[*n*linux.SizeofEpollEvent:]) {
				*n++
			}
			held = nil
			if !it.d.UnrefUnlessLast() {
				last = append(last, it.d)
			}
		}
		if w == end {
			break
		}
	}
}

// giveLocked writes the event of a listed item, if it is one still.
func (s *Set) giveLocked(it *item, who any, p []byte) (given bool) {
	relist := true // if writing faults
	defer func() {
		if relist {
			s.ready.Put(&it.Watch)
		}
	}()
	now := holding(vfs.PollFor(it.d.File(), who), it.events)
	if it.events&^flags == 0 || now == 0 {
		relist = false
		return false
	}
	p = p[:linux.SizeofEpollEvent]
	binary.LittleEndian.PutUint32(p, now)
	binary.LittleEndian.PutUint32(p[4:], it.data[0])
	binary.LittleEndian.PutUint32(p[8:], it.data[1])
	relist = it.events&(linux.EPOLLET|linux.EPOLLONESHOT) == 0
	if it.events&linux.EPOLLONESHOT != 0 {
		it.events &= flags
		it.SetMask(0)
	}
	return true
}

// Waiters is the queue of those who wait in Take's place; they are exclusive.
func (s *Set) Waiters() *wait.Queue { return s.ready.Queue() }

// HandOn wakes another waiter if there is something left for it.
func (s *Set) HandOn() {
	if s.ready.First() != nil {
		s.ready.Queue().WakeOne()
	}
}

// Poll gives In if something is ready that nobody in particular asks for.
func (s *Set) Poll() wait.Events { return s.PollFor(nil) }

// PollFor gives In if Take would give something. What is listed and not ready goes.
func (s *Set) PollFor(who any) wait.Events {
	var last []*fd.Description
	defer func() {
		for _, d := range last {
			d.Unref()
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	for end := s.ready.Last(); end != nil; {
		w := s.ready.Take()
		if w == nil {
			break
		}
		it := w.Of.(*item)
		now := uint32(0)
		if it.events&^flags != 0 && it.d.TryRef() {
			now = holding(vfs.PollFor(it.d.File(), who), it.events)
			if !it.d.UnrefUnlessLast() {
				last = append(last, it.d)
			}
		}
		if now != 0 {
			s.ready.Put(w)
			return wait.In
		}
		if w == end {
			break
		}
	}
	return 0
}

// Queue is where changes of Poll are told.
func (s *Set) Queue() *wait.Queue { return s.ready.Queue() }

// QueueFor is the same for everybody.
func (s *Set) QueueFor(any) *wait.Queue { return s.ready.Queue() }

// Info is for /proc/PID/fdinfo.
func (s *Set) Info() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text []byte
	for k, it := range s.items {
		data := uint64(it.data[1])<<32 | uint64(it.data[0])
		text = fmt.Appendf(text, "tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n", k.n, it.events, data, 0, 0, 0)
	}
	return text
}
