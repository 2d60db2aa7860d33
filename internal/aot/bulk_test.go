package aot_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
)

const protReadWrite = 3

// model is what memory should hold.
type model struct {
	*host
	want []byte
}

func newModel(h *host, n int) *model {
	m := &model{h, make([]byte, n)}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.want {
		m.want[i] = byte(r.Uint32())
	}
	if e := h.Memory().Write(0, m.want); e != 0 {
		h.t.Fatal(e)
	}
	return m
}

func (m *model) check(what string, args ...int) {
	m.t.Helper()
	got := make([]byte, len(m.want))
	if e := m.Memory().Read(0, got); e != 0 {
		m.t.Fatal(e)
	}
	if !bytes.Equal(got, m.want) {
		m.t.Fatalf("%s%v: memory is wrong", what, args)
	}
}

func (m *model) copy(d, s, n int) {
	m.t.Helper()
	m.call("copy", uint64(d), uint64(s), uint64(n))
	copy(m.want[d:d+n], m.want[s:s+n])
	m.check("copy", d, s, n)
}

func (m *model) fill(d int, v byte, n int) {
	m.t.Helper()
	m.call("fill", uint64(d), 0xabcdef00|uint64(v), uint64(n))
	for i := range n {
		m.want[d+i] = v
	}
	m.check("fill", d, int(v), n)
}

// TestBulk compares memory.copy and memory.fill with Go's, for all short lengths and for
// overlaps either way.
func TestBulk(t *testing.T) {
	for _, module := range []string{"bulk", "mapped"} {
		m := newModel(load(t, module), 4096)
		for n := range 200 {
			m.copy(1000+n%17, 2000+n%13, n)
			m.fill(500+n%19, byte(n), n)
			for _, shift := range []int{-65, -16, -3, -1, 0, 1, 7, 16, 63, 130} {
				m.copy(1000, 1000+shift, n)
			}
		}
		for _, n := range []int{1000, 2047, 2048} {
			m.copy(1, 0, n)
			m.copy(0, 5, n)
			m.fill(3, 0xee, n)
		}
	}
}

// TestBulkBounds checks the edges of a strict program's memory.
func TestBulkBounds(t *testing.T) {
	h := load(t, "bulk")
	const size = 4 << 16
	h.call("copy", size-10, 0, 10)
	h.call("copy", size, size, 0)
	for _, args := range [][]uint64{{size - 9, 0, 10}, {0, size - 9, 10}, {size + 1, 0, 0}, {0, 0xffffffff, 0xffffffff}} {
		h.trap(layout.TrapMemoryBounds, "copy", args...)
	}
	h.trap(layout.TrapMemoryBounds, "fill", size-9, 0, 10)
	h.trap(layout.TrapMemoryBounds, "init", 0, 30, 7)
	h.call("init", 100, 10, 26)
	got := make([]byte, 26)
	h.Memory().Read(100, got)
	if string(got) != "abcdefghijklmnopqrstuvwxyz" {
		t.Errorf("memory.init wrote %q", got)
	}
	h.call("drop")
	h.trap(layout.TrapMemoryBounds, "init", 0, 0, 1)
}

// TestBulkConstant checks copies and fills whose length is a constant.
func TestBulkConstant(t *testing.T) {
	m := newModel(load(t, "mapped"), 2048)
	for name, n := range map[string]int{"copy1": 1, "copy7": 7, "copy15": 15, "copy33": 33, "copy64": 64} {
		for _, d := range []int{100, 501, 500, 499, 480} {
			m.call(name, uint64(d), 500)
			copy(m.want[d:d+n], m.want[500:500+n])
			m.check(name, d)
		}
	}
	for name, n := range map[string]int{"fill2": 2, "fill49": 49} {
		m.call(name, 700, 0x1ff)
		for i := range n {
			m.want[700+i] = 0xff
		}
		m.check(name)
	}
}

// TestBulkMapped checks pages above memory.size: mapped ones are reached, and what would
// run into others changes nothing.
func TestBulkMapped(t *testing.T) {
	h := load(t, "mapped")
	const high = 0x8000_0000
	if e := h.Map(high, 8192, protReadWrite, false); e != 0 {
		t.Fatal(e)
	}
	h.call("fill", high+4000, 0x55, 4192)
	h.call("copy", 16, high+4000, 4192)
	h.call("copy", high, 16, 100)
	h.call("fill", high-1, 0, 0) // a length of 0 touches nothing, wherever it is
	for _, at := range []guest.Addr{high, high + 8191, 16, 16 + 4191} {
		var b [1]byte
		if e := h.Memory().Read(at, b[:]); e != 0 || b[0] != 0x55 {
			t.Errorf("byte %#x is %#x (%v)", uint32(at), b[0], e)
		}
	}
	if exit := h.start("fill", high+8000, 1, 193); exit != layout.ExitTrap || h.Trap().Code != layout.TrapFault || h.Trap().Addr != high+8192 {
		t.Errorf("exit %d, %+v", exit, h.Trap())
	}
	var b [1]byte
	if h.Memory().Read(high+8000, b[:]); b[0] != 0x55 {
		t.Error("a fill that faulted had written")
	}
}

// TestBulkMappedEnd copies from and to the last bytes of a mapping, and over its end: that faults, whatever the
// length, and nothing was written.
func TestBulkMappedEnd(t *testing.T) {
	h := load(t, "mapped")
	const high, end = 0x8000_0000, 0x8000_0000 + 8192
	renew := func() {
		h.renew()
		if e := h.Map(high, 8192, protReadWrite, false); e != 0 {
			t.Fatal(e)
		}
		h.call("fill", high, 0x55, 8192)
		h.call("fill", 0, 0x66, 8192)
	}
	holds := func(what string, n, at uint64, want byte) {
		t.Helper()
		b := make([]byte, n)
		if e := h.Memory().Read(guest.Addr(at), b); e != 0 || bytes.Count(b, []byte{want}) != len(b) {
			t.Errorf("%s of %d bytes: at %#x is not %#x only (%v)", what, n, at, want, e)
		}
	}
	for _, n := range []uint64{1, 3, 8, 20, 64, 65, 200, 4096, 5000} {
		renew()
		h.call("copy", 0, end-n, n)
		holds("copy from the end", n, 0, 0x55)
		renew()
		h.call("copy", end-n, 0, n)
		holds("copy to the end", n, end-n, 0x66)
		for _, over := range []uint64{1, n/2 + 1, n} {
			for name, args := range map[string][3]uint64{"copy from over the end": {0, end + over - n, n}, "copy to over the end": {end + over - n, 0, n}, "fill over the end": {end + over - n, 7, n}} {
				renew()
				export := name[:4]
				if exit := h.start(export, args[:]...); exit != layout.ExitTrap || h.Trap().Code != layout.TrapFault {
					t.Errorf("%s, %d of %d bytes: exit %d, %+v", name, over, n, exit, h.Trap())
				}
				holds(name, 8192, 0, 0x66)
				holds(name, 8192, high, 0x55)
			}
		}
	}
}
