package aot_test

import "testing"

// TestSwitches: clang knows which few values a callee returns, and leaves out the comparison before a
// jump through a table. The verifier does not, and refuses; so the index is hidden from clang then.
func TestSwitches(t *testing.T) {
	h := load(t, "switches")
	if got := h.call("index", 0); got != 4 { // kind gives 3, and 4 for 33
		t.Errorf("index(0) = %d", got)
	}
	if got := h.call("index", 8); got != 50 { // kind gives 4
		t.Errorf("index(8) = %d", got)
	}
}
