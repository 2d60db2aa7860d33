package proc

import (
	"context"
	"testing"
	"time"
)

// A thread that is started from outside after all have parked, before the cut holds the outside, is awaited as well.
func TestFreezeAwaitsLateStart(t *testing.T) {
	table := &Table{}
	table.outside.RLock() // somebody outside is busy: he starts a thread
	frozen := make(chan error, 1)
	go func() { frozen <- table.Freeze(t.Context()) }()
	for reached := false; !reached; time.Sleep(time.Millisecond) {
		table.mu.Lock()
		reached = table.freezer.on && table.freezer.reached == nil
		table.mu.Unlock()
	}
	table.mu.Lock()
	table.freezer.active++ // as startedLocked does
	table.mu.Unlock()
	table.outside.RUnlock()
	select {
	case err := <-frozen:
		t.Fatalf("frozen while a thread runs: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	table.finished()
	if err := <-frozen; err != nil {
		t.Error(err)
	}
	table.Thaw()
}

// One that does not park in time ends the cut, and the outside is free again.
func TestFreezeGivesUpOnLateStart(t *testing.T) {
	table := &Table{}
	table.outside.RLock()
	ctx, give := context.WithCancel(t.Context())
	frozen := make(chan error, 1)
	go func() { frozen <- table.Freeze(ctx) }()
	for reached := false; !reached; time.Sleep(time.Millisecond) {
		table.mu.Lock()
		reached = table.freezer.on && table.freezer.reached == nil
		table.mu.Unlock()
	}
	table.mu.Lock()
	table.freezer.active++
	table.mu.Unlock()
	table.outside.RUnlock()
	give()
	if err := <-frozen; err == nil {
		t.Error("frozen")
	}
	if !table.outside.TryLock() {
		t.Error("the outside is still locked")
	}
}
