package aot_test

import "testing"

// TestAtomicFlags: clang-19 forgot the segment of a read-modify-write of whose result only a
// flag was used, and the guest reached addresses of the host.
func TestAtomicFlags(t *testing.T) {
	h := load(t, "atomics")
	for _, c := range []struct {
		name string
		bit  uint64
		want uint64
	}{
		{"dec_negative", 0, 0}, // 5 -> 4
		{"sub_zero", 0, 1},     // -> 0
		{"or_bit", 0, 0},       // -> 8
		{"or_bit", 0, 8},       // -> 8
		{"and_bit", 3, 8},      // -> 0
		{"xor_zero", 1, 0},     // -> 1
		{"xor_zero", 1, 1},     // -> 0
		{"dec_negative", 0, 1}, // -> -1
		{"dec_long", 0, 0},     // -> 2^32 - 2
	} {
		if got := h.call(c.name, 64, c.bit); got != c.want {
			t.Errorf("%s is %d, expected %d", c.name, got, c.want)
		}
	}
}
