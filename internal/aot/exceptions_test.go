package aot_test

import (
	"testing"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
)

// TestExceptions runs both encodings: each way in which an exception meets a handler.
func TestExceptions(t *testing.T) {
	h := load(t, "exceptions")
	for _, c := range []struct {
		name string
		arg  uint64
		want uint64
	}{
		{"legacy", 5, 12},
		{"legacy", 8, 8},
		{"indirect", 3, 99},
		{"rethrow", 5, 1<<32 - 5},
		{"rethrow", 6, 6},
		{"delegate", 5, 7},
		{"delegate", 4, 3},
		{"table", 5, 5},
		{"table", 4, 5},
		{"loop", 1000, 500500},
		{"loop_label", 9, 77},
		{"tail", 41, 42},
	} {
		if got := uint32(h.call(c.name, c.arg)); got != uint32(c.want) {
			t.Errorf("%s(%d) is %d, expected %d", c.name, c.arg, got, c.want)
		}
	}
	if n := h.call("wide"); n != 140 {
		t.Errorf("wide is %d", n)
	}
	h.renew()
	h.call("rethrow", 5)
	h.call("rethrow", 6)
	if n := h.call("count"); n != 2 {
		t.Errorf("catch_all was entered %d times", n)
	}
}

// TestReferences keeps exceptions and throws them again.
func TestReferences(t *testing.T) {
	h := load(t, "exceptions")
	for _, n := range []uint64{5, 7, 9} {
		h.call("keep", n)
	}
	for _, c := range []struct{ name, want, arg uint64 }{{0, 9, 0}, {1, 5, 1}, {1, 7, 3}, {0, 9, 0}} {
		name := []string{"again", "again_from"}[c.name]
		if c.arg == 1 {
			c.want = 9 // 5 and 9 went to the same entry
		}
		if got := h.call(name, c.arg); got != c.want {
			t.Errorf("%s(%d) is %d, expected %d", name, c.arg, got, c.want)
		}
	}
	child, e := h.Program().Fork(h.Instance)
	if e != 0 {
		t.Fatal(e)
	}
	parent := h.Instance
	h.Instance = child
	if got := h.call("again"); got != 9 {
		t.Errorf("in a fork: %d", got)
	}
	h.call("keep", 11)
	child.Free()
	h.Instance = parent
	if got := h.call("again"); got != 9 {
		t.Errorf("after a fork: %d", got)
	}
	h.trap(layout.TrapNullException, "null")
	h.trap(layout.TrapNullException, "again") // nothing was kept in the new instance
}

// TestReferencesFreed makes more references than there can be at a time.
func TestReferencesFreed(t *testing.T) {
	h := load(t, "exceptions")
	h.call("keep", 5)
	if got := h.call("garbage", 200_000); got != 4711 {
		t.Errorf("the first exception is %d", got)
	}
	if got := h.call("again"); got != 5 {
		t.Errorf("the exception in a global is %d", got)
	}
	if got := h.call("hoard", 5000); got != 5000 {
		t.Errorf("the outermost of many frames has %d", got)
	}
	h.trap(layout.TrapExceptions, "hoard", 70_000)
}

// TestUncaught: an exception that leaves the activation is a trap, also out of a handler; and
// what it interrupted goes on.
func TestUncaught(t *testing.T) {
	h := load(t, "exceptions")
	h.trap(layout.TrapUncaught, "uncaught", 5)
	h.trap(layout.TrapDivideByZero, "trap", 0)
	h.trap(layout.TrapStackOverflow, "overflow")
	if exit := h.start("leave", 5); exit != layout.ExitSyscall {
		t.Fatalf("exit %d", exit)
	}
	for range 2 {
		h.Call(1, 8)
		if exit := h.Resume(0); exit != layout.ExitTrap || h.Trap().Code != layout.TrapUncaught {
			t.Fatalf("exit %d, %+v", exit, h.Trap())
		}
		h.Call(2, 8) // on top of the trap: throws and catches
		if exit := h.Resume(0); exit != layout.ExitReturn {
			t.Fatalf("exit %d, %+v", exit, h.Trap())
		}
		h.Return()
		h.Return()
	}
	if exit := h.Resume(0); exit != layout.ExitReturn || uint32(h.Results()[0][0]) != 5 {
		t.Errorf("exit %d, result %d", exit, h.Results()[0][0])
	}
}

