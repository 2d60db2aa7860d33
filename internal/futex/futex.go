// Package futex is fast userspace mutexes: queues of threads that wait for a word of guest
// memory.
//
// # Model
//
// A Set holds the waiters of one container, by key: an address space and an address. To
// wait, a thread registers while the word is checked, under the set's lock; to wake, another
// takes waiters off the list and tells them. So no wake-up between check and sleep is lost.
//
// # Lock order
//
// Set.mu is taken before guest memory is touched (it is released by defer, since that may
// fault) and above the locks of package wait.
package futex

import (
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Key is what is waited for: a word in an address space. Space is any comparable value that
// stands for it.
type Key struct {
	Space any
	Addr  uint32
}

// Set is the waiters of a container. The zero value is empty.
type Set struct {
	mu sync.Mutex

	// guarded by mu
	waiting map[Key][]*Waiter
}

// Waiter is one wait. The zero value is ready for Enter.
type Waiter struct {
	thread *wait.Waiter

	// guarded by Set.mu
	key   Key
	bits  uint32
	woken bool
}

// Enter registers w, if check, which looks at the word, gives no error.
func (s *Set) Enter(w *Waiter, k Key, bits uint32, thread *wait.Waiter, check func() linux.Errno) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := check(); e != 0 {
		return e
	}
	w.thread, w.key, w.bits = thread, k, bits
	if s.waiting == nil {
		s.waiting = map[Key][]*Waiter{}
	}
	s.waiting[k] = append(s.waiting[k], w)
	return 0
}

// Woken reports whether w was woken.
func (s *Set) Woken(w *Waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.woken
}

// Leave ends the wait, and reports whether it had been woken.
func (s *Set) Leave(w *Waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.woken {
		s.filterLocked(w.key, func(o *Waiter) bool { return o != w })
	}
	return w.woken
}

// filterLocked keeps the waiters of k for which keep says so, and forgets an empty list.
func (s *Set) filterLocked(k Key, keep func(*Waiter) bool) {
	list, kept := s.waiting[k], 0
	for _, w := range list {
		if keep(w) {
			list[kept] = w
			kept++
		}
	}
	clear(list[kept:])
	if kept == 0 {
		delete(s.waiting, k)
		return
	}
	s.waiting[k] = list[:kept]
}

// Wake wakes at most n waiters of k that share a bit with bits, oldest first.
func (s *Set) Wake(k Key, n int, bits uint32) (woken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wakeLocked(k, n, bits)
}

func (s *Set) wakeLocked(k Key, n int, bits uint32) (woken int) {
	s.filterLocked(k, func(w *Waiter) bool {
		if woken >= n || w.bits&bits == 0 {
			return true
		}
		woken++
		w.woken = true
		w.thread.Wake()
		return false
	})
	return woken
}

// Requeue wakes n waiters of from and lets at most move others wait for to instead, if
// check gives no error. It gives how many it woke and moved.
func (s *Set) Requeue(from, to Key, n, move int, check func() linux.Errno) (count int, e linux.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := check(); e != 0 {
		return 0, e
	}
	count = s.wakeLocked(from, n, ^uint32(0))
	if from == to {
		return count, 0
	}
	var moved []*Waiter
	s.filterLocked(from, func(w *Waiter) bool {
		if len(moved) >= move {
			return true
		}
		w.key = to
		moved = append(moved, w)
		return false
	})
	if len(moved) > 0 {
		s.waiting[to] = append(s.waiting[to], moved...)
	}
	return count + len(moved), 0
}
