package aot_test

import (
	"testing"
	"time"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
)

// TestWaits sets the word that a loop waits for while it is preempted, as a signal handler
// does: the loop must see it.
func TestWaits(t *testing.T) {
	h := load(t, "waits")
	for _, c := range []struct {
		name string
		flag uint32
		args []uint64
	}{
		{"constant", 4096, nil},
		{"parameter", 4096, []uint64{4096}},
		{"offset", 4096 + 96, []uint64{4096}},
		{"frame", 65536 - 16, nil},
		{"pointer", 65536 + 8, nil},
		{"computed", 4096 + 40 ^ 64 + 4, []uint64{4096, 10}},
		{"float", 4096, []uint64{4096}},
		{"passed", 4096, []uint64{4096}},
		{"storing", 4096, []uint64{4096}},
		{"written", 4096, []uint64{4096}},
		{"ring", 4096, []uint64{4096}},
		{"select", 4096, []uint64{4096}},
		{"cancelling", 4096, []uint64{4096}},
		{"nested", 4096, []uint64{4096}},
		{"called", 4096, []uint64{4096}},
		{"self", 4096, []uint64{4096}},
		{"ping", 4096, []uint64{4096}},
	} {
		t.Run(c.name, func(t *testing.T) {
			preempt(t, h, c.name, c.args...)
			h.set(c.flag, 0x01010101)
			h.ends(t)
			h.set(c.flag, 0)
		})
	}
}

// TestObserved looks at what a loop has stored while it is preempted.
func TestObserved(t *testing.T) {
	h := load(t, "waits")
	for _, c := range []struct {
		name string
		min  uint32
	}{{"count", 1}, {"mark", 7}} {
		t.Run(c.name, func(t *testing.T) {
			preempt(t, h, c.name, 4096)
			if got := h.get(8192); got < c.min {
				t.Errorf("the loop shows %d", got)
			}
			h.set(4096, 1)
			h.set(4096+40, 1)
			h.ends(t)
			h.set(4096, 0)
			h.set(4096+40, 0)
		})
	}
}

// TestStep looks at what was stored before a fault, and would be overwritten after it.
func TestStep(t *testing.T) {
	h := load(t, "waits")
	if exit := h.start("step", 0xffff0000); exit != layout.ExitTrap {
		t.Fatalf("exit %d", exit)
	}
	if got := h.get(8192); got != 1 {
		t.Errorf("step %d, want 1", got)
	}
}

// preempt starts an export and stops it twice, well inside its loop.
func preempt(t *testing.T, h *host, name string, args ...uint64) {
	t.Helper()
	watch := time.AfterFunc(5*time.Millisecond, h.Kick)
	defer watch.Stop()
	if exit := h.start(name, args...); exit != layout.ExitPreempt {
		t.Fatalf("exit %d, %+v", exit, h.Trap())
	}
	watch.Reset(5 * time.Millisecond)
	if exit := h.Resume(0); exit != layout.ExitPreempt {
		t.Fatalf("exit %d, %+v", exit, h.Trap())
	}
}

// ends holds that the loop ends now.
func (h *host) ends(t *testing.T) {
	t.Helper()
	watch := time.AfterFunc(3*time.Second, h.Kick)
	defer watch.Stop()
	if exit := h.Resume(0); exit != layout.ExitReturn {
		t.Errorf("exit %d, %+v: the loop does not see the change", exit, h.Trap())
		h.renew()
		return
	}
	h.Return()
}

func (h *host) set(addr, v uint32) {
	h.t.Helper()
	if e := guest.Put(h.Memory(), guest.Addr(addr), &v); e != 0 {
		h.t.Fatal(e)
	}
}

func (h *host) get(addr uint32) uint32 {
	h.t.Helper()
	v, e := guest.Get[uint32](h.Memory(), guest.Addr(addr))
	if e != 0 {
		h.t.Fatal(e)
	}
	return v
}
