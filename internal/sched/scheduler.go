package sched

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Slice is how long a thread runs while others wait.
const Slice = slice

const (
	// slice is how long a thread runs while others wait. Two threads that share a slot lose
	// less than a hundredth of it to the change; a hundred that share one wait 300 ms.
	slice = 3 * time.Millisecond
	// A brief thread's turn is shorter when more than crowd threads wait, but not too short to be worth the change.
	crowd     = 32
	leastTurn = 300 * time.Microsecond
	// soonest bounds how often the timer fires.
	soonest = 100 * time.Microsecond
	// A thread earns as much credit as it sleeps, up to easyCredit, and then a part of it, up
	// to mostCredit: one that answers once in a second may take long for it, and of a thousand
	// that wake at once none may.
	easyCredit = 5 * time.Millisecond
	mostCredit = 50 * time.Millisecond
	earning    = 20 // the part is one of so many
	// leastCredit is what any sleep gives.
	leastCredit = time.Millisecond
	// birthCredit is the least that a new thread has.
	birthCredit = 10 * time.Millisecond
	// bonus is how far a thread may be behind or ahead of the virtual time that was reached.
	bonus = 2 * slice
	// lead is how far a queue that was empty may be ahead of the other.
	lead = 2 * slice
	// briefShare is how much more of the time the brief queue gets, while both are in use.
	briefShare = 4
)

// Scheduler gives run slots to threads. New makes one.
type Scheduler struct {
	epoch   time.Time
	slots   []slot
	waiting atomic.Int32 // threads in the queues
	pace    pace
	load    load

	mu sync.Mutex

	// guarded by mu
	queues [2]queue
	floor  time.Duration // the virtual time that the long queue has reached
	timer  *time.Timer
	armed  bool
}

// slot holds the thread that may run. It fills a cache line: each is used by one processor.
type slot struct {
	holder atomic.Pointer[Thread]
	_      [56]byte
}

// New makes a scheduler of n slots; 0 means GOMAXPROCS.
func New(n int) *Scheduler {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	s := &Scheduler{epoch: time.Now(), slots: make([]slot, n)}
	s.pace.usage = hostUsage
	s.pace.reset()
	return s
}

// Slots is how many threads run at once.
func (s *Scheduler) Slots() int { return len(s.slots) }

// Runnable counts the threads that hold a slot or wait for one.
func (s *Scheduler) Runnable() int {
	n := int(s.waiting.Load())
	for i := range s.slots {
		if s.slots[i].holder.Load() != nil {
			n++
		}
	}
	return n
}

func (s *Scheduler) now() time.Duration { return time.Since(s.epoch) }

// evicted are threads that lost their slot and have to be told, at most one for each slot.
type evicted []*Thread

func (e evicted) kick() {
	for _, t := range e {
		t.owner.Kick()
	}
}

// dispatchLocked gives free slots to those who wait, takes slots from those whose time is
// over, and sees that it is called again when the next one's is.
func (s *Scheduler) dispatchLocked(now time.Duration) (out evicted) {
	for {
		q := s.pickLocked()
		if q == nil {
			return out
		}
		i, victim := s.roomLocked(q, now)
		if i < 0 {
			break
		}
		t := q.threads[0]
		t.begin(now)
		if !s.slots[i].holder.CompareAndSwap(victim, t) {
			continue // the victim has just left, or somebody came
		}
		if victim != nil {
			victim.evictions.Add(1)
			s.chargeLocked(victim, now)
			out = append(out, victim)
		}
		q.remove(t)
		if q == &s.queues[long] {
			s.floor = max(s.floor, t.key)
		}
		s.waiting.Add(-1)
		t.slot, t.granted = i, true
		t.waiter.Wake()
	}
	s.armLocked(now)
	return out
}

// pickLocked chooses the queue to be served, nil if nobody waits.
func (s *Scheduler) pickLocked() *queue {
	b, l := &s.queues[brief], &s.queues[long]
	switch {
	case len(b.threads) == 0 && len(l.threads) == 0:
		return nil
	case len(l.threads) == 0, len(b.threads) != 0 && b.used <= l.used:
		return b
	}
	return l
}

// roomLocked finds a slot for the first thread of q: a free one, or one whose holder has to
// go. It gives -1 if there is none yet.
func (s *Scheduler) roomLocked(q *queue, now time.Duration) (at int, victim *Thread) {
	at = -1
	var longest time.Duration
	for i := range s.slots {
		h := s.slots[i].holder.Load()
		if h == nil {
			return i, nil
		}
		if ran := h.holds(now); ran >= longest && h.end(q) <= now {
			at, victim, longest = i, h, ran
		}
	}
	return at, victim
}

// chargeLocked notes what a thread that held a slot until now has used, in its queue too.
func (s *Scheduler) chargeLocked(t *Thread, now time.Duration) {
	ran := t.holds(now)
	if t.credit > 0 {
		s.queues[brief].used += ran / briefShare
	} else {
		s.queues[long].used += ran
	}
	t.charge(ran)
}

// armLocked sets the timer to the moment when a slot can be taken away next.
func (s *Scheduler) armLocked(now time.Duration) {
	if s.armed {
		return
	}
	q := s.pickLocked()
	next := now + slice
	for i := range s.slots {
		if h := s.slots[i].holder.Load(); h != nil {
			next = min(next, h.end(q))
		}
	}
	s.armed = true
	d := max(next-now, soonest)
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.tick)
	} else {
		s.timer.Reset(d)
	}
}

// tick ends time slices.
func (s *Scheduler) tick() {
	s.mu.Lock()
	s.armed = false
	if s.waiting.Load() != 0 {
		s.pace.measure(s.now(), len(s.slots))
	} else {
		s.pace.reset()
	}
	out := s.dispatchLocked(s.now())
	s.mu.Unlock()
	out.kick()
}
