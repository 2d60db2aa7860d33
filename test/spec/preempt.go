package main

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"vkernel/internal/engine"
)

// kicker stops whatever instance runs, every so often, from the start of a suite to its end, and
// each call at its entry: so that short calls are hit as well as long ones.
type kicker struct {
	running atomic.Pointer[engine.Instance]
	calls   int // of the goroutine that runs guests
	hits    int // how often they were stopped
	stop    func()
}

// rests is the shortest time that the kicker sleeps for; for less it spins for a time by chance,
// up to pause: one that never pauses leaves a guest on another processor no time to go on.
const (
	rests = 10 * time.Microsecond
	pause = 8 * time.Microsecond
)

func startKicker(every time.Duration) *kicker {
	k := &kicker{}
	// Guests that spin hold their processors of Go's; the kicker finds another.
	before := runtime.GOMAXPROCS(runtime.NumCPU() + 4)
	var done atomic.Bool
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		rest := syscall.NsecToTimespec(every.Nanoseconds())
		for !done.Load() {
			if every >= rests {
				syscall.Nanosleep(&rest, nil)
			} else {
				for end := time.Now().Add(rand.N(pause)); time.Now().Before(end); {
				}
			}
			if i := k.running.Load(); i != nil {
				i.Kick()
			}
		}
	}()
	k.stop = func() {
		done.Store(true)
		<-gone
		runtime.GOMAXPROCS(before)
	}
	return k
}

// enter says that i runs; leave, that what ran before does again.
func (k *kicker) enter(i *engine.Instance) (leave func()) {
	k.calls++
	before := k.running.Swap(i)
	i.Kick()
	return func() { k.running.Store(before) }
}
