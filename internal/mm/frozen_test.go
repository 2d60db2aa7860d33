package mm

import (
	"math/rand/v2"
	"testing"

	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// waiting makes a space whose program waits in a call.
func waiting(t *testing.T, p *engine.Program) *Space {
	t.Helper()
	s := newSpace(t, p, Limits{})
	for _, x := range p.Meta.Exports {
		if x.Name == "x_deep" {
			s.inst.Start(x.Thunk, 20)
			if exit := s.inst.Resume(0); exit != layout.ExitSyscall {
				t.Fatalf("exit %d", exit)
			}
			return s
		}
	}
	t.Fatal("no export x_deep")
	return nil
}

// TestFrozen freezes spaces with random histories: what is made of one is as it was then, whatever
// its other copies have done in the same slot.
func TestFrozen(t *testing.T) {
	programs := loadAll(t)
	frozenSpaces := 0
	for seed := range 30 {
		p := programs[seed%2]
		x := &script{r: rand.New(rand.NewPCG(uint64(seed), 5)), s: waiting(t, p)}
		x.m = newModel(x.s)
		for range 150 {
			if err := x.run(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		shared := false
		for a, page := range x.m.pages {
			if page.share {
				if _, e := x.s.Freeze(); e != linux.ENOTSUP && !shared {
					t.Fatalf("seed %d: a space with shared memory is frozen: %v", seed, e)
				}
				shared = true
				x.s.Unmap(uint32(a), pageSize)
				delete(x.m.pages, a)
			}
		}
		f, e := x.s.Freeze()
		if e == linux.ENOTSUP {
			continue // content behind PROT_NONE
		}
		if e != 0 {
			t.Fatalf("seed %d: %v", seed, e)
		}
		frozenSpaces++
		frozen := x.m.fork()
		if err := x.m.check(x.s); err != nil {
			t.Fatalf("seed %d: the space after it was frozen: %v", seed, err)
		}
		x.s.Free()
		for n := range 12 {
			s, _, e := f.New(1, Limits{})
			if e != 0 {
				t.Fatalf("seed %d: %v", seed, e)
			}
			y := &script{x.r, s, frozen.fork()}
			for range n % 3 * 40 {
				if err := y.run(); err != nil {
					t.Fatalf("seed %d, copy %d: %v", seed, n, err)
				}
			}
			if err := y.m.check(s); err != nil {
				t.Fatalf("seed %d, copy %d: %v", seed, n, err)
			}
			s.Free()
		}
		if _, _, e := f.New(1, Limits{AS: func() uint64 { return f.areas.virtual - 1 }}); e != linux.ENOMEM {
			t.Fatalf("a copy above RLIMIT_AS: %v", e)
		}
		f.Drop()
		if n := p.Code().LayerBytes(); n != 0 {
			t.Fatalf("seed %d: %d bytes of layers are left", seed, n)
		}
	}
	if frozenSpaces < 10 {
		t.Errorf("%d of 30 spaces could be frozen", frozenSpaces)
	}
}
