package proc

import (
	"sync/atomic"
	"time"

	"vkernel/internal/linux"
)

// clock measures how long a thread ran: the time since its start, without its sleeps. It
// reads the host's clock only around sleeps, so that a system call costs nothing.
type clock struct {
	started  time.Time
	slept    atomic.Int64 // nanoseconds, complete sleeps
	asleep   atomic.Int64 // since when, nanoseconds after started; 0 if it runs
	switches atomic.Int64 // sleeps
}

func (c *clock) start() { c.started = time.Now() }

func (c *clock) pause() {
	c.switches.Add(1)
	c.asleep.Store(int64(time.Since(c.started)) | 1)
}

func (c *clock) goOn() {
	since := c.asleep.Swap(0)
	c.slept.Add(int64(time.Since(c.started)) - since)
}

// ran is how long the thread ran by now.
func (c *clock) ran() time.Duration {
	now := int64(time.Since(c.started))
	if since := c.asleep.Load(); since != 0 {
		now = since
	}
	return time.Duration(max(0, now-c.slept.Load()))
}

// Usage is what processes used: one, or all that were waited for.
type Usage struct {
	User     time.Duration
	MaxRSS   uint64 // bytes
	Switches int64
}

// add folds in another process's.
func (u *Usage) add(o Usage) {
	u.User += o.User
	u.MaxRSS = max(u.MaxRSS, o.MaxRSS)
	u.Switches += o.Switches
}

// Rusage is the usage in the guest's form.
func (u Usage) Rusage() linux.Rusage {
	return linux.Rusage{
		Utime:  linux.ToTimeval(u.User),
		Maxrss: int64(u.MaxRSS >> 10),
		Nvcsw:  u.Switches,
	}
}

// Usage is what the process used by now.
func (p *Process) Usage() Usage {
	u := Usage{User: p.thread.clock.ran(), Switches: p.thread.clock.switches.Load()}
	p.View(func(m *Memory) { p.noteRSS(m) })
	u.MaxRSS = p.maxRSS.Load()
	return u
}

// ChildUsage is what its children used that were waited for.
func (p *Process) ChildUsage() Usage {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.waited
}

// noteRSS remembers the largest resident size seen.
func (p *Process) noteRSS(m *Memory) {
	rss := m.Space.Usage().Resident
	for old := p.maxRSS.Load(); rss > old && !p.maxRSS.CompareAndSwap(old, rss); old = p.maxRSS.Load() {
	}
}

// Started is when the process began.
func (p *Process) Started() time.Time { return p.thread.clock.started }
