package mm

import (
	"math/rand/v2"
	"testing"

	"vkernel/internal/engine"
)

// views are the threads of each space of a family, its own instance included.
type views map[*Space][]*engine.Instance

// step makes a thread, ends one, or goes on in another, which then asks for everything.
func (v views) step(t *testing.T, r *rand.Rand, s *Space) {
	list := v[s]
	if list == nil {
		list = []*engine.Instance{s.inst}
	}
	switch n := r.IntN(4); {
	case n == 0 && len(list) < 4:
		i, e := s.inst.Thread()
		if e != 0 {
			t.Fatalf("thread: %v", e)
		}
		list = append(list, i)
	case n == 1 && len(list) > 1:
		k := r.IntN(len(list))
		list[k].Free()
		list = append(list[:k], list[k+1:]...)
	}
	s.inst = list[r.IntN(len(list))]
	v[s] = list
}

// end frees the threads of spaces but those that the spaces themselves free.
func (v views) end(s *Space) {
	for _, i := range v[s] {
		if i != s.inst {
			i.Free()
		}
	}
	delete(v, s)
}

// TestThreadedFamily plays random histories of processes with threads that fork and end: every
// thread sees the same memory, no process another's.
func TestThreadedFamily(t *testing.T) {
	programs := loadAll(t)
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for seed := range rounds {
		p := programs[seed%2]
		p.Code().FreezeFrom([]int{4, 8, 40, 1 << 20}[seed%4])
		f := &family{t: t, r: rand.New(rand.NewPCG(uint64(seed), 3))}
		x := &script{r: f.r, s: newSpace(t, p, Limits{})}
		x.m = newModel(x.s)
		f.list = append(f.list, x)
		v := views{}
		for n := range 500 {
			if x := f.list[f.r.IntN(len(f.list))]; f.r.IntN(10) == 0 && (f.r.IntN(3) == 0 || v[x.s] != nil) {
				v.step(t, f.r, x.s)
			}
			before := append([]*script{}, f.list...)
			if err := f.step(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, n, err)
			}
			for _, x := range before {
				if x.s.freed {
					v.end(x.s)
				}
			}
		}
		for k, x := range f.list {
			list := v[x.s]
			if list == nil {
				list = []*engine.Instance{x.s.inst}
			}
			for _, i := range list {
				x.s.inst = i
				if err := x.m.check(x.s); err != nil {
					t.Fatalf("seed %d, member %d: %v", seed, k, err)
				}
			}
			v.end(x.s)
			x.s.Free()
		}
		if n := p.Code().LayerBytes(); n != 0 {
			t.Errorf("seed %d: %d bytes of layers are left", seed, n)
		}
	}
}
