package sched

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock measures how long a thread ran. It is one word, so that anybody reads it whole: what
// was measured, if it stands, or the complement of the moment at which it would have begun
// had it never stood.
type clock struct{ word atomic.Int64 }

// pause and goOn are the owner's; each does nothing where the other has not come before.
func (c *clock) pause(now time.Duration) {
	if w := c.word.Load(); w < 0 {
		c.word.Store(max(0, int64(now)-^w))
	}
}

func (c *clock) goOn(now time.Duration) {
	if w := c.word.Load(); w >= 0 {
		c.word.Store(^max(0, int64(now)-w))
	}
}

func (c *clock) ran(now time.Duration) time.Duration {
	w := c.word.Load()
	if w < 0 {
		w = max(0, int64(now)-^w)
	}
	return time.Duration(w)
}

func (c *clock) running() bool { return c.word.Load() < 0 }

// Times is CPU time: in compiled code, and in system calls.
type Times struct{ User, System time.Duration }

// Total is both together.
func (t Times) Total() time.Duration { return t.User + t.System }

// Plus is the sum.
func (t Times) Plus(o Times) Times { return Times{t.User + o.User, t.System + o.System} }

// split makes Times of a measured sum and an estimated part such that neither ever falls,
// though the estimate jumps.
type split struct{ last Times }

func (s *split) of(total, system time.Duration) Times {
	total = max(total, s.last.Total())
	system = min(max(system, s.last.System), total-s.last.User)
	s.last = Times{User: total - system, System: system}
	return s.last
}

// Ran is the thread's CPU time so far. Anybody may call it.
func (t *Thread) Ran() time.Duration { return t.clock.ran(t.sched.now()) }

// Running reports whether the thread neither sleeps nor waits for a slot. Anybody may call it.
func (t *Thread) Running() bool { return t.clock.running() }

// Sleeps reports whether it sleeps, as against running or waiting for a slot. Anybody may
// call it.
func (t *Thread) Sleeps() bool { return !t.clock.running() && !t.waits.Load() }

// guarded is a split that anybody may use.
type guarded struct {
	mu sync.Mutex
	split
}

// Times is the thread's CPU time. Anybody may call it.
func (t *Thread) Times() Times {
	t.shown.mu.Lock()
	defer t.shown.mu.Unlock()
	return t.shown.of(t.Ran(), time.Duration(t.sampler.system.Load()))
}

// Account is the CPU time of a process: of its threads, and of those that have ended.
type Account struct {
	mu sync.Mutex

	// guarded by mu
	threads []*Thread
	first   [1]*Thread    // room for that
	total   time.Duration // of ended threads
	system  time.Duration
	sleeps  int64
	evicted int64
	shown   split
}

// Add counts t from now on.
func (a *Account) Add(t *Thread) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.threads == nil {
		a.threads = a.first[:0]
	}
	a.threads = append(a.threads, t)
}

// Remove keeps what t has used; it has ended.
func (a *Account) Remove(t *Thread) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, o := range a.threads {
		if o == t {
			last := len(a.threads) - 1
			a.threads[i], a.threads[last] = a.threads[last], nil
			a.threads = a.threads[:last]
			a.total += t.Ran()
			a.system += time.Duration(t.sampler.system.Load())
			v, i := t.Switches()
			a.sleeps, a.evicted = a.sleeps+v, a.evicted+i
			return
		}
	}
}

// Times is the CPU time of the process.
func (a *Account) Times() Times {
	a.mu.Lock()
	defer a.mu.Unlock()
	total, system := a.total, a.system
	for _, t := range a.threads {
		total += t.Ran()
		system += time.Duration(t.sampler.system.Load())
	}
	return a.shown.of(total, system)
}

// Switches counts how often its threads slept, and how often one lost its slot.
func (a *Account) Switches() (voluntary, involuntary int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	voluntary, involuntary = a.sleeps, a.evicted
	for _, t := range a.threads {
		v, i := t.Switches()
		voluntary, involuntary = voluntary+v, involuntary+i
	}
	return voluntary, involuntary
}

// Running counts the threads that run.
func (a *Account) Running() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.threads {
		if t.Running() {
			n++
		}
	}
	return n
}

// SetNice sets the nice value of all threads.
func (a *Account) SetNice(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.threads {
		t.SetNice(n)
	}
}
