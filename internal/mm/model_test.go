package mm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
)

// model is an address space as a map of pages: what a Space must agree with.
type model struct {
	pages map[uint64]*page
	file  *modelFile // which may be mapped; all forks have it

	threads bool
}

type page struct {
	prot  int
	value *byte // shared pages share it across fork
	image byte  // what MADV_DONTNEED brings back
	share bool

	file *modelFile // that it shows; nil: none
	at   int        // which page of it
	own  bool       // it was written to, and is private
	copy bool       // a process with threads has made a copy
}

// modelFile is a file as its pages, of which only the first bytes count.
type modelFile struct {
	o     *object
	pages map[int]*byte
}

func newModelFile(t testing.TB) *modelFile { return &modelFile{newObject(t, 1<<26), map[int]*byte{}} }

func (f *modelFile) byteAt(at int) *byte {
	if f.pages[at] == nil {
		f.pages[at] = new(byte)
	}
	return f.pages[at]
}

// show makes p show page at of f.
func (p *page) show(f *modelFile, at int) {
	p.file, p.at, p.own, p.copy, p.value = f, at, false, false, f.byteAt(at)
}

// settle makes a private page of a file a copy if a process with threads may write to it.
func (m *model) settle(p *page) {
	if m.threads && p.file != nil && !p.share && !p.copy && p.prot&linux.PROT_WRITE != 0 {
		v := *p.value
		p.own, p.copy, p.value = true, true, &v
	}
}

// set is a write.
func (p *page) set(v byte) {
	if p.file != nil && !p.share && !p.own {
		p.own, p.value = true, new(byte)
	}
	*p.value = v
}

const (
	low  = 0         // pages that the test plays with, below 2 MiB
	high = 2 << 20   // and up to the break
	poke = 24        // operations between checks
	step = 16 * 4096 // largest length
)

func newModel(s *Space) *model {
	m := &model{pages: map[uint64]*page{}}
	for a := s.low; a < s.initial; a += pageSize {
		b, _ := s.peek(uint32(a))
		image := b
		m.pages[a] = &page{prot: rw, value: &b, image: image}
	}
	return m
}

func (m *model) covered(start, end uint64) bool {
	for a := start; a < end; a += pageSize {
		if m.pages[a] == nil {
			return false
		}
	}
	return true
}

func (m *model) fresh(start, end uint64, prot int, share bool) {
	for a := start; a < end; a += pageSize {
		m.pages[a] = &page{prot: prot, value: new(byte), share: share}
	}
}

func (m *model) drop(start, end uint64) {
	for a := start; a < end; a += pageSize {
		delete(m.pages, a)
	}
}

func (m *model) fork() *model {
	c := &model{pages: map[uint64]*page{}, file: m.file}
	for a, p := range m.pages {
		q := *p
		if !p.share && (p.file == nil || p.own) {
			v := *p.value
			q.value = &v
		}
		c.pages[a] = &q
	}
	return c
}

// check compares every page, by reading and by writing.
func (m *model) check(s *Space) error {
	seen := uint64(0)
	for _, v := range s.VMAs() {
		for a := v.Start; a < v.End; a += pageSize {
			p := m.pages[a]
			if p == nil || p.prot != v.Prot || p.share != v.Shared {
				return fmt.Errorf("page %#x: area %+v, model %+v", a, v, p)
			}
			seen++
		}
	}
	if seen != uint64(len(m.pages)) {
		return fmt.Errorf("%d pages in areas, %d in the model", seen, len(m.pages))
	}
	u := s.Usage()
	var data uint64
	for a, p := range m.pages {
		if p.prot&linux.PROT_WRITE != 0 && !p.share {
			data += pageSize
		}
		b, e := s.peek(uint32(a))
		if e == 0 != (p.prot != 0) || e == 0 && b != *p.value {
			return fmt.Errorf("page %#x: read %d, %v; model %+v with %d", a, b, e, p, *p.value)
		}
		if e := s.poke(uint32(a), *p.value); e == 0 != (p.prot&linux.PROT_WRITE != 0) {
			return fmt.Errorf("page %#x: write: %v; model %+v", a, e, p)
		} else if e == 0 {
			p.set(*p.value)
		}
	}
	if u.Virtual != seen*pageSize || u.Data != data {
		return fmt.Errorf("usage %+v, model %d pages, %d of data", u, seen, data)
	}
	if _, e := s.peek(0); s.low != 0 && e == 0 {
		return fmt.Errorf("address 0 is mapped")
	}
	for a := s.top; a > s.top-64*pageSize; a -= pageSize {
		if _, e := s.peek(uint32(a - 1)); m.pages[a-pageSize] == nil && e == 0 {
			return fmt.Errorf("page %#x is accessible, not in the model", a-pageSize)
		}
	}
	return nil
}

