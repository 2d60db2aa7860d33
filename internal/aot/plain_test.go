package aot_test

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestPlainLoops holds what is promised of loops that clang may turn into vectors: one that leaves
// memory traps, if its accesses matter, and what is around it keeps its place.
func TestPlainLoops(t *testing.T) {
	h := load(t, "plain")
	for _, name := range []string{"store", "store_wide", "sum", "copy"} {
		h.trap(layout.TrapFault, name, 65504)
	}
	h.trap(layout.TrapFault, "scaled", 32752)
	if exit := h.start("around", 65504); exit != layout.ExitTrap || h.Trap().Code != layout.TrapFault {
		t.Fatalf("around: exit %d, %+v", exit, h.Trap())
	}
	if n := h.call("before"); n != 7 {
		t.Errorf("a store before the loop gave %d", n)
	}
	if n := h.call("after"); n != 0 {
		t.Errorf("a store after the loop was made: %d", n)
	}
}
