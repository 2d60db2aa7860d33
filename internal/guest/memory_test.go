package guest

import (
	"bytes"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"vkernel/internal/linux"
)

const pageSize = 4096

// The test memory: reserved 4 GiB, of which these pages exist.
const (
	low      = 0           // two pages
	readOnly = 16 * 4096   // one page
	island   = 32 * 4096   // one page
	last     = Size - 4096 // one page
)

func newMemory(t testing.TB) Memory {
	t.Helper()
	debug.SetPanicOnFault(true)
	const flags = syscall.MAP_PRIVATE | syscall.MAP_ANON | syscall.MAP_NORESERVE
	b, err := syscall.Mmap(-1, 0, Size, syscall.PROT_NONE, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(b) })
	for _, r := range []struct{ at, n, prot int }{
		{low, 2 * pageSize, syscall.PROT_READ | syscall.PROT_WRITE},
		{readOnly, pageSize, syscall.PROT_READ},
		{island, pageSize, syscall.PROT_READ | syscall.PROT_WRITE},
		{last, pageSize, syscall.PROT_READ | syscall.PROT_WRITE},
	} {
		if err := syscall.Mprotect(b[r.at:r.at+r.n], r.prot); err != nil {
			t.Fatal(err)
		}
	}
	return At(unsafe.Pointer(&b[0]))
}

func TestRanges(t *testing.T) {
	m := newMemory(t)
	for _, tt := range []struct {
		addr        Addr
		n           int
		read, write linux.Errno
	}{
		{0, 0, 0, 0},
		{0, 2 * pageSize, 0, 0},
		{1, 2 * pageSize, linux.EFAULT, linux.EFAULT},
		{2 * pageSize, 1, linux.EFAULT, linux.EFAULT},
		{readOnly, pageSize, 0, linux.EFAULT},
		{readOnly - 1, 2, linux.EFAULT, linux.EFAULT},
		{last, pageSize, 0, 0},
		{last, pageSize + 1, linux.EFAULT, linux.EFAULT},
		{0xffffffff, 1, 0, 0},
		{0xffffffff, 2, linux.EFAULT, linux.EFAULT},
		{0xffffffff, 0, 0, 0},
		{2 * pageSize, 0, 0, 0},
	} {
		p := make([]byte, tt.n)
		if e := m.Read(tt.addr, p); e != tt.read {
			t.Errorf("read %#x+%d: %v, want %v", tt.addr, tt.n, e, tt.read)
		}
		if e := m.Write(tt.addr, p); e != tt.write {
			t.Errorf("write %#x+%d: %v, want %v", tt.addr, tt.n, e, tt.write)
		}
		if e := m.Clear(tt.addr, tt.n); e != tt.write {
			t.Errorf("clear %#x+%d: %v, want %v", tt.addr, tt.n, e, tt.write)
		}
	}
	for _, n := range []int{-1, -1 << 62, Size + 1, 1<<63 - 1} {
		if e := m.Clear(0, n); e != linux.EFAULT {
			t.Errorf("clear of %d bytes: %v", n, e)
		}
		if e := m.View(100, n, func([]byte) linux.Errno { return 0 }); e != linux.EFAULT {
			t.Errorf("view of %d bytes: %v", n, e)
		}
	}
	if e := (Memory{}).Read(0, make([]byte, 1)); e != linux.EFAULT {
		t.Errorf("no memory: %v", e)
	}
}

func TestString(t *testing.T) {
	m := newMemory(t)
	m.Write(island+pageSize-6, []byte("hello\x00"))
	m.Write(pageSize-3, []byte("across\x00"))
	m.Write(last+pageSize-3, []byte("end"))
	m.Write(0, bytes.Repeat([]byte{'x'}, 100))
	for _, tt := range []struct {
		addr  Addr
		limit int
		want  string
		e     linux.Errno
	}{
		{island + pageSize - 6, 4096, "hello", 0},
		{island + pageSize - 6, 6, "hello", 0},
		{island + pageSize - 6, 5, "", linux.ENAMETOOLONG},
		{pageSize - 3, 4096, "across", 0},
		{0, 4096, strings.Repeat("x", 100), 0},
		{0, 10, "", linux.ENAMETOOLONG},
		{0, 0, "", linux.ENAMETOOLONG},
		{island - 1, 10, "", linux.EFAULT},
		{last + pageSize - 3, 4096, "", linux.EFAULT},
		{last + pageSize - 3, 3, "", linux.ENAMETOOLONG},
		{4 * pageSize, 10, "", linux.EFAULT},
	} {
		if got, e := m.String(tt.addr, tt.limit, linux.ENAMETOOLONG); got != tt.want || e != tt.e {
			t.Errorf("%#x, limit %d: %q, %v; want %q, %v", tt.addr, tt.limit, got, e, tt.want, tt.e)
		}
	}
	if _, e := (Memory{}).String(0, 10, linux.E2BIG); e != linux.EFAULT {
		t.Errorf("no memory: %v", e)
	}
}

