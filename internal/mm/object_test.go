package mm

import (
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/futex"
	"vkernel/internal/linux"
)

// object is a file in the host's memory, as a Source.
type object struct {
	fd      int
	futexes futex.Set
	holds   atomic.Int64
}

func newObject(t testing.TB, size int64) *object {
	t.Helper()
	fd, err := unix.MemfdCreate("object", unix.MFD_CLOEXEC)
	if err == nil {
		err = unix.Ftruncate(fd, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return &object{fd: fd}
}

func (o *object) Read(p []byte, off int64) (int, linux.Errno) { return 0, linux.EIO } // it is mapped, not read

func (o *object) Origin() Origin {
	return Origin{Path: "/f", Dev: 1, Ino: 2, Writable: true, Object: o}
}
func (o *object) FD() int             { return o.fd }
func (o *object) Futexes() *futex.Set { return &o.futexes }
func (o *object) Sync() linux.Errno   { return 0 }
func (o *object) Users() int          { return int(o.holds.Load()) }
func (o *object) Cached() bool        { return false }
func (o *object) Hold()               { o.holds.Add(1) }
func (o *object) Release()            { o.holds.Add(-1) }

// held checks how often the object is held.
func (o *object) held(t *testing.T, want int64, when string) {
	t.Helper()
	if n := o.holds.Load(); n != want {
		t.Errorf("%s: held %d times, want %d", when, n, want)
	}
}

// TestObjectIsHeld: a space holds a file as long as it has a part of it.
func TestObjectIsHeld(t *testing.T) {
	p := load(t)
	s, o := newSpace(t, p, Limits{}), newObject(t, 1<<20)
	a, e := s.Map(0, 8*4096, rw, linux.MAP_SHARED, o, 0)
	if e != 0 {
		t.Fatal(e)
	}
	o.held(t, 1, "mapped")
	b, _ := s.Map(0, 4*4096, rw, linux.MAP_PRIVATE, o, 4096)
	o.held(t, 1, "mapped twice")
	s.Unmap(a+4096, 4096)
	s.Protect(a, 4096, linux.PROT_READ)
	o.held(t, 1, "cut and protected")
	if _, e = s.Remap(a+2*4096, 6*4096, 16*4096, linux.MREMAP_MAYMOVE, 0); e != 0 {
		t.Fatal(e)
	}
	o.held(t, 1, "moved")
	child, e := p.Fork(s.inst)
	if e != 0 {
		t.Fatal(e)
	}
	c, e := s.Fork(child, Limits{})
	if e != 0 {
		t.Fatal(e)
	}
	o.held(t, 2, "forked")
	s.Unmap(0, uint32(s.top)) // all of it
	o.held(t, 1, "unmapped in the parent")
	if e := c.poke(b, 5); e != 0 {
		t.Error(e)
	}
	c.Free()
	o.held(t, 0, "the child has ended")
	s.Free()
	o.held(t, 0, "both have ended")
}

// TestFileLeavesNothing: the next user of a slot sees nothing of what was mapped there, or written over it.
func TestFileLeavesNothing(t *testing.T) {
	p := load(t)
	o := newObject(t, 1<<20)
	unix.Pwrite(o.fd, []byte("secret"), 4096)
	places := []uint32{1 << 16, 1 << 20, 64 << 20, 0xfff00000}
	for round := range 20 {
		s := newSpace(t, p, Limits{})
		for _, at := range places {
			if b, e := s.peek(at + 4096); e == 0 && b != 0 && uint64(at) >= s.initial {
				t.Fatalf("round %d: %#x has %d", round, at, b)
			}
		}
		flags := []int{linux.MAP_SHARED, linux.MAP_PRIVATE}[round%2] | linux.MAP_FIXED
		for _, at := range places {
			if _, e := s.Map(at, 4*4096, rw, flags, o, 0); e != 0 {
				t.Fatal(e)
			}
			if b, e := s.peek(at + 4096); e != 0 || b != 's' {
				t.Fatalf("%#x: %d, %v", at, b, e)
			}
			s.poke(at+2*4096, 77)
		}
		if round%5 == 4 {
			v, e := s.Thread(s.inst)
			if e != 0 {
				t.Fatal(e)
			}
			v.Free()
		}
		s.Free()
		fresh := newSpace(t, p, Limits{})
		if err := newModel(fresh).check(fresh); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, at := range places[1:] {
			if b, e := fresh.peek(at + 4096); e == 0 && b != 0 {
				t.Fatalf("round %d: %#x shows %d", round, at, b)
			}
		}
		fresh.Free()
	}
	o.held(t, 0, "all have ended")
}

// TestTruncateUnderFork cuts the file off while processes that map it fork, move it and start threads: what is
// gone is EFAULT, and nothing crashes.
func TestTruncateUnderFork(t *testing.T) {
	p := load(t)
	o := newObject(t, 16*4096)
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				unix.Ftruncate(o.fd, 4096)
				unix.Ftruncate(o.fd, 16*4096)
			}
		}
	}()
	for round := range 60 {
		s := newSpace(t, p, Limits{})
		flags := []int{linux.MAP_PRIVATE, linux.MAP_SHARED}[round%2]
		a, e := s.Map(0, 16*4096, rw, flags, o, 0)
		if e != 0 {
			t.Fatal(e)
		}
		for k := range uint32(16) {
			s.poke(a+k*4096, 1)
		}
		child, e := p.Fork(s.inst)
		if e != 0 {
			t.Fatal(e)
		}
		c, e := s.Fork(child, Limits{})
		if e != 0 {
			t.Fatal(e)
		}
		if _, e := c.Remap(a, 16*4096, 16*4096, linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED, 256<<20); e != 0 {
			t.Fatal(e)
		}
		if round%3 == 0 {
			v, e := s.Thread(s.inst)
			if e != 0 {
				t.Fatal(e)
			}
			v.Free()
		}
		for k := range uint32(16) {
			if e := c.poke(256<<20+k*4096, 2); e != 0 && e != linux.EFAULT {
				t.Fatal(e)
			}
			if _, e := s.peek(a + k*4096); e != 0 && e != linux.EFAULT {
				t.Fatal(e)
			}
		}
		c.Free()
		s.Free()
	}
	close(done)
	<-stopped
	o.held(t, 0, "all have ended")
}

