package proc

import (
	"sync"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

// refusals logs which limits keep processes from being made. A program that runs into one does so
// again and again, so that each limit is logged at most once in refusalEvery, with a count.
type refusals struct {
	mu sync.Mutex

	// guarded by mu
	seen map[string]*refusal // by limit, of which there are a few
	exec execRefusals
}

// execRefusals paces the lines about files that were not executed: a guest that tries without end does
// not fill the log.
type execRefusals struct {
	left    float64
	filled  time.Time
	skipped int
}

// Lines about files that were not executed.
const (
	execBurst     = 200
	execPerSecond = 10
)

// pace reports whether a file that was not executed is to be logged, and how many were not before.
func (r *refusals) pace(now time.Time) (before int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := &r.exec
	if x.filled.IsZero() {
		x.left = execBurst
	} else {
		x.left = min(execBurst, x.left+now.Sub(x.filled).Seconds()*execPerSecond)
	}
	x.filled = now
	if x.left < 1 {
		x.skipped++
		return 0, false
	}
	x.left--
	before, x.skipped = x.skipped, 0
	return before, true
}

type refusal struct {
	logged time.Time
	since  int // refusals since then
}

const refusalEvery = 10 * time.Second

// due reports whether a limit is to be logged now, and how often it was met without that.
func (r *refusals) due(limit string, now time.Time) (before int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.seen[limit]
	if one == nil {
		if r.seen == nil {
			r.seen = map[string]*refusal{}
		}
		one = new(refusal)
		r.seen[limit] = one
	} else if now.Sub(one.logged) < refusalEvery {
		one.since++
		return 0, false
	}
	before = one.since
	one.logged, one.since = now, 0
	return before, true
}

// refused logs a limit that a process or thread was not made for.
func (t *Table) refused(r engine.Refusal, pid int, e linux.Errno) {
	if before, ok := t.refusals.due(r.Limit, time.Now()); ok {
		t.config.Log.Warn("no new process: limit reached", "limit", r.Limit, "detail", r.Detail, "errno", e, "pid", pid, "before", before)
	}
}

// refusedMemory logs why the engine had no instance, or no memory for one, and gives the errno.
func (t *Thread) refusedMemory(p *Program, e linux.Errno) linux.Errno {
	if r := p.Code.Code().Refused(); e != 0 && r.Limit != "" {
		t.Table().refused(r, t.process.pid, e)
	}
	return e
}
