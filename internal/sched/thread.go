package sched

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"vkernel/internal/wait"
)

// Kicked is whose thread it is.
type Kicked interface {
	Kick() // makes it leave compiled code
}

// kick is one that is a function.
type kick func()

func (k kick) Kick() { k() }

// Thread is what the scheduler knows of a guest thread.
type Thread struct {
	sched     *Scheduler
	waiter    *wait.Waiter
	owner     Kicked
	clock     clock
	started   time.Time
	born      time.Duration // the same, after sched.epoch
	nice      atomic.Int32
	affinity  atomic.Uint64 // see Affinity; 0: all
	since     atomic.Int64  // when it got the slot that it holds, after sched.epoch
	spare     atomic.Int64  // for how long no brief one may take that slot
	base      atomic.Int64  // its virtual run time then, -1 if it is a brief one
	waits     atomic.Bool   // for a slot
	sleeps    atomic.Int64
	evictions atomic.Int64
	shown     guarded

	// The thread's own.
	away    bool          // Enter is due before it runs compiled code
	woke    time.Duration // when it woke, until Enter: saves a look at the host's clock
	stolen  bool          // its slot was taken, so what is below is to be used under mu
	sampler sampler

	// The thread's own while it neither waits nor holds a slot, guarded by Scheduler.mu
	// otherwise.
	slot    int           // that it holds, unless it was taken away; -1: none
	virtual time.Duration // run time by weight
	credit  time.Duration // run time left as a brief thread, when it got its slot

	// guarded by Scheduler.mu
	queue   *queue // that it is or was in
	place   int    // in queue.threads
	key     time.Duration
	arrival uint64
	granted bool // it got a slot
}

// NewThread makes a thread, which waiter wakes and kick kicks out of compiled code. It has
// nice value 0 and no credit.
func (s *Scheduler) NewThread(waiter *wait.Waiter, f func()) *Thread {
	t := new(Thread)
	s.Init(t, waiter, kick(f))
	return t
}

// Init makes t, a zero value that is a part of its owner, what NewThread makes.
func (s *Scheduler) Init(t *Thread, waiter *wait.Waiter, owner Kicked) {
	t.sched, t.waiter, t.owner, t.slot, t.away = s, waiter, owner, -1, true
	t.born = s.now()
	t.started = s.epoch.Add(t.born) // saves two looks at clocks
	t.virtual = math.MaxInt64 / 2   // behind those who wait
	t.sampler.start()
}

// Inherit makes the thread, which has not run yet, the child of parent, whose goroutine
// calls it: it gets the nice value, and half of the credit, which the parent loses.
func (t *Thread) Inherit(parent *Thread) {
	t.nice.Store(parent.nice.Load())
	t.affinity.Store(parent.affinity.Load())
	t.sched.mu.Lock() // somebody may be taking the parent's slot away
	defer t.sched.mu.Unlock()
	left := parent.credit
	if parent.holdsSlot() {
		left = max(0, left-t.sched.pace.scale(parent.scaled(parent.holds(t.born))))
	}
	parent.credit -= left / 2
	parent.spare.Store(int64(parent.allowance()))
	t.credit = max(left/2, birthCredit)
}

// Affinity is the set of processors that was set for the thread, 0 for all. It is kept, and children get it; where the
// thread runs is the host's decision. Anybody may call it.
func (t *Thread) Affinity() uint64 { return t.affinity.Load() }

// SetAffinity sets it. Anybody may call it.
func (t *Thread) SetAffinity(set uint64) { t.affinity.Store(set) }

// SetNice sets the nice value, -20 to 19. Anybody may call it.
func (t *Thread) SetNice(n int) { t.nice.Store(int32(min(max(n, -20), 19))) }

// Started is when the thread was made.
func (t *Thread) Started() time.Time { return t.started }

// Switches counts how often the thread slept, and how often it lost its slot. Anybody may
// call it.
func (t *Thread) Switches() (voluntary, involuntary int64) {
	return t.sleeps.Load(), t.evictions.Load()
}

