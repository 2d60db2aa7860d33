package sched

import (
	"context"
	"math"
	"sync"
	"time"
)

// loadSample is how often the load is looked at, as on Linux.
const loadSample = 5 * time.Second

// load is how many threads were runnable, on average over about 1, 5 and 15 minutes.
type load struct {
	mu sync.Mutex

	// guarded by mu
	average [3]float64
}

// add counts n runnable threads for a time.
func (l *load) add(n int, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, over := range [3]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute} {
		keep := math.Exp(-float64(d) / float64(over))
		l.average[i] = l.average[i]*keep + float64(n)*(1-keep)
	}
}

// Load is the load average over 1, 5 and 15 minutes, as WatchLoad has seen it.
func (s *Scheduler) Load() [3]float64 {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return s.load.average
}

// WatchLoad measures the load until ctx is done.
func (s *Scheduler) WatchLoad(ctx context.Context) {
	tick := time.NewTicker(loadSample)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.load.add(s.Runnable(), loadSample)
		}
	}
}
