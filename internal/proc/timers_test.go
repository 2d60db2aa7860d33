package proc

import (
	"runtime"
	"testing"
	"time"

	"vkernel/internal/linux"
)

// Expiries must not pile up while the table is busy, and many timers must not take the
// whole host.
func TestTimersDoNotPileUp(t *testing.T) {
	f := newForest(t, 10)
	p := f.plant()
	const timers = 200
	var ids []int32
	for range timers {
		id, e := p.NewTimer(linux.CLOCK_MONOTONIC, Clock{}, linux.SIGRTMIN, 0, nil)
		if e != 0 {
			t.Fatal(e)
		}
		p.SetTimer(id, 1, 1)
		ids = append(ids, id)
	}
	f.mu.Lock() // what a signal needs
	time.Sleep(200 * time.Millisecond)
	n := runtime.NumGoroutine()
	f.mu.Unlock()
	if n > timers+50 {
		t.Errorf("%d goroutines for %d timers", n, timers)
	}
	if n := f.ticking.Load(); n != timers {
		t.Errorf("%d timers counted, want %d", n, timers)
	}
	for _, id := range ids[:timers/2] {
		p.DeleteTimer(id)
	}
	p.SetTimer(ids[timers-1], 1, 0)
	p.timers.stop()
	if n := f.ticking.Load(); n != 0 {
		t.Errorf("%d timers counted after all have stopped", n)
	}
}

// A timer keeps its rate on average, and tells what it missed.
func TestTimerTicks(t *testing.T) {
	f := newForest(t, 10)
	p := f.plant()
	id, _ := p.NewTimer(linux.CLOCK_MONOTONIC, Clock{}, linux.SIGUSR1, 0, nil)
	p.SetTimer(id, time.Millisecond, time.Millisecond)
	time.Sleep(20 * time.Millisecond)
	if left, period, e := p.Timer(id); e != 0 || left <= 0 || left > time.Millisecond || period != time.Millisecond {
		t.Errorf("running timer: %v %v %v", left, period, e)
	}
	if !p.Thread().sig.PendingSet().Has(linux.SIGUSR1) && p.Thread().sig.Private() == 0 && !p.Thread().Interrupted() {
		t.Error("no signal came")
	}
}
