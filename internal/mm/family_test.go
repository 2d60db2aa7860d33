package mm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// family is processes that have forked from each other, each with its model.
type family struct {
	t    *testing.T
	r    *rand.Rand
	list []*script
}

// fork makes a child of member x.
func (f *family) fork(x *script) error {
	if e := x.s.Settle(); e != 0 {
		return fmt.Errorf("settle: %v", e)
	}
	defer x.s.Settled()
	inst, e := x.s.inst.Program().Fork(x.s.inst)
	if e != 0 {
		return fmt.Errorf("engine: %v", e)
	}
	c, e := x.s.Fork(inst, Limits{})
	if e != 0 {
		inst.Free()
		return fmt.Errorf("space: %v", e)
	}
	f.t.Cleanup(func() { c.Free() })
	f.list = append(f.list, &script{f.r, c, x.m.fork()})
	return nil
}

// step is one operation of one member, a fork, or an end.
func (f *family) step() error {
	k := f.r.IntN(len(f.list))
	x := f.list[k]
	switch n := f.r.IntN(40); {
	case n < 2 && len(f.list) < 5:
		return f.fork(x)
	case n < 4 && len(f.list) > 1:
		f.list = slices.Delete(f.list, k, k+1)
		x.s.Free()
		return nil
	case n == 4:
		return x.m.check(x.s) // and writes to all
	}
	return x.run()
}

// TestFamily plays random histories of processes that fork and end, with every fork's memory
// frozen if it is more than a few pages, and checks that nobody sees another's writes.
func TestFamily(t *testing.T) {
	programs := loadAll(t)
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for seed := range rounds {
		p := programs[seed%2]
		p.Code().FreezeFrom([]int{4, 8, 40}[seed%3])
		f := &family{t: t, r: rand.New(rand.NewPCG(uint64(seed), 2))}
		x := &script{r: f.r, s: newSpace(t, p, Limits{})}
		x.m = newModel(x.s)
		if seed%2 == 1 {
			x.m.file = newModelFile(t)
		}
		f.list = append(f.list, x)
		for n := range 600 {
			if err := f.step(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, n, err)
			}
		}
		for k, x := range f.list {
			if err := x.m.check(x.s); err != nil {
				t.Fatalf("seed %d, member %d: %v", seed, k, err)
			}
			x.s.Free()
		}
		if n := p.Code().LayerBytes(); n != 0 {
			t.Fatalf("seed %d: %d bytes of layers when all have ended", seed, n)
		}
		if o := x.m.file; o != nil && o.o.holds.Load() != 0 {
			t.Fatalf("seed %d: the file is held %d times when all have ended", seed, o.o.holds.Load())
		}
		y := newSpace(t, p, Limits{})
		if err := newModel(y).check(y); err != nil {
			t.Fatalf("seed %d: a fresh space after it: %v", seed, err)
		}
		y.Free()
	}
}