// Away reports whether Enter has to be called before the thread runs compiled code again.
func (t *Thread) Away() bool { return t.away }

func (t *Thread) holdsSlot() bool { return t.slot >= 0 && t.sched.slots[t.slot].holder.Load() == t }

// Enter takes a slot, if the thread has none: it waits its turn. It reports whether it has
// one now; not if work, which comes with a wake-up of the waiter, became something else
// than 0 before.
func (t *Thread) Enter(work *atomic.Uint32) bool {
	if t.holdsSlot() {
		t.away = false
		return true
	}
	t.stolen = t.stolen || t.slot >= 0
	t.slot = -1
	s, now := t.sched, t.woke
	if now == 0 {
		now = s.now()
		t.clock.goOn(now)
	}
	t.woke = 0
	if t.stolen || s.waiting.Load() != 0 || !t.grab(now) {
		if !t.queueUp(now, work) {
			t.away = true
			return false
		}
	}
	t.away = false
	return true
}

// grab takes a free slot.
func (t *Thread) grab(now time.Duration) bool {
	t.begin(now)
	for i := range t.sched.slots {
		h := &t.sched.slots[i].holder
		if h.Load() == nil && h.CompareAndSwap(nil, t) {
			t.slot = i
			return true
		}
	}
	return false
}

// begin notes when the thread gets a slot.
func (t *Thread) begin(now time.Duration) {
	t.since.Store(int64(now))
	base := int64(-1)
	if t.credit == 0 {
		base = int64(max(0, t.virtual))
	}
	change(&t.spare, int64(t.allowance()))
	change(&t.base, base)
}

// change stores what is seldom another value than before, since a store costs more than a look.
func change(at *atomic.Int64, v int64) {
	if at.Load() != v {
		at.Store(v)
	}
}

// queueUp waits for a slot.
func (t *Thread) queueUp(now time.Duration, work *atomic.Uint32) bool {
	s := t.sched
	s.mu.Lock()
	t.stolen = false
	t.waits.Store(true)
	s.enqueueLocked(t, now)
	out := s.dispatchLocked(now)
	s.mu.Unlock()
	out.kick()
	t.clock.pause(now)
	defer func() {
		t.clock.goOn(s.now())
		t.waits.Store(false)
	}()
	for {
		if granted, left := t.ask(work); granted || left {
			return granted
		}
		t.waiter.Sleep(-1)
	}
}

// ask looks whether the thread has got a slot; if it has not and there is work, it leaves
// the queue.
func (t *Thread) ask(work *atomic.Uint32) (granted, left bool) {
	s := t.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.granted:
		t.granted = false
		return true, false
	case work.Load() != 0:
		t.queue.remove(t)
		s.waiting.Add(-1)
		return false, true
	}
	return false, false
}

// enqueueLocked puts t into the queue that its credit says.
func (s *Scheduler) enqueueLocked(t *Thread, now time.Duration) {
	q, other := &s.queues[long], &s.queues[brief]
	if t.credit > 0 {
		q, other = other, q
	}
	if len(q.threads) == 0 {
		q.used = max(q.used, other.used-lead)
	}
	t.queue = q
	if t.credit > 0 {
		q.add(t, now+earning*(mostCredit-t.credit)) // as if credit were earned while one waits
	} else {
		t.virtual = s.near(t.virtual, t)
		q.add(t, t.virtual)
	}
	s.waiting.Add(1)
}

// near brings a virtual time of t near to what was reached: neither a long sleep nor a long
// run while nobody waited counts for much.
func (s *Scheduler) near(v time.Duration, t *Thread) time.Duration {
	return min(max(v, s.floor-bonus), s.floor+t.scaled(slice))
}

// leave gives the slot up, if the thread has one.
func (t *Thread) leave(now time.Duration) {
	i, s := t.slot, t.sched
	t.away = true
	if i < 0 {
		return
	}
	t.slot = -1
	if !s.slots[i].holder.CompareAndSwap(t, nil) {
		t.stolen = true
		return
	}
	if s.waiting.Load() == 0 {
		t.charge(t.holds(now))
		return
	}
	s.mu.Lock()
	s.chargeLocked(t, now)
	out := s.dispatchLocked(now)
	s.mu.Unlock()
	out.kick()
}

