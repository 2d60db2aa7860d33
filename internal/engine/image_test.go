package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// frozenGuest freezes a guest that waits in a call from a depth of frames, with memory of its own
// here and there. It gives what its memory is, range by range.
func frozenGuest(t testing.TB, c *Code, depth uint64) (*Image, map[hole][]byte) {
	t.Helper()
	i := newGuest(t, c)
	defer i.Free()
	start(t, i, "x_deep", depth)
	want(t, "call", i.Resume(0), layout.ExitSyscall)
	initial := uint64(i.p.initial)
	pieces := []Piece{
		{0, initial, rw},
		{1 << 30, 1<<30 + 200*pageSize, rw},
		{1<<30 + 200*pageSize, 1<<30 + 210*pageSize, ProtNone},
		{2 << 30, 2<<30 + 40*pageSize, ProtRead},
	}
	for _, p := range pieces[1:] {
		if e := i.Map(p.Start, p.End-p.Start, rw, false); e != 0 {
			t.Fatal(e)
		}
	}
	r := rand.New(rand.NewPCG(1, depth))
	for _, p := range pieces {
		for at := p.Start; at < p.End && p.Prot&ProtRead != 0; at += pageSize {
			if r.IntN(3) == 0 {
				i.Memory().Write(uint32(at)+uint32(r.IntN(4000)), []byte("frozen"))
			}
		}
		if e := i.Protect(p.Start, p.End-p.Start, p.Prot); e != 0 {
			t.Fatal(e)
		}
	}
	m, e := i.Freeze(pieces)
	if e != 0 {
		t.Fatal(e)
	}
	content := map[hole][]byte{}
	for _, p := range pieces {
		if p.Prot&ProtRead != 0 {
			content[hole{p.Start, p.End}] = bytes.Clone(bytesAt(i.base+uintptr(p.Start), uintptr(p.End-p.Start)))
		}
	}
	want(t, "the frozen one goes on", i.Resume(7), layout.ExitReturn)
	if got, want := i.Results()[0][0], deepResult(depth, 7); got != want {
		t.Errorf("result %d, want %d", got, want)
	}
	return m, content
}

// spoil writes all over an instance, and changes its layout if it likes.
func spoil(r *rand.Rand, i *Instance) {
	secret := bytes.Repeat([]byte("secret! "), 512)
	for range r.IntN(40) {
		at := uint64(r.IntN(200)) * pageSize
		i.Memory().Write(uint32(at), secret)
		i.Memory().Write(uint32(1<<30+at), secret)
	}
	for range r.IntN(4) {
		at := uint64(r.IntN(300)) * pageSize
		switch r.IntN(5) {
		case 0:
			i.Map(3<<30+at, 4*pageSize, rw, false)
			i.Memory().Write(uint32(3<<30+at), secret)
		case 1:
			i.Unmap(1<<30+at, 3*pageSize)
		case 2:
			i.Protect(1<<30+at/2, pageSize, ProtRead)
		case 3:
			i.Discard(1<<30+at/2, 2*pageSize, rw)
		case 4:
			i.Protect(2<<30, pageSize, rw)
			i.Memory().Write(2<<30, secret)
		}
	}
}

// TestImage: instances of an image start alike, whatever those before them did.
func TestImage(t *testing.T) {
	c := loadGuest(t)
	for depth := range uint64(3) {
		depth *= 600
		m, content := frozenGuest(t, c, depth)
		r := rand.New(rand.NewPCG(2, depth))
		var live []*Instance
		for n := range 300 {
			i, e := m.New(uint64(n))
			if e != 0 {
				t.Fatal(e)
			}
			for h, b := range content {
				if !bytes.Equal(bytesAt(i.base+uintptr(h.start), uintptr(h.size())), b) {
					t.Fatalf("instance %d: memory at %#x is not as it was frozen", n, h.start)
				}
			}
			if got := i.Resident(1<<30+200*pageSize, 10*pageSize); got > 10*pageSize {
				t.Errorf("%d bytes of ten pages are resident", got)
			}
			want(t, "go on", i.Resume(99), layout.ExitReturn)
			if got, want := i.Results()[0][0], deepResult(depth, uint64(n)); got != want {
				t.Fatalf("instance %d: result %d, want %d", n, got, want)
			}
			for _, at := range []uint64{0x90000000, 1<<30 + 205*pageSize, 3 << 30} {
				if e := i.Memory().Write(uint32(at), []byte{1}); e != linux.EFAULT {
					t.Fatalf("instance %d: write at %#x: %v, want EFAULT", n, at, e)
				}
			}
			spoil(r, i)
			live = append(live, i)
			for len(live) > r.IntN(4) {
				k := r.IntN(len(live))
				live[k].Free()
				live = append(live[:k], live[k+1:]...)
			}
		}
		for _, i := range live {
			i.Free()
		}
		m.Drop()
	}
	if n := c.LayerBytes(); n != 0 {
		t.Errorf("%d bytes of layers are left", n)
	}
	i := newGuest(t, c) // the slots are the program's again
	defer i.Free()
	if b := bytesAt(i.base, i.p.initial); bytes.Contains(b, []byte("secret!")) || bytes.Contains(b, []byte("frozen")) {
		t.Error("a fresh instance has bytes of an image's")
	}
}

