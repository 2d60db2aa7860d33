package aot_test

import (
	"math"
	"testing"

	"vkernel/internal/engine/layout"
)

// TestTailCalls runs tail calls that change the type of the parameters.
func TestTailCalls(t *testing.T) {
	h := load(t, "tail")
	for _, c := range []struct {
		name string
		arg  uint64
		want uint64
	}{
		{"even", 1_000_000, 1},
		{"even", 100_000_000, 1},
		{"even", 1_000_001, 0},
		{"even_indirect", 100_000_001, 1},
		{"wide_call", 1, 987654321 + 1},
	} {
		if got := h.call(c.name, c.arg); got != c.want {
			t.Errorf("%s(%d) = %d, expected %d", c.name, c.arg, got, c.want)
		}
	}
	if got := h.call("widen", 1, math.Float64bits(6)); got != 987654321 {
		t.Errorf("widen = %d, expected 987654321", got)
	}
	wide := []uint64{1, 2, 0, 0, 0, 0, 3, 4, uint64(math.Float32bits(5)), math.Float64bits(6), 0, 0, 0, 0, 0, 0, math.Float64bits(7), math.Float64bits(8), 0, 9}
	if got := h.call("wide", wide...); got != 987654321 {
		t.Errorf("wide = %d, expected 987654321", got)
	}
	h.trap(layout.TrapTypeMismatch, "mismatch", 0)
}

// TestTailCallImport leaves through an import that was called last, with all arguments.
func TestTailCallImport(t *testing.T) {
	h := load(t, "tail")
	if exit := h.start("import", 1); exit != layout.ExitSyscall {
		t.Fatalf("exit %d, %+v", exit, h.Trap())
	}
	want := []uint64{1, math.Float64bits(2), 3, 4, 5, 6, 7, 8, 9, math.Float64bits(10)}
	for i, w := range want {
		if h.Arg(i) != w {
			t.Errorf("argument %d is %#x, expected %#x", i, h.Arg(i), w)
		}
	}
	if exit := h.Resume(55); exit != layout.ExitReturn || h.Results()[0][0] != 55 {
		t.Errorf("exit %d, result %d; expected 55", exit, h.Results()[0][0])
	}
}

// TestTailCallGivesUpRecords makes more tail calls from frames that called setjmp than there
// may be records, or frames.
func TestTailCallGivesUpRecords(t *testing.T) {
	h := load(t, "tail")
	exit := h.start("jumps", 200_000)
	for exit == layout.ExitSetjmp {
		if e := h.Setjmp(0); e != 0 {
			t.Fatal(e)
		}
		exit = h.Resume(0)
	}
	if exit != layout.ExitReturn || h.Results()[0][0] != 7 {
		t.Fatalf("exit %d, %+v, result %d; expected 7", exit, h.Trap(), h.Results()[0][0])
	}
}
