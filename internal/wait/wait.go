// Package wait is how guest threads sleep, all of them and everywhere: pipes, terminals,
// children, timers, poll and futexes.
//
// # Model
//
// Kernel objects never block. An operation that cannot proceed returns EAGAIN, and the
// object notifies its Queue when that may have changed. The one blocking loop, in the
// system call layer, registers the thread's Waiter with the queue, tries again, and then
// sleeps in Waiter.Sleep. Whatever ends a sleep (an event, a signal, a timer) puts one
// token into the same channel, so that a sleeper waits for one thing only and re-checks
// the world when it wakes. Wake-ups may be spurious; they are never lost, because the
// waiter is registered before the last try.
//
// A Watch is a registration that lasts and belongs to no sleeper: a notification puts it on
// the Ready list of its owner, an epoll set, and tells those who wait for the list. It holds
// no code, so that a set is plain data.
//
// # Lock order
//
// Notify may be called with any lock of an object held. Of queues that lead to each other
// through watches, the one that is notified comes first; such chains are short and have no
// circles (package epoll sees to it). Ready.mu is below all queues, and a leaf.
package wait

import (
	"sync"
	"time"
)

// Events is a set of poll(2) event bits.
type Events uint32

// Event bits, as in poll(2).
const (
	In   Events = 0x001
	Pri  Events = 0x002
	Out  Events = 0x004
	Err  Events = 0x008
	Hup  Events = 0x010
	Nval Events = 0x020

	RdHup Events = 0x2000 // POLLRDHUP: a socket's other side writes no more
)

// Waiter is one sleeper, usually one guest thread. The zero value is not ready: use New or Init.
// Sleep is called by its owner only; Wake by anyone.
type Waiter struct {
	token chan struct{} // capacity 1: a wake-up that came before the sleep is kept
	timer *time.Timer   // reused by Sleep, owner only
}

// New makes a waiter.
func New() *Waiter {
	w := new(Waiter)
	w.Init()
	return w
}

// Init makes a zero value, a part of something else, ready.
func (w *Waiter) Init() { w.token = make(chan struct{}, 1) }

// Wake ends the current sleep, or the next one.
func (w *Waiter) Wake() {
	select {
	case w.token <- struct{}{}:
	default:
	}
}

// Clear drops a token that is left from an earlier wait.
func (w *Waiter) Clear() {
	select {
	case <-w.token:
	default:
	}
}

// Sleep blocks until Wake, or until d has passed if d is not negative. It reports
// whether it was woken, as against timed out.
func (w *Waiter) Sleep(d time.Duration) bool {
	if d < 0 {
		<-w.token
		return true
	}
	return w.sleepFor(d)
}

// sleepFor is Sleep with a time-out; an idle thread's stack does not hold its frame.
//
//go:noinline
func (w *Waiter) sleepFor(d time.Duration) bool {
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	select {
	case <-w.token:
		w.timer.Stop()
		return true
	case <-w.timer.C:
		return false
	}
}

// Entry is one registration of a waiter with a queue. The caller owns its memory and may
// reuse it once it is removed. The zero value is unregistered.
type Entry struct {
	waiter     *Waiter // or watch, or teller
	watch      *Watch
	teller     Teller
	mask       Events // of a waiter
	exclusive  bool
	queue      *Queue
	prev, next *Entry
}

// Queue is the list of those who wait for events of one object. The zero value is empty
// and ready. It must not be copied.
type Queue struct {
	mu sync.Mutex

	// guarded by mu
	head, tail *Entry
}

// Add registers w for the events in mask (Err and Hup are always included).
func (q *Queue) Add(e *Entry, w *Waiter, mask Events) {
	q.add(e, Entry{waiter: w, mask: mask | Err | Hup})
}

// AddExclusive is Add for one of several who wait to do the same work: a notification wakes
// one of them. Who was woken and leaves work undone calls WakeOne.
func (q *Queue) AddExclusive(e *Entry, w *Waiter, mask Events) {
	q.add(e, Entry{waiter: w, mask: mask | Err | Hup, exclusive: true})
}

// Teller is told of events, with the queue and the object that it belongs to locked.
type Teller interface{ Tell(mask Events) }

// AddTeller has t told of the events in mask, and of Err and Hup, until the entry is removed.
func (q *Queue) AddTeller(e *Entry, t Teller, mask Events) {
	q.add(e, Entry{teller: t, mask: mask | Err | Hup})
}

func (q *Queue) add(e *Entry, v Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*e = v
	e.queue = q
	q.appendLocked(e)
}

func (q *Queue) appendLocked(e *Entry) {
	e.prev, e.next = q.tail, nil
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.next = e
	}
	q.tail = e
}

func (q *Queue) unlinkLocked(e *Entry) {
	if e.prev == nil {
		q.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		q.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
}

// Remove ends a registration. Removing an unregistered entry does nothing.
func (e *Entry) Remove() {
	q := e.queue
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unlinkLocked(e)
	*e = Entry{}
}

// Notify wakes every waiter registered for any event of mask, and lists every watch; of
// exclusive ones the first whose owner is there.
func (q *Queue) Notify(mask Events) { q.notify(mask) }

// notify reports whether anybody waits.
func (q *Queue) notify(mask Events) (waits bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var served *Entry // the exclusive one
	for e := q.head; e != nil; e = e.next {
		switch {
		case e.exclusive && served != nil:
		case e.watch != nil:
			if Events(e.watch.mask.Load())&mask == 0 {
				continue
			}
			there := e.watch.tell()
			waits = waits || there
			if e.exclusive && there {
				served = e
			}
		case e.mask&mask == 0:
		case e.teller != nil:
			e.teller.Tell(mask)
		default:
			e.waiter.Wake()
			waits = true
			if e.exclusive {
				served = e
			}
		}
	}
	if served != nil { // the next is for another
		q.unlinkLocked(served)
		q.appendLocked(served)
	}
	return waits
}

// WakeOne wakes one exclusive waiter.
func (q *Queue) WakeOne() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for e := q.head; e != nil; e = e.next {
		if e.exclusive && e.waiter != nil {
			e.waiter.Wake()
			q.unlinkLocked(e)
			q.appendLocked(e)
			return
		}
	}
}
