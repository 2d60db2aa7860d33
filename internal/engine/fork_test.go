package engine

import (
	"bytes"
	"testing"

	"vkernel/internal/engine/layout"
)

// fork forks parent with its private pages; memory layouts are as New makes them.
func fork(t testing.TB, parent *Instance) *Instance {
	t.Helper()
	child, e := parent.Program().Fork(parent)
	if e != 0 {
		t.Fatal(e)
	}
	if e := parent.CopyPages(child, 0, uint64(parent.p.initial)); e != 0 {
		t.Fatal(e)
	}
	return child
}

func deepResult(n, leaf uint64) uint64 {
	r := leaf
	for k := uint64(0); k <= n; k++ {
		r = r*3 + k
	}
	return r
}

func TestForkDeepStack(t *testing.T) {
	c := loadGuest(t)
	for _, depth := range []uint64{0, 10, 1000, 100000} {
		parent := newGuest(t, c)
		start(t, parent, "x_deep", depth)
		want(t, "fork call", parent.Resume(0), layout.ExitSyscall)
		parent.Memory().Write(100, []byte("parent"))
		child := fork(t, parent)
		if n := staleWords(child, parent); n != 0 {
			t.Errorf("depth %d: %d words of the child point into the parent's slot", depth, n)
		}
		parent.Memory().Write(100, []byte("PARENT"))
		for _, p := range []struct {
			i      *Instance
			result uint64
			memory string
		}{{child, 0, "parent"}, {parent, 77, "PARENT"}} {
			want(t, "after fork", p.i.Resume(p.result), layout.ExitReturn)
			if got, want := p.i.Results()[0][0], deepResult(depth, p.result); got != want {
				t.Errorf("depth %d: result %d, want %d", depth, got, want)
			}
			b := make([]byte, 6)
			if p.i.Memory().Read(100, b); string(b) != p.memory {
				t.Errorf("memory %q, want %q", b, p.memory)
			}
		}
		child.Free()
		parent.Free()
	}
}

// staleWords counts the words of child's used stack and area that are addresses in the slot
// of parent.
func staleWords(child, parent *Instance) (n int) {
	size := uintptr(child.p.Meta.AreaSize)
	for _, b := range [][]byte{child.usedStack(), bytesAt(child.base-size, size)} {
		for k := 0; k+8 <= len(b); k += 8 {
			v := *(*uint64)(pointer(address(b) + uintptr(k)))
			isHostSP := address(b)+uintptr(k) == child.base-8
			if v >= uint64(parent.at) && v < uint64(parent.base)+memorySize && !isHostSP {
				n++
			}
		}
	}
	return n
}

func TestCopyPages(t *testing.T) {
	c := loadGuest(t)
	for _, scan := range []bool{true, false} {
		if scan && !c.pagemap.scan {
			t.Log("no PAGEMAP_SCAN on this host")
			continue
		}
		c.pagemap.scan = scan
		parent := newGuest(t, c)
		start(t, parent, "x_add", 1, 2)
		parent.Map(1<<30, 64*pageSize, ProtRead|ProtWrite, false)
		m := parent.Memory()
		page := bytes.Repeat([]byte{0xa5}, pageSize)
		for _, addr := range []uint32{0, 65536, 65536 + 100, 3 * 65536, 1 << 30, 1<<30 + 7*pageSize, 1<<30 + 20*pageSize} {
			if e := m.Write(addr, page); e != 0 {
				t.Fatal(e)
			}
		}
		child, e := parent.Program().Fork(parent)
		if e != 0 {
			t.Fatal(e)
		}
		child.Map(1<<30, 64*pageSize, ProtRead|ProtWrite, false)
		for _, r := range [][2]uint64{{0, 4 * wasmPage}, {1 << 30, 64 * pageSize}} {
			if e := parent.CopyPages(child, r[0], r[1]); e != 0 {
				t.Fatal(e)
			}
			if got := child.Resident(1<<30, 64*pageSize); scan && got > 8*pageSize {
				t.Errorf("%d bytes resident after copying 5 pages", got)
			}
			p, q := bytesAt(parent.base+uintptr(r[0]), uintptr(r[1])), bytesAt(child.base+uintptr(r[0]), uintptr(r[1]))
			if !bytes.Equal(p, q) {
				t.Errorf("scan %v: range %#x differs", scan, r)
			}
		}
		child.Free()
		parent.Free()
	}
}