// TestImageReuse: a slot is used again with the pages that the last instance made private.
func TestImageReuse(t *testing.T) {
	c := loadGuest(t)
	m, content := frozenGuest(t, c, 10)
	defer m.Drop()
	first, _ := m.New(0)
	at := first.at
	for k := range 50 {
		first.Memory().Write(uint32(1<<30+k*pageSize), bytes.Repeat([]byte{1}, pageSize))
	}
	first.Free()
	second, _ := m.New(0)
	defer second.Free()
	if second.at != at {
		t.Fatal("the slot was not used again")
	}
	n := 0
	c.pagemap.private(second.base+1<<30, 50*pageSize, func(_, size uintptr) { n += int(size / pageSize) })
	if n != 50 {
		t.Errorf("%d private pages are kept, want 50", n)
	}
	h := hole{1 << 30, 1<<30 + 200*pageSize}
	if !bytes.Equal(bytesAt(second.base+1<<30, 200*pageSize), content[h]) {
		t.Error("memory is not as it was frozen")
	}
	if m.Trim() {
		t.Error("there was another slot")
	}
}

// TestImageFork: a fork of an instance of an image is one of the program, and outlives the image.
func TestImageFork(t *testing.T) {
	c := loadGuest(t)
	m, _ := frozenGuest(t, c, 10)
	parent, e := m.New(3)
	if e != 0 {
		t.Fatal(e)
	}
	child, e := parent.p.Fork(parent)
	if e != 0 {
		t.Fatal(e)
	}
	m.Drop()
	for _, i := range []*Instance{parent, child} {
		want(t, "go on", i.Resume(5), layout.ExitReturn)
		i.Free()
	}
	if n := c.LayerBytes(); n != 0 {
		t.Errorf("%d bytes of layers are left", n)
	}
}

// TestFreezeRefuses what cannot be frozen.
func TestFreezeRefuses(t *testing.T) {
	c := loadGuest(t)
	refused := func(what string, i *Instance, pieces ...Piece) {
		t.Helper()
		if m, e := i.Freeze(pieces); e != linux.ENOTSUP {
			t.Errorf("%s: %v, %v", what, m, e)
		}
		i.Free()
	}
	refused("not started", newGuest(t, c))
	i := newGuest(t, c)
	start(t, i, "x_add", 1, 2)
	want(t, "return", i.Resume(0), layout.ExitReturn)
	refused("returned", i)
	waiting := func() *Instance {
		i := newGuest(t, c)
		start(t, i, "x_deep", 2)
		want(t, "call", i.Resume(0), layout.ExitSyscall)
		return i
	}
	i = waiting()
	i.Map(1<<30, pageSize, rw, true)
	refused("shared memory", i)
	i = waiting()
	i.Map(1<<30, pageSize, rw, false)
	i.Memory().Write(1<<30, []byte("x"))
	i.Protect(1<<30, pageSize, ProtNone)
	refused("closed pages", i, Piece{1 << 30, 1<<30 + pageSize, ProtNone})
	i = waiting()
	if e := i.Call(0, 1); e != 0 {
		t.Fatal(e)
	}
	refused("in a handler", i)
}

func BenchmarkImage(b *testing.B) {
	for _, tt := range []struct {
		name  string
		relay bool
	}{{"same", false}, {"relaid", true}} {
		b.Run(tt.name, func(b *testing.B) {
			m, _ := frozenGuest(b, loadGuest(b), 10)
			defer m.Drop()
			b.ReportAllocs()
			for b.Loop() {
				i, e := m.New(0)
				if e != 0 {
					b.Fatal(e)
				}
				for k := range uint32(50) {
					i.Memory().Write(1<<30+k*pageSize, []byte{1})
				}
				if tt.relay {
					i.Map(3<<30, pageSize, rw, false)
				}
				i.Free()
			}
		})
	}
}
