package aot_test

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestStaleIndex jumps back to a frame in which a table index that was checked before setjmp
// has been replaced by one that was not: it must be checked where it is used.
func TestStaleIndex(t *testing.T) {
	h := load(t, "stale")
	exit := h.start("f", 0x1fffffff)
	for jumps := 0; exit != layout.ExitTrap; {
		switch exit {
		case layout.ExitSetjmp:
			if e := h.Setjmp(0); e != 0 {
				t.Fatal(e)
			}
			exit = h.Resume(0)
		case layout.ExitLongjmp:
			if jumps++; jumps > 10 {
				t.Fatal("it jumps for ever")
			}
			value := h.Arg(1)
			if _, ok := h.Longjmp(); !ok {
				t.Fatal("the record is not live")
			}
			exit = h.Resume(value)
		default:
			t.Fatalf("exit %d with result %#x", exit, h.Results()[0][0])
		}
	}
	if trap := h.Trap(); trap.Code != layout.TrapTableBounds {
		t.Errorf("%+v, expected trap %d", trap, layout.TrapTableBounds)
	}
}
