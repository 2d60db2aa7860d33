// Package futex is fast userspace mutexes: queues of threads that wait for a word of guest
// memory.
//
// # Model
//
// A Set is the queues of one piece of memory: an address space, or memory that processes
// share. A Key is a word in it. To wait, a thread enters a queue while the word is checked,
// under the set's lock; to wake, another takes waiters off the queue and tells them. So no
// wake-up between check and sleep is lost. A Waiter is its own place in the queue: nothing is
// allocated for a wait or a wake-up, but for the queues of a set when it is first waited in.
//
// A lock of the LOCK_PI family is handed over: its word gets the id of the waiter that is
// woken. Priorities are not inherited, since guests have none.
//
// # Lock order
//
// A Crossing, then Set.mu (of two, only under a Crossing), then guest memory is touched (the
// locks are released by defer, since that may fault), then the locks of package wait.
package futex

import (
	"sync"
	"sync/atomic"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Any is the bit set that all waiters share a bit with.
const Any = linux.FUTEX_BITSET_MATCHANY

// numQueues is how many queues a set has: addresses that share one are told apart in it.
const numQueues = 64

// Set is the waiters of one piece of memory. The zero value is empty.
type Set struct {
	mu sync.Mutex

	// guarded by mu
	queues *[numQueues]queue // nil until somebody waits
	owned  int               // waiters for locks that have an owner
}

// queue is a list of waiters, oldest first.
type queue struct{ head, tail *Waiter }

// Key is a word that is waited for.
type Key struct {
	Set  *Set
	Addr uint64 // in what the set is of
}

// Waiter is the place of a thread in a queue. The zero value is ready. It is in one queue at
// a time.
type Waiter struct {
	thread *wait.Waiter
	woken  atomic.Bool
	set    atomic.Pointer[Set] // where it waits; changes under the locks of both sets

	// guarded by the set's mu
	addr       uint64
	bits       uint32
	owner      owner
	prev, next *Waiter
}

func (s *Set) queueLocked(addr uint64) *queue {
	if s.queues == nil {
		s.queues = new([numQueues]queue)
	}
	return &s.queues[addr/4%numQueues]
}

// pushLocked puts w at the end of its queue.
func (s *Set) pushLocked(w *Waiter, addr uint64) {
	q := s.queueLocked(addr)
	w.addr, w.prev, w.next = addr, q.tail, nil
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	w.set.Store(s)
	if w.owner.tid != 0 {
		s.owned++
	}
}

// dropLocked takes w out of its queue.
func (s *Set) dropLocked(w *Waiter) {
	q := s.queueLocked(w.addr)
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	if w.owner.tid != 0 {
		s.owned--
	}
}

// wakeLocked takes w out of its queue and tells it. The waiter may be gone after it.
func (s *Set) wakeLocked(w *Waiter) {
	s.dropLocked(w)
	thread := w.thread
	w.woken.Store(true)
	thread.Wake()
}

// Enter makes w wait for k, if check, which looks at the word, gives no error.
func (k Key) Enter(w *Waiter, bits uint32, thread *wait.Waiter, check func() linux.Errno) linux.Errno {
	s := k.Set
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := check(); e != 0 {
		return e
	}
	w.thread, w.bits, w.owner = thread, bits, owner{}
	w.woken.Store(false)
	s.pushLocked(w, k.Addr)
	return 0
}

// Woken reports whether w was woken.
func (w *Waiter) Woken() bool { return w.woken.Load() }

// Leave ends the wait, and reports whether w had been woken.
func (w *Waiter) Leave() bool {
	for !w.woken.Load() {
		if w.leave(w.set.Load()) {
			return false
		}
	}
	return true
}

// leave takes w out of s, if it is there.
func (w *Waiter) leave(s *Set) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.woken.Load() || w.set.Load() != s {
		return false
	}
	s.dropLocked(w)
	return true
}

// Wake wakes at most n waiters of k that share a bit with bits, oldest first.
func (k Key) Wake(n int, bits uint32) (woken int) {
	k.Set.mu.Lock()
	defer k.Set.mu.Unlock()
	return k.wakeLocked(n, bits)
}

func (k Key) wakeLocked(n int, bits uint32) (woken int) {
	if k.Set.queues == nil {
		return 0
	}
	for w := k.Set.queueLocked(k.Addr).head; w != nil && woken < n; {
		next := w.next
		if w.addr == k.Addr && w.bits&bits != 0 && w.owner.tid == 0 {
			k.Set.wakeLocked(w)
			woken++
		}
		w = next
	}
	return woken
}

// Crossing lets one thread at a time move waiters between two sets.
type Crossing struct{ mu sync.Mutex }

// Requeue wakes n waiters of from and lets at most move others wait for to instead, if
// check gives no error. It gives how many it woke and moved.
func (c *Crossing) Requeue(from, to Key, n, move int, check func() linux.Errno) (count int, e linux.Errno) {
	if from.Set != to.Set {
		c.mu.Lock()
		defer c.mu.Unlock()
		to.Set.mu.Lock()
		defer to.Set.mu.Unlock()
	}
	from.Set.mu.Lock()
	defer from.Set.mu.Unlock()
	if e := check(); e != 0 {
		return 0, e
	}
	count = from.wakeLocked(n, Any)
	if from == to || from.Set.queues == nil {
		return count, 0
	}
	for w := from.Set.queueLocked(from.Addr).head; w != nil && move > 0; {
		next := w.next
		if w.addr == from.Addr && w.owner.tid == 0 {
			from.Set.dropLocked(w)
			to.Set.pushLocked(w, to.Addr)
			move--
			count++
		}
		w = next
	}
	return count, 0
}

// owner is what a waiter for a lock that is handed over is: the lock's word gets its id.
type owner struct {
	tid uint32
	mem guest.Memory
	at  guest.Addr
}
