package engine

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// A limited stack overflows at its limit, in forks too; the next user of the slot has all.
func TestStackLimit(t *testing.T) {
	c := loadGuest(t)
	const limit = 1 << 20
	for round := range 3 {
		i := newGuest(t, c)
		if e := i.LimitStack(limit); e != 0 {
			t.Fatal(e)
		}
		start(t, i, "x_overflow")
		want(t, "limited", i.Resume(0), layout.ExitTrap)
		if n := len(i.usedStack()); i.Trap().Code != layout.TrapStackOverflow || n > limit || n < limit/2 {
			t.Fatalf("round %d: trap %+v with %d bytes of stack", round, i.Trap(), n)
		}
		child, e := i.p.Fork(i)
		if e != 0 {
			t.Fatal(e)
		}
		want(t, "the fault again in a child", child.Resume(0), layout.ExitTrap)
		if n := len(child.usedStack()); child.Trap().Code != layout.TrapStackOverflow || n > limit {
			t.Errorf("child: trap %+v with %d bytes of stack", child.Trap(), n)
		}
		if e := child.Call(0, 11); e != 0 {
			t.Errorf("no room for a handler: %v", e)
		}
		child.Free()
		i.Free()
		j := newGuest(t, c)
		start(t, j, "x_overflow")
		want(t, "unlimited", j.Resume(0), layout.ExitTrap)
		if n := len(j.usedStack()); n < stackSize/2 {
			t.Errorf("round %d: the next user's stack ends after %d bytes", round, n)
		}
		j.Free()
	}
}
