package sched

import (
	"sync/atomic"
	"syscall"
	"time"
)

// pace is how much of a processor the host gives to each slot while all are in use: less
// than all of it on a host that others use too. Credit is CPU time, so that a command does
// not become a long one by waiting for the host.
type pace struct {
	part  atomic.Int64         // of whole
	usage func() time.Duration // CPU time of the host process; nil: not measured

	// guarded by Scheduler.mu
	since time.Duration // of the sample, 0 if there is none
	used  time.Duration // by the host process until then
}

const (
	whole      = 1024
	leastPace  = whole / 32
	paceSample = 10 * time.Millisecond
)

// scale is how much of d the host gave.
func (p *pace) scale(d time.Duration) time.Duration { return d * time.Duration(p.part.Load()) / whole }

// stretch is how long the host takes to give d.
func (p *pace) stretch(d time.Duration) time.Duration {
	part := p.part.Load()
	if part == whole {
		return d // saves a division
	}
	return d * whole / time.Duration(part)
}

// reset forgets what was measured; nobody waits for a slot.
func (p *pace) reset() {
	p.since = 0
	p.part.Store(whole)
}

// measure looks at what the host gave since the last sample. All slots are in use.
func (p *pace) measure(now time.Duration, slots int) {
	if p.usage == nil || p.since != 0 && now-p.since < paceSample {
		return
	}
	used := p.usage()
	if p.since != 0 {
		part := whole * int64(used-p.used) / (int64(now-p.since) * int64(slots))
		p.part.Store((p.part.Load() + min(max(part, leastPace), whole)) / 2)
	}
	p.since, p.used = now, used
}

// hostUsage is the CPU time of this process.
func hostUsage() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
