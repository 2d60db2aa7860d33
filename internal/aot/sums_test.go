package aot_test

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// TestSums: an address that is a sum is cut to 32 bits, whatever instruction takes it, and is the sum of what its
// terms were when it was made.
func TestSums(t *testing.T) {
	h := load(t, "sums")
	for _, base := range []uint64{0, 1, 16, 0xffff_fffc, 0xffff_ffff} {
		if got, want := h.call("loads", base), h.call("plainly", base); got != want || got == 0 {
			t.Errorf("loads from %#x: %#x, want %#x", base, got, want)
		}
	}
	h.trap(layout.TrapFault, "loads", 0xffff_fe00) // from 0xffff_ff00
	h.trap(layout.TrapFault, "loads", 0xff00_0000)
	h.trap(layout.TrapFault, "unused", 0, 1)
	if got := h.call("stale", 0xffff_ffff, 2); got != 2030405 {
		t.Errorf("terms that change: %d", got)
	}
	for c, want := range map[uint64]uint64{0: 404, 2: 505} {
		if got := h.call("meet", 1, 2, c); got != want {
			t.Errorf("terms of two ways, %d: %d, want %d", c, got, want)
		}
	}
	h.call("vectors", 240, 496, 16)
	for i := uint64(0); i < 32; i++ {
		if got, was := h.call("byte", 512+i), h.call("byte", 256+i); got != (was+1)&255 {
			t.Errorf("byte %d of the vectors: %d, was %d", i, got, was)
		}
	}
	h.call("vectors", 0xffff_fff0, 0, 16) // from 0
	h.trap(layout.TrapFault, "vectors", 0xffff_ff00, 0, 16)
	h.trap(layout.TrapFault, "vectors", 0, 0xffff_ff00, 16)
}

// TestMachine: a jump in a loop goes where its index says, and to the last place if that is too large.
func TestMachine(t *testing.T) {
	h := load(t, "sums")
	for op, want := range map[uint64]uint32{
		0: machine(0), 1: machine(1), 2: machine(2), 3: machine(3), 4: machine(4), 5: machine(5), 6: 0, 7: machine(7), 8: machine(1), 9: machine(7), 10: machine(7), 0x8000_0001: machine(7), 0xffff_ffff: machine(7),
	} {
		if got := uint32(h.call("machine", op)); got != want {
			t.Errorf("%#x: %#x, want %#x", op, got, want)
		}
	}
}

// machine is what the loop of testdata/sums.wat computes.
func machine(op int) (acc uint32) {
	for op != 6 {
		switch op {
		case 0:
			acc, op = acc+1, 3
		case 1:
			acc, op = acc*3, 2
		case 2:
			acc, op = acc^5, 4
		case 3:
			acc, op = acc-7, 1
		case 4:
			acc, op = acc<<1, 5
		case 5:
			acc, op = acc<<9|acc>>23, 6
		default:
			acc, op = acc+1000, 0
		}
	}
	return acc
}