// Stand is the begin of a sleep that does not count as one: the thread's clock stands, and it has no slot any more.
func (t *Thread) Stand() {
	now := t.sched.now()
	t.clock.pause(now)
	t.leave(now)
}

// Awake is its end.
func (t *Thread) Awake() { t.clock.goOn(t.sched.now()) }

// Sleep sleeps as wait.Waiter.Sleep does, without a slot.
func (t *Thread) Sleep(d time.Duration) bool {
	now := t.sched.now()
	t.clock.pause(now)
	t.sleeps.Add(1)
	t.leave(now)
	woken := t.waiter.Sleep(d)
	awake := t.sched.now()
	t.clock.goOn(awake)
	t.woke = awake
	t.earn(awake - now)
	return woken
}

// earn gives credit for a sleep.
func (t *Thread) earn(slept time.Duration) {
	if t.stolen {
		t.sched.mu.Lock()
		defer t.sched.mu.Unlock()
		t.stolen = false
	}
	easy := min(max(0, easyCredit-t.credit), slept)
	t.credit = min(max(t.credit+easy+(slept-easy)/earning, leastCredit), mostCredit)
}

// Yield lets others run, if any wait, as a thread that has used up its credit.
func (t *Thread) Yield() {
	if t.sched.waiting.Load() == 0 || !t.holdsSlot() {
		runtime.Gosched()
		return
	}
	t.leave(t.sched.now())
	t.sched.mu.Lock()
	t.credit = 0
	t.virtual = max(t.virtual, t.sched.floor+1)
	t.sched.mu.Unlock()
}

// End gives up the slot for good.
func (t *Thread) End() {
	now := t.sched.now()
	t.clock.pause(now)
	t.leave(now)
}

// holds is how long the thread has had its slot.
func (t *Thread) holds(now time.Duration) time.Duration {
	return max(0, now-time.Duration(t.since.Load()))
}

// end is when the thread, which holds a slot, has to give it to the first of q: to a brief
// thread when its own credit is used up, unless brief ones have had their share. Among long
// threads that is not before it has run for as long as its weight allows.
func (t *Thread) end(q *queue) time.Duration {
	since, base := time.Duration(t.since.Load()), time.Duration(t.base.Load())
	if b, l := &t.sched.queues[brief], &t.sched.queues[long]; q == b && b.used <= l.used {
		return since + time.Duration(t.spare.Load())
	}
	if base < 0 || q == &t.sched.queues[brief] {
		return since + slice
	}
	ahead := q.threads[0].key - t.sched.near(base, t)
	return since + max(slice, ahead*t.weight()/1024)
}

// charge counts run time that is over.
func (t *Thread) charge(ran time.Duration) {
	ran = t.scaled(min(ran, time.Hour)) // more would overflow
	t.virtual += ran
	t.credit = max(0, t.credit-t.sched.pace.scale(ran))
}

// allowance is for how long the credit lasts, a slice at most, and less in a crowd: of a thousand
// that have slept for long and wake at once each has much credit, and whoever wakes a moment later, a shell, waits
// for a turn of them all.
func (t *Thread) allowance() time.Duration {
	turn := slice
	if n := time.Duration(t.sched.waiting.Load()); n > crowd {
		turn = max(slice*crowd/n, leastTurn)
	}
	return min(t.sched.pace.stretch(t.credit*t.weight()/1024), turn)
}

// weights are those of Linux for the nice values -20 to 19: each step is a quarter more.
var weights = [40]int64{
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
}

// scaled is run time by the thread's weight.
func (t *Thread) scaled(d time.Duration) time.Duration {
	if t.nice.Load() == 0 {
		return d // saves a division
	}
	return d * 1024 / t.weight()
}

func (t *Thread) weight() time.Duration { return time.Duration(weights[t.nice.Load()+20]) }