// TestFileLimits: mappings of files count as areas and address space do.
func TestFileLimits(t *testing.T) {
	as := uint64(1) << 40
	s, o := newSpace(t, load(t), Limits{AS: func() uint64 { return as }}), newObject(t, 1<<20)
	as = s.Usage().Virtual + 4096
	if _, e := s.Map(0, 8192, rw, linux.MAP_SHARED, o, 0); e != linux.ENOMEM {
		t.Errorf("mmap above RLIMIT_AS: %v", e)
	}
	a, e := s.Map(0, 4096, rw, linux.MAP_SHARED, o, 0)
	if e != 0 {
		t.Fatal(e)
	}
	if _, e := s.Remap(a, 4096, 8192, linux.MREMAP_MAYMOVE, 0); e != linux.ENOMEM {
		t.Errorf("mremap above RLIMIT_AS: %v", e)
	}
	as = 1 << 40
	n := 0
	for ; n < 65536; n++ {
		if _, e = s.Map(0, 4096, rw, linux.MAP_SHARED, o, int64(n%2)*8192); e != 0 {
			break
		}
	}
	if e != linux.ENOMEM {
		t.Errorf("%d mappings: %v", n, e)
	}
	other := newSpace(t, load(t), Limits{})
	if _, e := other.Map(0, 4096, rw, linux.MAP_SHARED, o, 0); e != 0 {
		t.Errorf("another process: %v", e)
	}
}
