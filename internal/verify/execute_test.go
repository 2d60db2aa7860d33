package verify

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// executes runs function n some times, with other bytes at an offset of the text.
func (m *mutator) executes(n int32, off uint32, bytes []byte, runs, steps int) error {
	place := m.v.text[off : off+uint32(len(bytes))]
	old := slices.Clone(place)
	copy(place, bytes)
	defer copy(place, old)
	for i := range runs {
		if err := newMachine(m.v, n, rand.New(rand.NewPCG(uint64(off), uint64(i)))).run(steps); err != nil {
			return err
		}
	}
	return nil
}

// TestExecute executes all real functions with what a guest might have chosen: what the verifier
// accepts does nothing that the machine forbids.
func TestExecute(t *testing.T) {
	m := newMutator(t)
	runs := 100
	if testing.Short() {
		runs = 10
	}
	for n := m.v.stubs; n < len(m.v.funcs); n++ {
		if err := m.executes(int32(n), m.v.funcs[n].at, nil, runs, 500); err != nil {
			t.Errorf("%s: %v", m.v.funcs[n].name, err)
		}
	}
}

// TestMachine: the machine is of use only if it notices what breaks the rules. Of the corpus's bad texts
// that lead somewhere they must not, it finds most by chance.
func TestMachine(t *testing.T) {
	m := newMutator(t)
	found, refused := 0, 0
	m.each(func(n int32, off uint32, in *inst, b []byte) {
		c := slices.Clone(b)
		switch i := slices.Index(b, 0x65); {
		case in.mem.gs && i >= 0:
			c[i] = 0x90 // without GS
		case in.dst == rsp && in.op == opAdd, in.op == opPop:
			c = nops(len(b))
		default:
			return
		}
		if m.accepts(n, off, c) {
			return
		}
		refused++
		if m.executes(n, off, c, 50, 500) != nil {
			found++
		}
	})
	t.Logf("%d of %d found", found, refused)
	if found*2 < refused {
		t.Errorf("the machine finds %d of %d", found, refused)
	}
}

// fragments are runs of instructions of real functions and of the corpus, without control, and without
// addresses relative to the instruction pointer.
func fragments(t testing.TB) (pool [][]byte) {
	corpus, _ := assembleCorpus(t, corpus())
	for _, c := range []*Code{realCode(t), corpus} {
		for _, f := range c.Funcs {
			text := c.Text.Bytes[f.Addr-c.Text.Addr:][:f.Size]
			var in inst
			var run []byte
			for size := 0; len(text) > 0 && decode(text, &in); text = text[in.len:] {
				if in.op >= opTrap || in.mem.rip || size == 4 {
					run, size = nil, 0
				}
				if in.op < opTrap && !in.mem.rip {
					run, size = append(run, text[:in.len]...), size+1
					pool = append(pool, slices.Clone(run))
				}
			}
		}
	}
	return pool
}

// randomFunction is such fragments with jumps among them.
func randomFunction(r *rand.Rand, pool [][]byte) (text []byte) {
	var starts, jumps []int
	for range 2 + r.IntN(12) {
		starts = append(starts, len(text))
		switch r.IntN(5) {
		case 0:
			text = append(text, 0x70|byte(r.IntN(16)), 0)
			jumps = append(jumps, len(text))
		case 1: // a number of 32 bits, for an address
			text = append(text, 0x89, 0xc0|byte(r.IntN(8)<<3|r.IntN(4)))
		default:
			if piece := pool[r.IntN(len(pool))]; len(text)+len(piece) < 120 {
				text = append(text, piece...)
			}
		}
	}
	starts = append(starts, len(text))
	for _, at := range jumps {
		text[at-1] = byte(starts[r.IntN(len(starts))] - at)
	}
	return append(text, 0xc3)
}

// executeRandom makes a function of a seed and executes it if it is accepted.
func executeRandom(t *testing.T, pool [][]byte, seed uint64) (accepted bool) {
	list, stubs := stubList()
	r := rand.New(rand.NewPCG(seed, 4))
	text := randomFunction(r, pool)
	c := fuzzCode(list, stubs, text, 0)
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr}
	if v.run() != nil {
		return false
	}
	for range 20 {
		if err := newMachine(v, int32(v.stubs), r).run(300); err != nil {
			t.Fatalf("seed %d: % x is accepted: %v", seed, text, err)
		}
	}
	return true
}

// TestRandomFunctions makes functions by chance of pieces of real and of bad ones, and executes those
// that are accepted.
func TestRandomFunctions(t *testing.T) {
	pool := fragments(t)
	const tried = 20000
	accepted := 0
	for seed := range uint64(tried) {
		if executeRandom(t, pool, seed) {
			accepted++
		}
	}
	t.Logf("%d of %d accepted, of %d pieces", accepted, tried, len(pool))
	if accepted*50 < tried {
		t.Error("few are accepted")
	}
}

// FuzzExecute is the same for other seeds.
func FuzzExecute(f *testing.F) {
	pool := fragments(f)
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { executeRandom(t, pool, seed) })
}

// TestCorpusFlips flips bits of the corpus, most of which is one step away from what is allowed, and
// executes what is accepted then.
func TestCorpusFlips(t *testing.T) {
	c, _ := assembleCorpus(t, corpus())
	v := &verifier{code: c, text: c.Text.Bytes, base: c.Text.Addr, all: true}
	if err := v.run(); err != nil {
		t.Fatal(err)
	}
	m := &mutator{t, v, v.newWalker()}
	every := corpusFlips
	made, accepted := 0, 0
	for n := v.stubs; n < len(v.funcs); n++ {
		f := &v.funcs[n]
		for bit := uint32(n) % every; bit < 8*(f.end-f.at); bit += every {
			off := f.at + bit/8
			flipped := []byte{v.text[off] ^ 1<<(bit%8)}
			if made++; !m.accepts(int32(n), off, flipped) {
				continue
			}
			accepted++
			if err := m.executes(int32(n), off, flipped, 20, 200); err != nil {
				t.Errorf("%s, bit %d: % x is accepted: %v", f.name, bit, v.text[f.at:f.end], err)
			}
		}
	}
	t.Logf("%d mutants, %d accepted", made, accepted)
}

// corpusFlips is of how many bits one is flipped.
const corpusFlips = uint32(3)
