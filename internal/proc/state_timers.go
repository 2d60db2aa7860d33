package proc

import (
	"math"
	"slices"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// SaveState writes the timers.
func (s *timers) SaveState(e *state.Encoder) {
	for _, t := range append(s.interval[:], s.limit) {
		e.Bool(t != nil)
		if t != nil {
			t.SaveState(e)
		}
	}
	ids := make([]int32, 0, len(s.posix))
	for id := range s.posix {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	e.Len(len(ids))
	for _, id := range ids {
		s.posix[id].SaveState(e)
	}
	e.Uint(uint64(s.nextID))
	e.Bool(s.stopped)
}

// LoadState reads them. rearm arms them.
func (s *timers) LoadState(d *state.Decoder) {
	for k, at := range []**timer{&s.interval[0], &s.interval[1], &s.interval[2], &s.limit} {
		if !d.Bool() {
			continue
		}
		*at = new(timer)
		(*at).LoadState(d)
		if want := timerKind(k); (*at).kind != want && !(k == 3 && (*at).kind == cpuLimit) {
			d.Failf("timer %d is another", k)
		}
	}
	n := d.Count(10)
	if n > maxTimers {
		d.Failf("%d timers", n)
	}
	for range min(n, maxTimers) {
		t := new(timer)
		t.LoadState(d)
		if d.Failed() {
			return
		}
		if s.posix == nil {
			s.posix = map[int32]*timer{}
		}
		if t.kind != posixTimer || s.posix[t.number] != nil {
			d.Failf("timer %d is there twice", t.number)
		}
		s.posix[t.number] = t
	}
	s.nextID = int32(d.Uint(math.MaxInt32))
	s.stopped = d.Bool()
}

// SaveState writes a timer. Its end on the wall clock is a moment; on a CPU clock it is what that shows.
func (t *timer) SaveState(e *state.Encoder) {
	e.Uint(uint64(t.kind))
	t.clock.SaveState(e)
	e.Bool(t.host != nil || t.firing)
	if t.clock.cpu() {
		e.Duration(t.end)
	} else {
		e.Deadline(wallStart.Add(t.end))
	}
	e.Duration(t.wall)
	e.Duration(t.period)
	e.Uint(uint64(t.overrun))
	e.Uint(uint64(uint32(t.id)))
	e.Uint(uint64(t.number))
	e.Uint(uint64(t.signal))
	e.Uint(t.value)
	state.Ref(e, t.to)
}

// LoadState reads it, not armed yet: firing says that it is to be. rounds begin anew, and ticks is counted again.
func (t *timer) LoadState(d *state.Decoder) {
	t.kind = timerKind(d.Uint(uint64(cpuLimit)))
	t.clock.LoadState(d)
	t.rounds, t.ticks, t.host = 0, false, nil
	t.firing = d.Bool()
	if t.clock.cpu() {
		t.end = time.Duration(d.Int(0, 1<<62))
	} else {
		t.end = d.Deadline().Sub(wallStart)
	}
	if t.wall = time.Duration(d.Int(0, 1<<62)); t.wall != 0 {
		t.end = time.Since(wallStart) + t.wall - time.Duration(time.Now().UnixNano())
	}
	t.period = time.Duration(d.Int(0, 1<<62))
	t.overrun = int32(d.Uint(math.MaxInt32))
	t.id = int32(uint32(d.Uint(math.MaxUint32)))
	t.number = int32(d.Uint(math.MaxInt32))
	t.signal = linux.Signal(d.Uint(linux.NSIG))
	t.value = d.Uint(math.MaxUint64)
	t.to = state.Get[*Thread](d)
	if t.period != 0 && t.period < leastInterval {
		d.Failf("a timer that fires each %v", t.period)
	}
}

// rearm arms the timers that were armed when they were saved.
func (s *timers) rearm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(s.interval[:], s.limit)
	for _, t := range s.posix {
		all = append(all, t)
	}
	for _, t := range all {
		if t == nil || !t.firing {
			continue
		}
		t.firing = false
		if s.stopped {
			continue
		}
		s.countLocked(t, t.period > 0 || t.clock.cpu())
		s.armLocked(t, max(t.clock.reaches(t.end), s.least()))
	}
}

// SaveState writes a clock.
func (c *Clock) SaveState(e *state.Encoder) {
	state.Ref(e, c.process)
	state.Ref(e, c.thread)
	e.Bool(c.user)
}

// LoadState reads it.
func (c *Clock) LoadState(d *state.Decoder) {
	c.process, c.thread, c.user = state.Get[*Process](d), state.Get[*Thread](d), d.Bool()
	if c.process != nil && c.thread != nil || c.user && c.process == nil {
		d.Failf("a clock of two")
	}
}
