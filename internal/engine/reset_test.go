package engine

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// pristine fails unless everything of i that a program could ever read is as the image says.
func pristine(t *testing.T, what string, i *Instance) {
	t.Helper()
	p := i.p
	if b := bytesAt(i.at+p.stackLow, p.stackTop-p.stackLow); !zero(b) {
		t.Errorf("%s: the stack has old bytes", what)
	}
	area := bytesAt(i.base-uintptr(len(p.area)), uintptr(len(p.area)))
	save := area[len(area)-layout.Control:][:2048]
	for k, word := 0, 8; k < 144; k += word { // registers; the bounds behind them are of the slot
		if !zero(save[k : k+word]) {
			t.Errorf("%s: a saved register is left", what)
		}
	}
	if !zero(save[256:768]) {
		t.Errorf("%s: saved vector registers are left", what)
	}
	if below := len(area) - layout.Control; !bytes.Equal(area[:below], p.area[:below]) || !bytes.Equal(area[below+2048:], p.area[below+2048:]) {
		t.Errorf("%s: the area differs from its image", what)
	}
	m, start := bytesAt(i.base+p.guard, p.initial-p.guard), uintptr(p.Meta.Memory.ImageStart)-p.guard
	if !zero(m[:start]) || !bytes.Equal(m[start:start+uintptr(len(p.memory))], p.memory) || !zero(m[start+uintptr(len(p.memory)):]) {
		t.Errorf("%s: memory differs from its image", what)
	}
	for _, addr := range []uint64{0, uint64(p.initial), 1 << 30, memorySize - pageSize} {
		if addr == 0 && p.guard == 0 {
			continue
		}
		var b [1]byte
		if e := i.Memory().Read(uint32(addr), b[:]); e != linux.EFAULT {
			t.Errorf("%s: memory at %#x: %v", what, addr, e)
		}
	}
}

// unused fails unless pages that are mapped anew above the initial memory are zero, and there is
// nothing else.
func unused(t *testing.T, what string, i *Instance) {
	t.Helper()
	first, size := uint64(i.p.initial), memorySize-uint64(i.p.initial)
	if e := i.Map(first, size, ProtRead|ProtWrite, false); e != 0 {
		t.Fatal(e)
	}
	i.p.code.pagemap.private(i.base+i.p.initial, uintptr(size), func(at, n uintptr) {
		if !zero(bytesAt(at, n)) {
			t.Errorf("%s: old bytes at %#x, +%#x", what, at-i.base, n)
		}
	})
}

func zero(b []byte) bool {
	for len(b) >= 8 {
		if *(*uint64)(pointer(address(b))) != 0 {
			return false
		}
		b = b[8:]
	}
	return len(bytes.Trim(b, "\x00")) == 0
}

// TestReset dirties an instance in every way there is and looks at the next one in its slot.
func TestReset(t *testing.T) {
	c := loadGuest(t)
	soil := func(i *Instance, addr uint64, n int) {
		if e := i.Memory().Write(uint32(addr), bytes.Repeat([]byte{0x5a}, n)); e != 0 {
			t.Fatalf("write %#x: %v", addr, e)
		}
	}
	const rw = ProtRead | ProtWrite
	for _, tt := range []struct {
		name string
		soil func(i *Instance)
	}{
		{"nothing", func(*Instance) {}},
		{"a little memory", func(i *Instance) { soil(i, 5000, 10); soil(i, 65536, 100) }},
		{"all memory", func(i *Instance) { soil(i, 4096, 4*wasmPage-4096) }},
		{"stack and registers", func(i *Instance) {
			start(t, i, "x_deep", 3000)
			i.Resume(0)
			i.Kick()
			i.Resume(0)
			i.Resume(0)
		}},
		{"all of the stack", func(i *Instance) { start(t, i, "x_overflow"); i.Resume(0); i.Call(0, 1); i.Resume(1) }},
		{"globals", func(i *Instance) { start(t, i, "x_count"); i.Resume(0); i.setStackPointer(7) }},
		{"more memory", func(i *Instance) { i.Map(1<<30, 1<<20, rw, false); soil(i, 1<<30, 1<<20) }},
		{"much more memory", func(i *Instance) { i.Map(1<<30, 8<<20, rw, false); soil(i, 1<<30, 8<<20) }},
		{"shared memory", func(i *Instance) { i.Map(1<<30, 1<<20, rw, true); soil(i, 1<<30, 1<<20) }},
		{"moved memory", func(i *Instance) {
			i.Map(1<<30, 1<<20, rw, false)
			soil(i, 1<<30, 1<<20)
			i.Move(1<<30, 1<<31, 1<<20)
		}},
		{"protected memory", func(i *Instance) { soil(i, 65536, 8192); i.Protect(65536, 4096, ProtRead); i.Protect(4096, 4096, 0) }},
		{"image unmapped", func(i *Instance) { i.Unmap(65536+4096, 4096); i.Map(65536+4096, 4096, rw, false); soil(i, 65536, 8192) }},
		{"everything unmapped", func(i *Instance) { i.Unmap(0, memorySize) }},
		{"scattered pages", func(i *Instance) {
			i.Map(1<<20, 16<<20, rw, false)
			for k := uint64(0); k < 4096; k += 2 {
				soil(i, 1<<20+k*pageSize, 1)
			}
		}},
	} {
		for _, v := range variants(c) {
			v.set()
			resetOne(t, v.p, tt.name+", "+v.name, tt.soil)
		}
	}
}

// variant is a program on a host with or without what the reset uses.
type variant struct {
	name string
	p    *Program
	set  func()
}