func TestAside(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_deep", 50)
	want(t, "vfork", i.Resume(0), layout.ExitSyscall)
	a := i.SetAside()
	i.setStackPointer(1000)
	want(t, "child goes on", i.Resume(1), layout.ExitReturn) // and spoils the stack
	start(t, i, "x_overflow")
	want(t, "child overflows", i.Resume(0), layout.ExitTrap)
	if e := i.Call(0, 1); e != 0 {
		t.Fatal(e)
	}
	i.Memory().Write(8, []byte("kept"))
	i.SetPages(5)
	i.Kick()
	if e := a.Restore(); e != 0 {
		t.Fatal(e)
	}
	want(t, "kick of the child's time", i.Resume(2), layout.ExitPreempt)
	want(t, "parent goes on", i.Resume(0), layout.ExitReturn)
	if got, want := i.Results()[0][0], deepResult(50, 2); got != want {
		t.Errorf("result %d, want %d", got, want)
	}
	b := make([]byte, 4)
	if i.Memory().Read(8, b); string(b) != "kept" || i.Pages() != 5 || i.StackPointer() != 65536 {
		t.Errorf("memory %q, %d pages, stack pointer %d", b, i.Pages(), i.StackPointer())
	}
}

func TestForkInHandler(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_nested", 2048)
	want(t, "setjmp", i.Resume(0), layout.ExitSetjmp)
	if e := i.Setjmp(5); e != 0 {
		t.Fatal(e)
	}
	want(t, "call", i.Resume(0), layout.ExitSyscall)
	i.Call(0, 9)
	want(t, "handler", i.Resume(0), layout.ExitSyscall)
	child := fork(t, i)
	defer child.Free()
	for _, p := range []*Instance{child, i} {
		want(t, "handler's end", p.Resume(0), layout.ExitReturn)
		p.Return()
		if p.Call(5, 2048); p.Resume(0) != layout.ExitLongjmp {
			t.Fatal("no longjmp")
		}
		if data, ok := p.Longjmp(); !ok || data != 5 {
			t.Fatalf("longjmp: %d, %v", data, ok)
		}
		want(t, "after longjmp", p.Resume(33), layout.ExitReturn)
		if p.Depth() != 1 || p.Results()[0][0] != 33 {
			t.Errorf("depth %d, result %d", p.Depth(), p.Results()[0][0])
		}
	}
}

// TestAsideInReserve has a vfork child leave the handler that runs in the reserve below an
// overflowed stack: its parent still runs there.
func TestAsideInReserve(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_overflow")
	want(t, "overflow", i.Resume(0), layout.ExitTrap)
	if e := i.Call(4, 10); e != 0 {
		t.Fatal(e)
	}
	want(t, "vfork in the handler", i.Resume(0), layout.ExitSyscall)
	a, low := i.SetAside(), i.stackLow
	want(t, "child's handler ends", i.Resume(1), layout.ExitReturn)
	i.Return()
	if i.stackLow == low {
		t.Fatal("the child has kept the reserve")
	}
	if e := a.Restore(); e != 0 {
		t.Fatal(e)
	}
	if i.stackLow != low {
		t.Errorf("stack from %#x, want %#x", i.stackLow-i.at, low-i.at)
	}
	want(t, "parent's handler ends", i.Resume(2), layout.ExitReturn)
	i.Return()
	want(t, "the fault again", i.Resume(0), layout.ExitTrap)
	if got := i.Trap().Code; got != layout.TrapStackOverflow {
		t.Errorf("trap %d", got)
	}
}
