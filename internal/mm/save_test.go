package mm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// chunks keeps contents in memory.
type chunks map[state.Chunk][]byte

func (m chunks) Put(b []byte) (state.Chunk, error) {
	c := state.Chunk(sha256.Sum256(b))
	m[c] = bytes.Clone(b)
	return c, nil
}

func (m chunks) Get(c state.Chunk, _ int) ([]byte, error) {
	if b, ok := m[c]; ok {
		return b, nil
	}
	return nil, errors.New("no such chunk")
}

// saveSpace is a space as bytes.
func saveSpace(s *Space, m chunks) ([]byte, error) {
	e := state.NewEncoder(Types, time.Now(), m)
	e.External("program", s.inst.Program())
	return e.Save(s)
}

func loadSpace(p *engine.Program, b []byte, m chunks) (*Space, error) {
	d := state.NewDecoder(Types, time.Now(), m)
	d.External("program", p)
	o, err := d.Load(b)
	if err != nil {
		return nil, err
	}
	return o.(*Space), nil
}

// random does something at random to the space.
func random(r *rand.Rand, s *Space) {
	const low, pages = 0x4000_0000, 256
	at := uint32(low + r.IntN(pages)*pageSize)
	size := uint32(1+r.IntN(24)) * pageSize
	switch r.IntN(8) {
	case 0, 1:
		s.Map(at, size, []int{rw, rw, linux.PROT_READ, linux.PROT_NONE}[r.IntN(4)], linux.MAP_ANONYMOUS|linux.MAP_PRIVATE|linux.MAP_FIXED, nil, 0)
	case 2:
		s.Unmap(at, size)
	case 3:
		s.Protect(at, size, []int{rw, linux.PROT_READ, linux.PROT_NONE}[r.IntN(3)])
	case 4:
		s.Brk(s.Brk(0) + uint32(r.IntN(40)-10)*1000)
	case 5:
		s.Unmap(uint32(r.IntN(40))*pageSize, pageSize) // also of the image
	default:
		b := make([]byte, 1+r.IntN(9000))
		for k := range b {
			b[k] = byte(r.IntN(3)) // many zeros
		}
		if r.IntN(3) == 0 {
			at = uint32(r.IntN(40)) * pageSize
		}
		s.inst.Memory().Write(at, b)
	}
}

// same compares two spaces: areas, break, and each byte, whatever its protection.
func same(t *testing.T, a, b *Space) {
	t.Helper()
	if a.brk != b.brk || a.floor != b.floor || a.inst.Pages() != b.inst.Pages() || a.areas.virtual != b.areas.virtual || a.areas.data != b.areas.data {
		t.Fatalf("break %#x floor %#x pages %d of %#x, %#x, %d", b.brk, b.floor, b.inst.Pages(), a.brk, a.floor, a.inst.Pages())
	}
	if len(a.areas.list) != len(b.areas.list) {
		t.Fatalf("%d areas, want %d", len(b.areas.list), len(a.areas.list))
	}
	for k := range a.areas.list {
		x, y := a.areas.list[k], b.areas.list[k]
		if x != y {
			t.Fatalf("area %+v, want %+v", y, x)
		}
		p, q := contents(t, a, &x), contents(t, b, &x)
		if !bytes.Equal(p, q) {
			t.Fatalf("the area at %#x has other contents", x.start)
		}
		// It has the protection that it says.
		e := b.inst.Memory().Write(uint32(x.start), q[:1])
		if want := x.prot&linux.PROT_WRITE != 0; (e == 0) != want {
			t.Fatalf("the area at %#x of protection %d can be written: %v", x.start, x.prot, e == 0)
		}
	}
}

func contents(t *testing.T, s *Space, a *area) []byte {
	t.Helper()
	b := make([]byte, a.size())
	if a.prot&linux.PROT_READ == 0 {
		s.inst.Protect(a.start, a.size(), linux.PROT_READ)
		defer s.inst.Protect(a.start, a.size(), a.prot)
	}
	if e := s.inst.Memory().Read(uint32(a.start), b); e != 0 {
		t.Fatalf("read %#x: %v", a.start, e)
	}
	return b
}

// TestSave saves spaces with random histories: alone, with layers after a fork, and with threads.
func TestSave(t *testing.T) {
	for k, p := range loadAll(t) {
		for seed := range uint64(24) {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			s := newSpace(t, p, Limits{})
			p.Code().FreezeFrom(8)
			for range 60 {
				random(r, s)
			}
			switch seed % 3 {
			case 1:
				forkOnce(t, p, s)
			case 2:
				view, e := s.Thread(s.inst)
				if e != 0 {
					t.Fatal(e)
				}
				defer view.Free()
			}
			for range 20 {
				random(r, s)
			}
			m := chunks{}
			b, err := saveSpace(s, m)
			if err != nil {
				t.Fatal(err)
			}
			n, err := loadSpace(p, b, m)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			same(t, s, n)
			again, err := saveSpace(n, m)
			if err != nil {
				t.Fatal(err)
			}
			o, err := loadSpace(p, again, m)
			if err != nil {
				t.Fatal(err)
			}
			same(t, s, o)
			o.Free()
			n.Free()
		}
	}
}