func variants(c *Code) (all []variant) {
	scan, markers := c.pagemap.scan, c.guardMarkers
	a, b := c.Programs()[0], c.Programs()[1]
	return []variant{
		{"plain", a, func() { c.pagemap.scan = scan }},
		{"null guard", b, func() { b.setMarkers(markers) }},
		{"null guard without markers", b, func() { b.strippedTo(false) }},
		{"without PAGEMAP_SCAN", a, func() { c.pagemap.scan = false }},
		{"null guard without PAGEMAP_SCAN", b, func() { b.strippedTo(markers); c.pagemap.scan = false }},
		{"as it is", a, func() { c.pagemap.scan = scan }},
	}
}

// strippedTo drops idle slots, which were made with the other kind of guard.
func (p *Program) strippedTo(markers bool) {
	for s, ok := p.takeIdle(); ok; s, ok = p.takeIdle() {
		p.strip(s.at)
		p.code.slots.give(s.at)
	}
	p.setMarkers(markers)
}

func resetOne(t *testing.T, p *Program, name string, soil func(i *Instance)) {
	t.Helper()
	i, e := p.New()
	if e != 0 {
		t.Fatal(e)
	}
	pristine(t, name+", before", i)
	at := i.at
	soil(i)
	i.Free()
	next, e := p.New()
	if e != 0 {
		t.Fatal(e)
	}
	if next.at != at {
		t.Errorf("%s: the slot was not reused", name)
	}
	pristine(t, name, next)
	unused(t, name, next)
	next.Free()
}

// TestStrip gives slots of one program to another.
func TestStrip(t *testing.T) {
	c := loadGuest(t)
	c.slots.limit = 3
	a, b := c.Programs()[0], c.Programs()[1]
	for range 3 {
		var live []*Instance
		for _, p := range []*Program{a, b} {
			for range 3 {
				i, e := p.New()
				if e != 0 {
					t.Fatal(e)
				}
				pristine(t, p.Meta.Name, i)
				start(t, i, "x_deep", 100)
				i.Resume(0)
				i.Memory().Write(65536, []byte("secret"))
				live = append(live, i)
			}
			if _, e := p.New(); e != linux.EAGAIN {
				t.Fatalf("a fourth instance of three: %v", e)
			}
			for _, i := range live {
				i.Free()
			}
			live = live[:0]
		}
	}
}

// TestManyInstances asks for far more instances than there can be, and goes on afterwards.
func TestManyInstances(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := loadGuest(t)
	p := c.Programs()[0]
	var live []*Instance
	var last linux.Errno
	for range 100000 {
		i, e := p.New()
		if e != 0 {
			last = e
			continue
		}
		live = append(live, i)
	}
	t.Logf("%d instances, then %v; %d mappings, %s resident", len(live), last, mappings(t), resident(t))
	if last != linux.EAGAIN && last != linux.ENOMEM {
		t.Errorf("at the limit: %v", last)
	}
	if len(live) < 10000 && c.slots.limit >= 10000 && !raceEnabled {
		t.Errorf("only %d instances", len(live))
	}
	for _, i := range live {
		start(t, i, "x_add", 1, 2)
		want(t, "add", i.Resume(0), layout.ExitReturn)
		i.Free()
	}
	if n := c.slots.used.Load(); n != 0 {
		t.Errorf("%d mappings are still declared", n)
	}
	i := newGuest(t, c)
	pristine(t, "after all", i)
	i.Free()
}

// TestMappings holds the number of mappings that an idle instance costs the host.
func TestMappings(t *testing.T) {
	c := loadGuest(t)
	for _, p := range c.Programs() {
		var live []*Instance
		add := func(n int) {
			for range n {
				i, e := p.New()
				if e != 0 {
					t.Fatal(e)
				}
				start(t, i, "x_calls", 1)
				i.Resume(0)
				live = append(live, i)
			}
		}
		add(8)
		before := mappings(t)
		add(64)
		per := float64(mappings(t)-before) / 64
		t.Logf("program %s: %.1f mappings per instance", p.Meta.Name, per)
		if per > float64(p.mappings)+0.2 || c.guardMarkers && p.mappings > 4 {
			t.Errorf("program %s: %.1f mappings per instance, want at most %d", p.Meta.Name, per, p.mappings)
		}
		for _, i := range live {
			i.Free()
		}
	}
}

func mappings(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	return strings.Count(string(b), "\n")
}

func resident(t *testing.T) string {
	b, _ := os.ReadFile("/proc/self/statm")
	return strings.Fields(string(b) + " ? ?")[1] + " pages"
}

// TestConcurrent has many goroutines make, run, fork, kick and free instances.
func TestConcurrent(t *testing.T) {
	c := loadGuest(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range 200 {
				i, e := c.Programs()[(g+n)%2].New()
				if e != 0 {
					t.Error(e)
					return
				}
				start(t, i, "x_deep", 20)
				kicked := make(chan bool)
				go func() { i.Kick(); close(kicked) }()
				for i.Resume(0) == layout.ExitPreempt {
				}
				child, e := i.Program().Fork(i)
				if e != 0 {
					t.Error(e)
					return
				}
				for _, p := range []*Instance{i, child} {
					for p.Resume(4) != layout.ExitReturn {
					}
					if got := p.Results()[0][0]; got != deepResult(20, 4) {
						t.Errorf("result %d", got)
					}
				}
				child.Free()
				i.Free()
				<-kicked
			}
		}()
	}
	wg.Wait()
}