// TestForkInCatch forks in the arm of a catch: both go on with its values.
func TestForkInCatch(t *testing.T) {
	h := load(t, "exceptions")
	if exit := h.start("leave", 7); exit != layout.ExitSyscall {
		t.Fatalf("exit %d", exit)
	}
	child, e := h.Program().Fork(h.Instance)
	if e != 0 {
		t.Fatal(e)
	}
	defer child.Free()
	aside := h.SetAside() // as for vfork: the child throws and catches meanwhile
	h.Call(2, 8)
	if exit := h.Resume(0); exit != layout.ExitReturn {
		t.Fatalf("exit %d", exit)
	}
	if e := aside.Restore(); e != 0 {
		t.Fatal(e)
	}
	parent := h.Instance
	for _, i := range []*host{{Instance: child}, {Instance: parent}} {
		if exit := i.Resume(0); exit != layout.ExitReturn || uint32(i.Results()[0][0]) != 7 {
			t.Errorf("exit %d, result %d", exit, i.Results()[0][0])
		}
	}
}

// jump serves setjmp and longjmp until something else happens; ok is false for a refused jump.
func (h *host) jump(exit engine.Exit) (_ engine.Exit, ok bool) {
	h.t.Helper()
	for {
		result := uint64(0)
		switch exit {
		case layout.ExitSetjmp:
			if e := h.Setjmp(0); e != 0 {
				h.t.Fatal(e)
			}
		case layout.ExitLongjmp:
			result = h.Arg(1)
			if _, ok := h.Longjmp(); !ok {
				return exit, false
			}
		default:
			return exit, true
		}
		exit = h.Resume(result)
	}
}

// TestExceptionsAndJumps: an exception takes the records of the frames that it leaves with it.
func TestExceptionsAndJumps(t *testing.T) {
	h := load(t, "unwind")
	for _, c := range []struct {
		name string
		arg  uint64
		want uint64
	}{{"catch_and_jump", 0, 2007}, {"through", 0, 2048}, {"through", 5, 2048 + 5*16}, {"tail_other", 41, 42}, {"several", 2, 36}, {"several", 3, 1003}} {
		exit, ok := h.jump(h.start(c.name, c.arg))
		got := uint64(uint32(h.Results()[0][0]))
		if c.name == "catch_and_jump" && got == 1007 {
			got = c.want // a local that was set since may have its old value
		}
		if !ok || exit != layout.ExitReturn || got != c.want {
			t.Errorf("%s: exit %d, %v, result %d, expected %d", c.name, exit, ok, h.Results()[0][0], c.want)
		}
		h.Return()
	}
	if exit, ok := h.jump(h.start("catch_and_stale")); ok || exit != layout.ExitLongjmp {
		t.Errorf("a jump to a frame that an exception left: exit %d, %v", exit, ok)
	}
}

// TestPreemptedThrows stops a program that throws all the time wherever it is, and runs a
// handler there that throws too.
func TestPreemptedThrows(t *testing.T) {
	h := load(t, "unwind")
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Microsecond):
				h.Kick()
			}
		}
	}()
	const n = 5_000_000
	exit, kicks := h.start("many", n), 0
	for ; exit == layout.ExitPreempt; exit = h.Resume(0) {
		kicks++
		if e := h.Call(0, 1); e != 0 {
			t.Fatal(e)
		}
		inner := h.Resume(0)
		for inner == layout.ExitPreempt {
			inner = h.Resume(0)
		}
		if inner != layout.ExitReturn {
			t.Fatalf("handler: exit %d, %+v", inner, h.Trap())
		}
		h.Return()
	}
	want := uint64(n/2*(n/2) + n/2*2)
	if exit != layout.ExitReturn || h.Results()[0][0] != want {
		t.Errorf("exit %d, sum %d, expected %d", exit, h.Results()[0][0], want)
	}
	t.Logf("%d kicks", kicks)
}
