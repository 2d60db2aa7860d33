package wait

import (
	"sync"
	"sync/atomic"
)

// Watch is a lasting registration with a queue: each notification of an event in its mask puts
// it on the ready list of its owner. Join makes it one.
type Watch struct {
	Of any // whose it is, for the owner of the list; set before Join

	entry Entry
	ready *Ready
	mask  atomic.Uint32 // no event is in it by itself, Err and Hup neither

	// guarded by ready.mu
	listed     bool
	prev, next *Watch
}

// Join registers the watch with q. exclusive: of several such watches of q the first that has
// somebody waiting for its list is enough.
func (w *Watch) Join(q *Queue, r *Ready, mask Events, exclusive bool) {
	w.ready = r
	w.mask.Store(uint32(mask))
	q.add(&w.entry, Entry{watch: w, exclusive: exclusive})
}

// SetMask changes what is watched for.
func (w *Watch) SetMask(mask Events) { w.mask.Store(uint32(mask)) }

// Leave ends the registration, and takes the watch off the list.
func (w *Watch) Leave() {
	w.entry.Remove()
	if r := w.ready; r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dropLocked(w)
	}
}

// tell lists the watch and reports whether anybody waits for the list.
func (w *Watch) tell() bool {
	w.ready.Put(w)
	return w.ready.queue.notify(In)
}

// Ready is a list of watches in the order in which their events came. The zero value is empty.
type Ready struct {
	queue Queue // of those who wait for the list to have something

	mu sync.Mutex

	// guarded by mu
	head, tail *Watch
}

// Queue is notified with In whenever an event has come, whether its watch is listed already or not.
func (r *Ready) Queue() *Queue { return &r.queue }

// Put lists w at the end, if it is not listed.
func (r *Ready) Put(w *Watch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.listed {
		return
	}
	w.listed, w.prev, w.next = true, r.tail, nil
	if r.tail == nil {
		r.head = w
	} else {
		r.tail.next = w
	}
	r.tail = w
}

// Take takes the oldest off the list, nil if there is none.
func (r *Ready) Take() *Watch {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.head
	if w != nil {
		r.dropLocked(w)
	}
	return w
}

// First and Last give the ends of the list.
func (r *Ready) First() *Watch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head
}

// Last gives the youngest.
func (r *Ready) Last() *Watch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tail
}

// All gives the list.
func (r *Ready) All() (all []*Watch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w := r.head; w != nil; w = w.next {
		all = append(all, w)
	}
	return all
}

func (r *Ready) dropLocked(w *Watch) {
	if !w.listed {
		return
	}
	if w.prev == nil {
		r.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		r.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.listed, w.prev, w.next = false, nil, nil
}
