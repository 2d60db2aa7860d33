package aot

import (
	"testing"

	"vkernel/internal/emit"
	"vkernel/internal/verify"
)

// TestBound: what may have been inlined is found level by level, and many calls among the same
// functions take no longer than they are many.
func TestBound(t *testing.T) {
	const funcs = 300
	calls := map[uint32][]uint32{}
	for n := range uint32(funcs) {
		for callee := range uint32(funcs) {
			calls[n] = append(calls[n], callee)
		}
	}
	m := &module{bounded: map[uint32]emit.Bound{}, out: &emit.Output{Calls: calls}}
	for round, want := range []struct {
		again bool
		count int
	}{{true, 1}, {true, 1}, {true, funcs}, {false, funcs}} {
		if again := m.bound(7); again != want.again || len(m.bounded) != want.count {
			t.Errorf("round %d: %v, %d functions; want %v, %d", round, again, len(m.bounded), want.again, want.count)
		}
	}
	m = &module{bounded: map[uint32]emit.Bound{}, out: &emit.Output{Calls: map[uint32][]uint32{0: {1}, 1: {2}, 2: {0, 3}}}}
	for range 5 {
		if !m.bound(0) {
			t.Fatalf("nothing more after %d functions", len(m.bounded))
		}
	}
	if m.bound(0) || len(m.bounded) != 4 {
		t.Errorf("%d functions", len(m.bounded))
	}
}

// TestWidenGoesOnForAll: two functions call a third, which is bounded for the first of them; the second
// is compiled again, too, and refused for good only when a round bounds nothing.
func TestWidenGoesOnForAll(t *testing.T) {
	m := &module{prefix: "p_", bounded: map[uint32]emit.Bound{0: emit.BoundAll, 1: emit.BoundAll}, out: &emit.Output{Calls: map[uint32][]uint32{0: {2}, 1: {2}}}}
	b := &builder{modules: []*module{m}}
	names := map[uint64]string{10: "p_f0", 20: "p_f1"}
	refused := []*verify.Error{{Entry: 10}, {Entry: 20}}
	if again, err := b.widen(refused, names); !again || err != nil || m.bounded[2] != emit.BoundAll {
		t.Errorf("%v, %v, %v", again, err, m.bounded)
	}
	if again, err := b.widen(refused[1:], names); again || err == nil {
		t.Errorf("nothing more to bound: %v, %v", again, err)
	}
}
