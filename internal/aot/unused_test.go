package aot_test

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestUnusedLoads holds that a load traps though its result cannot matter.
func TestUnusedLoads(t *testing.T) {
	h := load(t, "unused")
	for _, name := range []string{"drop", "times_zero", "masked", "unread", "selected", "vector", "inlined"} {
		h.call(name, 0)
		h.trap(layout.TrapFault, name, 65536)
	}
}
