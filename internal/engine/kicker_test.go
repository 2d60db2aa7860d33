package engine

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"vkernel/internal/engine/layout"
)

// kickAll kicks instances every 100 us until it is stopped.
func kickAll(list []*Instance) (stop func()) { return kickEvery(100*time.Microsecond, list) }

// kickEvery kicks instances so often. The kicker has a processor of Go's to itself, since guests
// that spin hold theirs for milliseconds, and sleeps without giving it back.
func kickEvery(d time.Duration, list []*Instance) (stop func()) {
	before := runtime.GOMAXPROCS(len(list) + 4)
	var done atomic.Bool
	gone := make(chan bool)
	go func() {
		defer close(gone)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		rest := &syscall.Timespec{Nsec: int64(d)}
		for !done.Load() {
			syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(rest)), 0, 0)
			for _, i := range list {
				i.Kick()
			}
		}
	}()
	return func() {
		done.Store(true)
		<-gone
		runtime.GOMAXPROCS(before)
	}
}

// finish runs an activation to its end and counts its preemptions.
func finish(t testing.TB, i *Instance, answer func(x Exit) uint64) (preemptions int) {
	t.Helper()
	result := uint64(0)
	for {
		switch x := i.Resume(result); {
		case x == layout.ExitPreempt:
			preemptions++
		case x == layout.ExitReturn:
			return preemptions
		case answer != nil && x != layout.ExitTrap:
			result = answer(x)
		default:
			t.Fatalf("exit %d, %+v", x, i.Trap())
		}
	}
}