type pair struct {
	A uint32
	B uint64
}

func TestStructures(t *testing.T) {
	m := newMemory(t)
	in := pair{1, 2}
	if e := Put(m, 100, &in); e != 0 {
		t.Fatal(e)
	}
	if out, e := Get[pair](m, 100); e != 0 || out != in {
		t.Errorf("%+v, %v", out, e)
	}
	if all, e := GetSlice[pair](m, 100-16, 2); e != 0 || len(all) != 2 || all[1] != in {
		t.Errorf("%+v, %v", all, e)
	}
	if all, e := GetSlice[pair](m, 0xffffffff, 0); e != 0 || len(all) != 0 {
		t.Errorf("none: %+v, %v", all, e)
	}
	if _, e := Get[pair](m, 2*pageSize-8); e != linux.EFAULT {
		t.Errorf("across the end: %v", e)
	}
	if e := Put(m, readOnly, &in); e != linux.EFAULT {
		t.Errorf("read-only: %v", e)
	}
}

// TestView holds that a fault in a view unwinds through deferred unlocks, and that other
// panics are not taken for faults.
func TestView(t *testing.T) {
	m := newMemory(t)
	var mu sync.Mutex
	e := m.View(pageSize, 2*pageSize, func(p []byte) linux.Errno {
		mu.Lock()
		defer mu.Unlock()
		for k := range p {
			p[k] = 9
		}
		return 0
	})
	if e != linux.EFAULT || !mu.TryLock() {
		t.Errorf("fault in a view: %v", e)
	}
	if v, _ := Get[byte](m, 2*pageSize-1); v != 9 {
		t.Error("what was done before the fault is lost")
	}
	if e := m.View(0, 10, func([]byte) linux.Errno { return linux.EINTR }); e != linux.EINTR {
		t.Errorf("errno of a view: %v", e)
	}
	foreign := newMemory(t)
	for name, bug := range map[string]func(){
		"index":          func() { var s []int; s[len(name0)]++ },
		"nil":            func() { var p *pair; p.B++ },
		"foreign memory": func() { *(*byte)(unsafe.Add(foreign.base, 5*pageSize)) = 1 },
		"explicit":       func() { panic("bug") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the panic was swallowed", name)
				}
			}()
			m.View(0, 10, func([]byte) linux.Errno { bug(); return 0 })
		}()
	}
}

var name0 = "x"

func TestNoAllocations(t *testing.T) {
	m := newMemory(t)
	var buf [64]byte
	n := testing.AllocsPerRun(100, func() {
		m.Read(0, buf[:])
		m.Write(0, buf[:])
		v, _ := Get[pair](m, 8)
		Put(m, 8, &v)
		m.View(0, 10, func(p []byte) linux.Errno { p[0] = buf[1]; return 0 })
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGet(b *testing.B) {
	m := newMemory(b)
	for b.Loop() {
		if _, e := Get[pair](m, 8); e != 0 {
			b.Fatal(e)
		}
	}
}

func BenchmarkRead4K(b *testing.B) {
	m := newMemory(b)
	p := make([]byte, 4096)
	b.SetBytes(4096)
	for b.Loop() {
		m.Read(0, p)
	}
}

func BenchmarkFault(b *testing.B) {
	m := newMemory(b)
	for b.Loop() {
		if _, e := Get[pair](m, 1<<20); e != linux.EFAULT {
			b.Fatal(e)
		}
	}
}

func BenchmarkString(b *testing.B) {
	m := newMemory(b)
	m.Write(100, []byte("/usr/bin/some/path\x00"))
	for b.Loop() {
		m.String(100, 4096, linux.ENAMETOOLONG)
	}
}
