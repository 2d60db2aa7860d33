//go:build !race

package kernel

import (
	"runtime"
	"testing"
)

// TestIdleStack holds that the goroutine of a thread that sleeps in a read needs so little stack that the
// garbage collector leaves it 4 KiB: it halves a stack of which less than a quarter is in use.
func TestIdleStack(t *testing.T) {
	s := newSession(t, nil)
	const n = 100
	s.answer("mkfifo /root/f; sleep 1000 >/root/f &")
	stacks := func() uint64 {
		for range 3 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.StackInuse
	}
	before := stacks()
	s.answer("for i in $(seq 100); do cat /root/f & done; sleep 1")
	goroutines := runtime.NumGoroutine()
	each := int64(stacks()-before) / n
	t.Logf("%d bytes each, %d goroutines", each, goroutines)
	if goroutines < n || each > 5<<10 {
		t.Errorf("the stack of an idle thread takes %d bytes (%d goroutines)", each, goroutines)
	}
}
