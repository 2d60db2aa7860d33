package verify

import "testing"

// TestStamps: what has one stamp is one value, in all states of a function, and slots that states share are
// not changed: nobody's own are another's.
func TestStamps(t *testing.T) {
	corpus, _ := assembleCorpus(t, corpus())
	values := 0
	for _, c := range []*Code{realCode(t), corpus} {
		v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr, all: true}
		for _, step := range []func() error{v.place, v.list, v.checkStubs, v.programs, v.entries} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		w := v.newWalker()
		for n := v.stubs; n < len(v.funcs); n++ {
			w.branch = state{}
			_ = w.function(int32(n)) // states are as they should be where it is refused, too
			seen := map[uint32]value{stampUnknown: unknown, stampUnknown32: unknown32, stampUnknown16: anything(2), stampUnknown8: anything(1), stampZero: constant(0)}
			owners := map[*slot]int{}
			all := []*state{&w.now, &w.branch}
			for n := range w.used {
				all = append(all, w.state(n))
			}
			for _, s := range all {
				if s.w == nil {
					continue
				}
				if len(s.slots) > 0 && s.own {
					owners[&s.slots[0]]++
				}
				for r, v := range s.regs {
					values++
					if old, ok := seen[s.stamps[r]]; ok && old != v {
						t.Fatalf("%s: register %d: %+v and %+v have stamp %d", w.f.name, r, old, v, s.stamps[r])
					}
					seen[s.stamps[r]] = v
				}
			}
			for _, n := range owners {
				if n > 1 {
					t.Fatalf("%s: two own the same slots", w.f.name)
				}
			}
		}
	}
	if values < 1e4 {
		t.Errorf("only %d values", values)
	}
}
