package aot_test

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestRanges: what clang has found out of a value before setjmp need not hold after it, since its
// place in the frame is written again. Code that took it for granted was refused by the verifier.
func TestRanges(t *testing.T) {
	h := load(t, "ranges")
	for export, want := range map[string]uint64{"address": 0, "index": 50} {
		exit := h.start(export)
		for jumps := 0; exit != layout.ExitReturn; {
			switch exit {
			case layout.ExitSetjmp:
				if e := h.Setjmp(0); e != 0 {
					t.Fatal(e)
				}
				exit = h.Resume(0)
			case layout.ExitLongjmp:
				value := h.Arg(1)
				if _, ok := h.Longjmp(); jumps > 0 || !ok {
					t.Fatalf("%s: %d jumps, record is live: %v", export, jumps, ok)
				}
				jumps++
				exit = h.Resume(value)
			default:
				t.Fatalf("%s: exit %d, %+v", export, exit, h.Trap())
			}
		}
		if got := uint64(uint32(h.Results()[0][0])); got != want {
			t.Errorf("%s: %#x, want %#x", export, got, want)
		}
		h.renew()
	}
}
