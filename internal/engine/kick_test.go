package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vkernel/internal/engine/layout"
)

const (
	stopByte = 1024  // of x_spin
	counter  = -4128 // COUNTER of guest.c
)

func TestKickBeforeResume(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_calls", 2)
	i.Kick()
	i.Kick()
	want(t, "kicked", i.Resume(0), layout.ExitPreempt)
	want(t, "first call", i.Resume(0), layout.ExitSyscall)
	i.Kick()
	want(t, "kicked with a result", i.Resume(30), layout.ExitPreempt)
	if e := i.Call(0, 5); e != 0 {
		t.Fatal(e)
	}
	want(t, "handler", i.Resume(0), layout.ExitSyscall)
	want(t, "handler's end", i.Resume(0), layout.ExitReturn)
	i.Return()
	if i.Arg(0) != 0 || i.Arg(1) != ^uint64(0) {
		t.Errorf("the interrupted call's arguments are %d, %d", i.Arg(0), i.Arg(1))
	}
	want(t, "second call", i.Resume(999), layout.ExitSyscall)
	want(t, "end", i.Resume(12), layout.ExitReturn)
	if got := i.Results()[0][0]; got != 42 {
		t.Errorf("sum %d, want 42", got)
	}
}

// TestKickSpinning interrupts loops that check every register while Go collects garbage, runs
// handlers on top of some, forks some, and moves them between threads.
func TestKickSpinning(t *testing.T) {
	c := loadGuest(t)
	const guests = 6
	var kicks, done atomic.Int64
	var wg sync.WaitGroup
	instances := make([]*Instance, guests)
	for k := range instances {
		instances[k] = newGuest(t, c)
		start(t, instances[k], "x_spin")
	}
	stop := time.Now().Add(1500 * time.Millisecond)
	for _, i := range instances {
		wg.Add(1)
		go func() {
			defer wg.Done()
			spin(t, i, stop, &kicks)
			done.Add(1)
		}()
	}
	for n := 0; done.Load() < guests; n++ {
		for _, i := range instances {
			i.Kick()
		}
		if n%64 == 0 {
			runtime.GC()
		}
		time.Sleep(50 * time.Microsecond)
	}
	wg.Wait()
	t.Logf("%d preemptions", kicks.Load())
	for _, i := range instances {
		i.Free()
	}
}

func spin(t *testing.T, i *Instance, stop time.Time, kicks *atomic.Int64) {
	for n := 0; ; n++ {
		switch x := i.Resume(7); x {
		case layout.ExitPreempt:
			kicks.Add(1)
			if time.Now().After(stop) {
				*pointByte(i, stopByte) = 1
			}
			if n%3 == 1 && !handle(t, i, 1, 1, 2, 3) {
				return
			}
			if n%16 == 5 && !spinChild(t, i) {
				return
			}
		case layout.ExitReturn:
			if r := i.Results()[0][0]; r != 0 {
				t.Errorf("a register was lost (%d) after %d rounds", r, *i.u64(counter))
			}
			return
		default:
			t.Errorf("exit %d, trap %+v", x, i.Trap())
			return
		}
	}
}

// handle runs handler index on top and lets it make its call.
func handle(t *testing.T, i *Instance, index uint32, args ...uint64) bool {
	sp := i.StackPointer()
	if e := i.Call(index, args...); e != 0 {
		t.Error(e)
		return false
	}
	if got := i.StackPointer(); got != (sp-128)&^15 {
		t.Errorf("handler's stack pointer %#x, interrupted %#x", got, sp)
	}
	for {
		switch x := i.Resume(9); x {
		case layout.ExitPreempt, layout.ExitSyscall:
		case layout.ExitReturn:
			i.Return()
			if i.StackPointer() != sp {
				t.Errorf("stack pointer %#x after the handler, want %#x", i.StackPointer(), sp)
			}
			return true
		default:
			t.Errorf("handler: exit %d", x)
			return false
		}
	}
}

// spinChild forks an interrupted loop and lets the child end.
func spinChild(t *testing.T, parent *Instance) bool {
	child, e := parent.Program().Fork(parent)
	if e != 0 {
		t.Error(e)
		return false
	}
	defer child.Free()
	*pointByte(child, stopByte) = 1
	if x := child.Resume(0); x != layout.ExitReturn || child.Results()[0][0] != 0 {
		t.Errorf("child: exit %d, %d after %d rounds", x, child.Results()[0][0], *child.u64(counter))
		return false
	}
	return true
}

// TestKickIsNotLost has a guest that leaves all the time kicked by another goroutine: each
// kick is answered.
func TestKickIsNotLost(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_calls", 1<<40)
	answered := make(chan bool)
	var stop atomic.Bool
	go func() {
		defer close(answered)
		for !stop.Load() {
			if i.Resume(0) == layout.ExitPreempt {
				select {
				case answered <- true:
				case <-time.After(5 * time.Second):
				}
			}
		}
	}()
	for k := range 5000 {
		i.Kick()
		select {
		case <-answered:
		case <-time.After(5 * time.Second):
			t.Fatalf("kick %d was lost", k)
		}
	}
	stop.Store(true)
	i.Kick()
	for range answered {
	}
}

// TestKickFreed kicks instances that come and go: none but the kicked one leaves.
func TestKickFreed(t *testing.T) {
	c := loadGuest(t)
	old := newGuest(t, c)
	old.Free()
	old.Kick()
	i := newGuest(t, c)
	defer i.Free()
	old.Kick()
	start(t, i, "x_add", 1, 1)
	want(t, "the next user of the slot", i.Resume(0), layout.ExitReturn)
}

func pointByte(i *Instance, addr uintptr) *byte { return (*byte)(pointer(i.base + addr)) }

// TestKickEndsLoop has loops that nothing else ends kicked from other goroutines.
func TestKickEndsLoop(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_spin")
	kick := make(chan bool)
	defer close(kick)
	go func() {
		for range kick {
			i.Kick()
		}
	}()
	rounds := 5000
	if testing.Short() || raceEnabled {
		rounds = 1000
	}
	for range rounds {
		kick <- true
		want(t, "loop", i.Resume(0), layout.ExitPreempt)
	}
}