// script is one random history of a space and its model.
type script struct {
	r *rand.Rand
	s *Space
	m *model
}

// span picks a range, mostly of pages in use.
func (x *script) span() (start, size uint64) {
	size = uint64(x.r.IntN(16)+1) * pageSize
	switch x.r.IntN(3) {
	case 0:
		return uint64(x.r.IntN(high/pageSize)) * pageSize, size
	case 1:
		return x.s.top - 32*pageSize + uint64(x.r.IntN(24))*pageSize, size
	}
	v := x.s.VMAs()
	if len(v) == 0 {
		return 0, size
	}
	a := v[x.r.IntN(len(v))]
	return a.Start + uint64(x.r.IntN(int(min(a.End-a.Start, step)/pageSize)))*pageSize, size
}

func (x *script) run() error {
	start, size := x.span()
	end := start + size
	if end > x.s.top {
		return nil
	}
	a, n := uint32(start), uint32(size)
	prot := []int{0, linux.PROT_READ, rw, rw, rw}[x.r.IntN(5)]
	switch x.r.IntN(9) {
	case 0, 1:
		return x.mmap(a, n, prot)
	case 2:
		if e := x.s.Unmap(a, n); e != 0 {
			return fmt.Errorf("munmap %#x: %v", start, e)
		}
		x.m.drop(start, end)
	case 3:
		e := x.s.Protect(a, n, prot)
		whole := x.m.covered(start, end)
		for p := start; p < end && x.m.pages[p] != nil; p += pageSize {
			x.m.pages[p].prot = prot
			x.m.settle(x.m.pages[p])
		}
		if (e == 0) != whole {
			return fmt.Errorf("mprotect %#x: %v", start, e)
		}
	case 4:
		e := x.s.Advise(a, n, linux.MADV_DONTNEED)
		if (e == 0) != x.m.covered(start, end) {
			return fmt.Errorf("madvise %#x: %v", start, e)
		}
		for p := start; p < end; p += pageSize {
			if q := x.m.pages[p]; q != nil && q.file != nil {
				if q.share || q.copy {
					continue
				}
				q.show(q.file, q.at)
			} else if q != nil && !q.share {
				q.value = new(byte)
				*q.value = q.image
			}
		}
	case 5:
		return x.mremap(a, n, uint32(x.r.IntN(16)+1)*pageSize)
	case 6:
		return x.brk()
	default:
		for p := start; p < end; p += pageSize {
			if q := x.m.pages[p]; q != nil && q.prot == rw {
				q.set(byte(x.r.IntN(256)))
				x.s.poke(uint32(p), *q.value)
			}
		}
	}
	return nil
}

func (x *script) mmap(a, n uint32, prot int) error {
	flags := linux.MAP_ANONYMOUS | []int{linux.MAP_PRIVATE, linux.MAP_PRIVATE, linux.MAP_SHARED}[x.r.IntN(3)]
	flags |= []int{0, linux.MAP_FIXED, linux.MAP_FIXED_NOREPLACE}[x.r.IntN(3)]
	var src Source
	first := 0
	if x.m.file != nil && x.r.IntN(2) == 0 {
		src, flags, first = x.m.file.o, flags&^linux.MAP_ANONYMOUS, x.r.IntN(64)
	}
	got, e := x.s.Map(a, n, prot, flags, src, int64(first)*pageSize)
	if flags&(linux.MAP_FIXED|linux.MAP_FIXED_NOREPLACE) != 0 && uint64(a) < x.s.low {
		if e != linux.EPERM {
			return fmt.Errorf("mmap below the lowest address: %v", e)
		}
		return nil
	}
	start, end := uint64(got), uint64(got)+uint64(n)
	busy := false
	for p := uint64(a); p < uint64(a)+uint64(n); p += pageSize {
		busy = busy || x.m.pages[p] != nil
	}
	if flags&linux.MAP_FIXED_NOREPLACE != 0 && busy {
		if e != linux.EEXIST {
			return fmt.Errorf("mmap over %#x: %v", a, e)
		}
		return nil
	}
	if e != 0 {
		return fmt.Errorf("mmap %#x: %v", a, e)
	}
	if flags&linux.MAP_FIXED == 0 {
		for p := start; p < end; p += pageSize {
			if x.m.pages[p] != nil {
				return fmt.Errorf("mmap gave %#x, which is in use", got)
			}
		}
	} else if got != a {
		return fmt.Errorf("mmap gave %#x, not %#x", got, a)
	}
	x.m.fresh(start, end, prot, flags&linux.MAP_TYPE == linux.MAP_SHARED)
	for p := start; src != nil && p < end; p += pageSize {
		x.m.pages[p].show(x.m.file, first+int((p-start)/pageSize))
		x.m.settle(x.m.pages[p])
	}
	return nil
}

