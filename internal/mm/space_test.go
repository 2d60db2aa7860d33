package mm

import (
	"sync"
	"testing"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

func TestBrkAndGrow(t *testing.T) {
	s := newSpace(t, load(t), Limits{})
	start := s.Brk(0)
	if uint64(start) != s.initial {
		t.Fatalf("break starts at %#x, want %#x", start, s.initial)
	}
	if got := s.Brk(start - 1); got != start {
		t.Errorf("below the start: %#x", got)
	}
	if got := s.Brk(start + 10); got != start+10 || s.inst.Pages() != 5 {
		t.Errorf("up: %#x, %d pages", got, s.inst.Pages())
	}
	s.poke(start+9, 7)
	if e := s.poke(start+4096, 7); e != linux.EFAULT {
		t.Errorf("above the break: %v", e)
	}
	if got := s.Brk(start + 100000); got != start+100000 {
		t.Errorf("up: %#x", got)
	}
	s.poke(start+99999, 7)
	if got := s.Brk(start + 4096); got != start+4096 {
		t.Errorf("down: %#x", got)
	}
	s.Brk(start + 100000)
	if b, _ := s.peek(start + 99999); b != 0 {
		t.Errorf("old byte %d after down and up", b)
	}
	old, ok := s.Grow(2)
	if !ok || old != 6 || s.inst.Pages() != 8 || uint64(s.Brk(0)) != 8*wasmPage {
		t.Errorf("grow: %d, %v; %d pages, break %#x", old, ok, s.inst.Pages(), s.Brk(0))
	}
	if e := s.poke(8*wasmPage-1, 1); e != 0 {
		t.Errorf("grown page: %v", e)
	}
	if got := s.Brk(start); uint64(got) != 8*wasmPage {
		t.Errorf("brk took grown memory away: %#x", got)
	}
	if old, ok := s.Grow(0); !ok || old != 8 {
		t.Errorf("size: %d, %v", old, ok)
	}
	for _, n := range []uint32{65536, 0xffffffff, 65536 - 8} {
		if _, ok := s.Grow(n); ok {
			t.Errorf("grew by %d", n)
		}
	}
	s.Map(0x100000, 4096, rw, private|linux.MAP_FIXED, nil, 0)
	if got := s.Brk(0x200000); uint64(got) != 8*wasmPage {
		t.Errorf("brk over a mapping: %#x", got)
	}
}

func TestRemap(t *testing.T) {
	s := newSpace(t, load(t), Limits{})
	a := anon(t, s, 16384, linux.MAP_PRIVATE)
	for _, tt := range []struct {
		addr, old, new uint32
		flags          int
		to             uint32
		want           linux.Errno
	}{
		{a + 1, 4096, 4096, 0, 0, linux.EINVAL},
		{a, 4096, 0, 0, 0, linux.EINVAL},
		{a, 0, 4096, linux.MREMAP_MAYMOVE, 0, linux.EINVAL},
		{a, 4096, 4096, 8, 0, linux.EINVAL},
		{a, 4096, 4096, linux.MREMAP_FIXED, 0x40000000, linux.EINVAL},
		{a, 4096, 4096, linux.MREMAP_FIXED | linux.MREMAP_MAYMOVE, 0x40000001, linux.EINVAL},
		{a, 8192, 8192, linux.MREMAP_FIXED | linux.MREMAP_MAYMOVE, a + 4096, linux.EINVAL},
		{a, 4096, 4096, linux.MREMAP_FIXED | linux.MREMAP_MAYMOVE, 0xfffff000, linux.EINVAL},
		{0x40000000, 4096, 8192, linux.MREMAP_MAYMOVE, 0, linux.EFAULT},
		{a, 32768, 65536, linux.MREMAP_MAYMOVE, 0, linux.EFAULT},
		{a, 16384, 32768, 0, 0, linux.ENOMEM}, // above it lies the top
	} {
		if got, e := s.Remap(tt.addr, tt.old, tt.new, tt.flags, tt.to); e != tt.want {
			t.Errorf("%+v: %#x, %v", tt, got, e)
		}
	}
	for k := range uint32(4) {
		s.poke(a+k*4096, byte(k+1))
	}
	check := func(what string, at uint32, values ...byte) {
		t.Helper()
		for k, v := range values {
			if b, e := s.peek(at + uint32(k)*4096); e != 0 || b != v {
				t.Errorf("%s: page %d is %d, %v; want %d", what, k, b, e, v)
			}
		}
	}
	b, e := s.Remap(a, 16384, 65536, linux.MREMAP_MAYMOVE, 0)
	if e != 0 || b == a {
		t.Fatalf("grow: %#x, %v", b, e)
	}
	check("moved", b, 1, 2, 3, 4, 0, 0)
	if _, e := s.peek(a); b+65536 <= a && e != linux.EFAULT {
		t.Errorf("the old place: %v", e)
	}
	if c, e := s.Remap(b, 65536, 8192, 0, 0); e != 0 || c != b {
		t.Errorf("shrink: %#x, %v", c, e)
	}
	if c, e := s.Remap(b, 8192, 16384, 0, 0); e != 0 || c != b {
		t.Errorf("grow in place: %#x, %v", c, e)
	}
	check("in place", b, 1, 2, 0, 0)
	s.Protect(b, 4096, linux.PROT_READ)
	const fixed = linux.MREMAP_FIXED | linux.MREMAP_MAYMOVE
	if c, e := s.Remap(b, 4096, 4096, fixed, 0x40000000); e != 0 || c != 0x40000000 {
		t.Fatalf("fixed: %#x, %v", c, e)
	}
	check("fixed", 0x40000000, 1)
	if e := s.poke(0x40000000, 1); e != linux.EFAULT {
		t.Errorf("moved read-only page: %v", e)
	}
	// The program's data can move too.
	if c, e := s.Remap(65536, 4096, 4096, fixed, 0x40001000); e != 0 {
		t.Fatalf("data: %#x, %v", c, e)
	}
	check("data", 0x40001000, 't')
}

// TestNullGuard: nothing can be mapped where a null pointer must fault, and where the next
// process in the slot would find it.
func TestNullGuard(t *testing.T) {
	s := newSpace(t, loadAll(t)[1], Limits{})
	const fixed = linux.MREMAP_FIXED | linux.MREMAP_MAYMOVE
	for _, from := range []uint32{65536, anon(t, s, 4096, linux.MAP_PRIVATE), anon(t, s, 4096, linux.MAP_SHARED)} {
		if e := s.Protect(from, 4096, linux.PROT_READ); e != 0 {
			t.Fatal(e)
		}
		if to, e := s.Remap(from, 4096, 4096, fixed, 0); e != linux.EPERM {
			t.Errorf("mremap of %#x: %#x, %v", from, to, e)
		}
	}
	if a, e := s.Map(0, 4096, rw, linux.MAP_ANONYMOUS|linux.MAP_PRIVATE|linux.MAP_FIXED, nil, 0); e != linux.EPERM {
		t.Errorf("mmap: %#x, %v", a, e)
	}
	if e := s.inst.Map(0, 8192, engine.ProtRead, false); e != linux.EINVAL {
		t.Errorf("the engine maps it: %v", e)
	}
}

// TestConcurrent reads a space that another goroutine changes.
func TestConcurrent(t *testing.T) {
	s := newSpace(t, load(t), Limits{})
	var wg sync.WaitGroup
	wg.Add(1)
	done := make(chan bool)
	go func() {
		defer wg.Done()
		for {
			select {
			case <-done:
				return
			default:
				s.VMAs()
				s.Usage()
			}
		}
	}()
	for range 500 {
		a := anon(t, s, 65536, linux.MAP_PRIVATE)
		s.Protect(a+4096, 4096, linux.PROT_READ)
		s.Unmap(a, 65536)
	}
	s.Free()
	close(done)
	wg.Wait()
	if s.Brk(0) != s.Brk(1<<20) || len(s.VMAs()) != 0 {
		t.Error("a freed space changes")
	}
	if _, e := s.Map(0, 4096, rw, private, nil, 0); e != linux.ENOMEM {
		t.Errorf("mmap in a freed space: %v", e)
	}
}

func BenchmarkForkSpace(b *testing.B) {
	p := load(b)
	s := newSpace(b, p, Limits{})
	s.Brk(uint32(s.initial) + 1<<20)
	anon(b, s, 1<<20, linux.MAP_PRIVATE)
	for k := range uint32(60) {
		s.poke(uint32(s.initial)+k*4096, 1)
	}
	for b.Loop() {
		child, e := p.Fork(s.inst)
		if e != 0 {
			b.Fatal(e)
		}
		c, e := s.Fork(child, Limits{})
		if e != 0 {
			b.Fatal(e)
		}
		c.Free()
	}
}

func BenchmarkBrk(b *testing.B) {
	s := newSpace(b, load(b), Limits{})
	for b.Loop() {
		s.Brk(uint32(s.initial) + 8192)
		s.Brk(uint32(s.initial))
	}
}