// forkOnce makes a child, so that what the space holds of much memory is in layers.
func forkOnce(t *testing.T, p *engine.Program, s *Space) {
	t.Helper()
	defer s.Settled()
	if e := s.Settle(); e != 0 {
		t.Fatal(e)
	}
	child, e := p.Fork(s.inst)
	if e != 0 {
		t.Fatal(e)
	}
	c, e := s.Fork(child, Limits{})
	if e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() { c.Free() })
}

// TestSaveSmall: what was not written to is not saved.
func TestSaveSmall(t *testing.T) {
	s := newSpace(t, load(t), Limits{})
	at := anon(t, s, 64<<20, linux.MAP_PRIVATE)
	s.inst.Memory().Write(at+100*pageSize, []byte("x"))
	m := chunks{}
	if _, err := saveSpace(s, m); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range m {
		n += len(b)
	}
	if n > 256<<10 {
		t.Errorf("64 MiB of which one page is written to are %d bytes", n)
	}
}

// several are spaces that are saved together.
type several struct{ spaces []*Space }

func (*several) StateType() string { return "mm.several" }

func (v *several) SaveState(e *state.Encoder) {
	e.Len(len(v.spaces))
	for _, s := range v.spaces {
		state.Ref(e, s)
	}
}

func (v *several) LoadState(d *state.Decoder) {
	for range d.Count(1) {
		v.spaces = append(v.spaces, state.Need[*Space](d))
	}
}

// moved saves spaces, and loads them again.
func moved(t *testing.T, p *engine.Program, spaces ...*Space) []*Space {
	t.Helper()
	m := chunks{}
	types := append(slices.Clone(Types), state.Of[several](1))
	e := state.NewEncoder(types, time.Now(), m)
	e.External("program", p)
	b, err := e.Save(&several{spaces})
	if err != nil {
		t.Fatal(err)
	}
	d := state.NewDecoder(types, time.Now(), m)
	d.External("program", p)
	o, err := d.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range o.(*several).spaces {
		t.Cleanup(func() { s.Free() })
	}
	return o.(*several).spaces
}

// TestSaveShared: memory that two spaces share is shared again, wherever each of them has it, and once more after
// that.
func TestSaveShared(t *testing.T) {
	p := load(t)
	a := newSpace(t, p, Limits{})
	at := anon(t, a, 64*pageSize, linux.MAP_SHARED)
	a.inst.Memory().Write(at+5*pageSize, []byte("five"))
	child, e := p.Fork(a.inst)
	if e != 0 {
		t.Fatal(e)
	}
	b, e := a.Fork(child, Limits{})
	if e != 0 {
		t.Fatal(e)
	}
	if e := a.Unmap(at, 3*pageSize); e != 0 {
		t.Fatal(e)
	}
	b.inst.Memory().Write(at, []byte("zero"))
	if e := b.Unmap(at+32*pageSize, 32*pageSize); e != 0 {
		t.Fatal(e)
	}
	if e := b.Protect(at, 8*pageSize, linux.PROT_NONE); e != 0 {
		t.Fatal(e)
	}
	for range 2 {
		both := moved(t, p, a, b)
		a, b = both[0], both[1]
		if e := b.Protect(at, 8*pageSize, linux.PROT_READ|linux.PROT_WRITE); e != 0 {
			t.Fatal(e)
		}
		want := func(s *Space, page uint32, text string) {
			t.Helper()
			got := make([]byte, len(text))
			if e := s.inst.Memory().Read(at+page*pageSize, got); e != 0 || string(got) != text {
				t.Errorf("page %d: %q, %v, want %q", page, got, e, text)
			}
		}
		want(a, 5, "five")
		want(b, 5, "five")
		want(b, 0, "zero")
		a.inst.Memory().Write(at+6*pageSize, []byte("six"))
		want(b, 6, "six")
		b.inst.Memory().Write(at+6*pageSize, []byte("   "))
		if k := a.Futex(at+7*pageSize, false); k.Set == nil || k != b.Futex(at+7*pageSize, false) {
			t.Error("a futex in shared memory is not one")
		}
	}
}

// TestLoadGarbage: a space that was changed is refused, and its slot given back.
func TestLoadGarbage(t *testing.T) {
	p := load(t)
	s := newSpace(t, p, Limits{})
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		random(r, s)
	}
	m := chunks{}
	good, err := saveSpace(s, m)
	if err != nil {
		t.Fatal(err)
	}
	for k := range good {
		bad := bytes.Clone(good)
		bad[k] ^= 1 << r.IntN(8)
		if n, err := loadSpace(p, bad, m); err == nil {
			n.Free()
		}
	}
}
