package sched

import (
	"math"
	"time"

	"vkernel/internal/state"
)

// What of a thread is saved is what can be seen: its times, its nice value, and how often it slept or lost its slot. Its
// credit and its place in a queue are not: it begins as one that has just come.

// SaveState writes the thread, whose clock stands.
func (t *Thread) SaveState(e *state.Encoder) {
	e.Duration(t.Ran())
	e.Deadline(t.started)
	e.Int(int64(t.nice.Load()))
	e.Uint(t.affinity.Load())
	e.Int(t.sleeps.Load())
	e.Int(t.evictions.Load())
	e.Int(t.sampler.system.Load())
	t.shown.SaveState(e)
}

// LoadState reads it into a new one, whose clock stands.
func (t *Thread) LoadState(d *state.Decoder) {
	t.clock.word.Store(int64(loadTime(d)))
	t.started = d.Deadline()
	t.nice.Store(int32(d.Int(-20, 19)))
	t.affinity.Store(d.Uint(math.MaxUint64))
	t.sleeps.Store(d.Int(0, math.MaxInt64))
	t.evictions.Store(d.Int(0, math.MaxInt64))
	t.sampler.system.Store(int64(loadTime(d)))
	t.shown.LoadState(d)
}

// loadTime reads a time that was used: some hundred years at most, so that sums do not overflow.
func loadTime(d *state.Decoder) time.Duration { return time.Duration(d.Int(0, 1<<61)) }

// SaveState writes what was shown last.
func (s *split) SaveState(e *state.Encoder) { s.last.SaveState(e) }

// LoadState reads it.
func (s *split) LoadState(d *state.Decoder) { s.last.LoadState(d) }

// SaveState writes times.
func (t *Times) SaveState(e *state.Encoder) {
	e.Duration(t.User)
	e.Duration(t.System)
}

// LoadState reads them.
func (t *Times) LoadState(d *state.Decoder) { t.User, t.System = loadTime(d), loadTime(d) }

// SaveState writes what the threads have used that have ended. Those that have not are added again.
func (a *Account) SaveState(e *state.Encoder) {
	e.Duration(a.total)
	e.Duration(a.system)
	e.Int(a.sleeps)
	e.Int(a.evicted)
	a.shown.SaveState(e)
}

// LoadState reads it.
func (a *Account) LoadState(d *state.Decoder) {
	a.total, a.system = loadTime(d), loadTime(d)
	a.sleeps, a.evicted = d.Int(0, math.MaxInt64), d.Int(0, math.MaxInt64)
	a.shown.LoadState(d)
}
