package mm

import (
	"os"
	"runtime/debug"
	"testing"

	"vkernel/internal/engine"
	"vkernel/internal/engine/enginetest"
	"vkernel/internal/linux"
)

const rw = linux.PROT_READ | linux.PROT_WRITE

// load gives the first test program; loadAll also the one with an unmapped first page.
func load(t testing.TB) *engine.Program { return loadAll(t)[0] }

func loadAll(t testing.TB) []*engine.Program {
	t.Helper()
	debug.SetPanicOnFault(true)
	f, err := os.Open(enginetest.File(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := engine.LoadVerified(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Programs()
}

func newSpace(t testing.TB, p *engine.Program, limits Limits) *Space {
	t.Helper()
	i, e := p.New()
	if e != 0 {
		t.Fatal(e)
	}
	s := New(i, limits)
	t.Cleanup(func() { s.Free() })
	return s
}

// anon maps anonymous memory where the space likes.
func anon(t testing.TB, s *Space, size uint32, flags int) uint32 {
	t.Helper()
	a, e := s.Map(0, size, rw, linux.MAP_ANONYMOUS|flags, nil, 0)
	if e != 0 {
		t.Fatal(e)
	}
	return a
}

func (s *Space) peek(addr uint32) (byte, linux.Errno) {
	var b [1]byte
	e := s.inst.Memory().Read(addr, b[:])
	return b[0], e
}

func (s *Space) poke(addr uint32, v byte) linux.Errno {
	return s.inst.Memory().Write(addr, []byte{v})
}