func (x *script) mremap(a, n, size uint32) error {
	flags := []int{0, linux.MREMAP_MAYMOVE, linux.MREMAP_MAYMOVE}[x.r.IntN(3)]
	got, e := x.s.Remap(a, n, size, flags, 0)
	if e != 0 {
		return nil // what may fail is the table test's matter; here: nothing changed
	}
	old := make([]*page, 0, 16)
	for p := uint64(a); p < uint64(a)+uint64(n); p += pageSize {
		if x.m.pages[p] == nil {
			return fmt.Errorf("mremap of unmapped %#x", p)
		}
		old = append(old, x.m.pages[p])
		delete(x.m.pages, p)
	}
	for k := range uint64(size / pageSize) {
		p := uint64(got) + k*pageSize
		if x.m.pages[p] != nil {
			return fmt.Errorf("mremap gave %#x, which is in use", p)
		}
		if x.m.pages[p] = (&page{prot: old[0].prot, value: new(byte)}); k < uint64(len(old)) {
			x.m.pages[p] = old[k]
			if got != a {
				old[k].image = 0
			}
		} else if o := old[0]; o.file != nil {
			x.m.pages[p].share = o.share
			x.m.pages[p].show(o.file, o.at+int(k))
			x.m.settle(x.m.pages[p])
		}
	}
	return nil
}

func (x *script) brk() error {
	old := uint64(x.s.Brk(0))
	want := x.s.initial + uint64(x.r.IntN(64))*1000
	got := uint64(x.s.Brk(uint32(want)))
	if got != want && got != old {
		return fmt.Errorf("brk %#x from %#x gave %#x", want, old, got)
	}
	if got > old {
		x.m.fresh(pageUp(old), pageUp(got), rw, false)
	} else {
		x.m.drop(pageUp(got), pageUp(old))
	}
	return nil
}

// TestModel plays random histories, forks some, and checks that a freed space leaves nothing.
func TestModel(t *testing.T) {
	programs := loadAll(t)
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for seed := range rounds {
		x := &script{r: rand.New(rand.NewPCG(uint64(seed), 1)), s: newSpace(t, programs[seed%2], Limits{})}
		x.m = newModel(x.s)
		if err := x.m.check(x.s); err != nil {
			t.Fatalf("seed %d: a fresh space: %v", seed, err)
		}
		if seed%3 != 0 {
			x.m.file = newModelFile(t)
		}
		var view *engine.Instance
		for n := range 200 {
			if n == 60 && seed%4 == 1 {
				view = x.startThread(t)
			}
			if err := x.run(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, n, err)
			}
			if n%poke == 0 {
				if err := x.m.check(x.s); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, n, err)
				}
			}
			if n%70 == 69 {
				x.forkOff(t, seed)
			}
		}
		x.s.Free()
		if view != nil {
			view.Free()
		}
	}
}

// startThread makes the process one with threads.
func (x *script) startThread(t *testing.T) *engine.Instance {
	t.Helper()
	v, e := x.s.Thread(x.s.inst)
	if e != 0 {
		t.Fatal(e)
	}
	x.m.threads = true
	for _, p := range x.m.pages {
		if x.m.settle(p); p.file != nil && p.own {
			p.copy = true
		}
	}
	return v
}

// forkOff forks the space and goes on with the child; both must then be as the model says.
func (x *script) forkOff(t *testing.T, seed int) {
	t.Helper()
	child, e := x.s.inst.Program().Fork(x.s.inst)
	if e != 0 {
		t.Fatal(e)
	}
	c, e := x.s.Fork(child, Limits{})
	if e != 0 {
		t.Fatal(e)
	}
	m := x.m.fork()
	if err := x.m.check(x.s); err != nil {
		t.Fatalf("seed %d: parent after fork: %v", seed, err)
	}
	if err := m.check(c); err != nil {
		t.Fatalf("seed %d: child after fork: %v", seed, err)
	}
	if x.r.IntN(2) == 0 {
		x.s.Free()
		x.s, x.m = c, m
	} else {
		c.Free()
	}
}
