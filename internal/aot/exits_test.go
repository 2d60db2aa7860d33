package aot_test

import (
	"math"
	"testing"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
)

// TestImport checks how arguments go out and results come back.
func TestImport(t *testing.T) {
	h := load(t, "exits")
	if exit := h.start("import"); exit != layout.ExitSyscall || h.Import() != 0 {
		t.Fatalf("exit %d, import %d", exit, h.Import())
	}
	want := []uint64{math.MaxUint32, math.MaxUint64 - 1, uint64(math.Float32bits(1)), math.Float64bits(-0.5)}
	for i, w := range want {
		if got := h.Arg(i); got != w {
			t.Errorf("argument %d is %#x, expected %#x", i, got, w)
		}
	}
	if exit := h.Resume(1 << 40); exit != layout.ExitReturn || h.Results()[0][0] != 1<<40 {
		t.Errorf("exit %d, result %#x", exit, h.Results()[0][0])
	}
}

// TestKernelExits checks memory.grow, wait and notify.
func TestKernelExits(t *testing.T) {
	h := load(t, "exits")
	expect := func(exit, kind engine.Exit, args ...uint64) {
		t.Helper()
		if exit != kind {
			t.Fatalf("exit %d, expected %d; %+v", exit, kind, h.Trap())
		}
		for i, w := range args {
			if h.Arg(i) != w {
				t.Errorf("argument %d is %#x, expected %#x", i, h.Arg(i), w)
			}
		}
		if exit := h.Resume(2); exit != layout.ExitReturn || h.Results()[0][0] != 2 {
			t.Errorf("exit %d, result %d", exit, h.Results()[0][0])
		}
		h.Return()
	}
	expect(h.start("grow", 1), layout.ExitGrow, 1)
	expect(h.start("wait", 77), layout.ExitWait, 64, 9, 77, 4)
	expect(h.start("notify"), layout.ExitNotify, 64, 3)
	if n := h.call("size"); n != 1 {
		t.Errorf("memory.size is %d", n)
	}
}

// TestResults checks several results, each in its words.
func TestResults(t *testing.T) {
	h := load(t, "exits")
	h.call("twice", 1<<50, 5)
	for i, want := range []uint64{math.MaxUint32, 1 << 50, uint64(math.Float32bits(2)), 5} {
		got := h.Results()[i][0]
		if i == 2 {
			got &= math.MaxUint32
		}
		if got != want {
			t.Errorf("result %d is %#x, expected %#x", i, got, want)
		}
	}
}

// TestJumps runs setjmp and longjmp: back over twenty frames, three times.
func TestJumps(t *testing.T) {
	h := load(t, "exits")
	exit := h.start("jumps")
	seen := []uint64{}
	for result := uint64(0); exit != layout.ExitReturn; exit = h.Resume(result) {
		result = 0
		switch exit {
		case layout.ExitSetjmp:
			seen = append(seen, h.Arg(0), h.Arg(1))
			if e := h.Setjmp(0); e != 0 {
				t.Fatal(e)
			}
		case layout.ExitLongjmp:
			result = h.Arg(1)
			if _, ok := h.Longjmp(); !ok {
				t.Fatal("the record is not live")
			}
		default:
			t.Fatalf("exit %d, %+v", exit, h.Trap())
		}
	}
	if sum := h.Results()[0][0]; sum != 1+2+3 {
		t.Errorf("setjmp returned a sum of %d", sum)
	}
	if len(seen) != 4 || seen[0] != 128 || seen[2] != 256 || seen[3] != 1 {
		t.Errorf("setjmp and sigsetjmp were called with %v", seen)
	}
	h.Return()
	if exit := h.start("stale"); exit != layout.ExitLongjmp {
		t.Fatalf("exit %d", exit)
	}
	if _, ok := h.Longjmp(); ok {
		t.Error("a jump to nowhere was accepted")
	}
}

// TestTraps checks the reason of each kind of trap.
func TestTraps(t *testing.T) {
	h := load(t, "exits")
	h.trap(layout.TrapUnreachable, "unreachable")
	h.trap(layout.TrapStackOverflow, "deep", 1)
	h.trap(layout.TrapFault, "load", math.MaxUint32) // far above memory; its result is dropped
	h.trap(layout.TrapFault, "load", 65536)
	h.trap(layout.TrapTypeMismatch, "mistyped")
	h.trap(layout.TrapTableBounds, "beyond")
}

// TestPreempt stops a loop without effects, and lets it go on.
func TestPreempt(t *testing.T) {
	h := load(t, "exits")
	watch := time.AfterFunc(50*time.Millisecond, h.Kick)
	defer watch.Stop()
	if exit := h.start("spin"); exit != layout.ExitPreempt {
		t.Fatalf("exit %d", exit)
	}
	h.Kick()
	if exit := h.Resume(0); exit != layout.ExitPreempt {
		t.Fatalf("exit %d", exit)
	}
}
