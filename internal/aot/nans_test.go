package aot_test

import "testing"

// TestSignallingNaN multiplies a signalling NaN by 1, which clang would fold away.
func TestSignallingNaN(t *testing.T) {
	h := load(t, "nans")
	for _, name := range []string{"operand", "local", "initial", "argument", "result", "block", "select", "global", "tee", "bits", "convert", "vector"} {
		if got := uint32(h.call(name, 0x7fa00000)); got&^(1<<31) != 0x7fe00000 {
			t.Errorf("%s: %#x, expected a quiet NaN", name, got)
		}
	}
}
