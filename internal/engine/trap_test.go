package engine

import (
	"bytes"
	"runtime"
	"sync"
	"testing"

	"vkernel/internal/engine/layout"
)

func TestTraps(t *testing.T) {
	c := loadGuest(t)
	for _, tt := range []struct {
		export string
		args   []uint64
		code   int
		addr   uint64
	}{
		{"x_trap", []uint64{1}, layout.TrapUnreachable, 0},
		{"x_trap", []uint64{2}, layout.TrapDivideByZero, 0},
		{"x_trap", []uint64{3}, layout.TrapOverflow, 0},
		{"x_trap", []uint64{8}, layout.TrapMemoryBounds, 0},
		{"x_trap", []uint64{9}, layout.TrapUnaligned, 0},
		{"x_trap", []uint64{20}, layout.TrapDivideByZero, 0},
		{"x_trap", []uint64{21}, layout.TrapUnreachable, 0},
		{"x_load", []uint64{4 * wasmPage, 0}, layout.TrapFault, 4 * wasmPage},
		{"x_load", []uint64{0xffffffff, 0}, layout.TrapFault, 0xffffffff},
		{"x_load", []uint64{0xffffffff, 0xffffffff}, layout.TrapFault, 0x1fffffffe},
		{"x_store", []uint64{1 << 30, 1, 5}, layout.TrapFault, 1<<30 + 5},
		{"x_overflow", nil, layout.TrapStackOverflow, 0},
		{"x_bigframe", nil, layout.TrapStackOverflow, 0},
	} {
		i := newGuest(t, c)
		start(t, i, tt.export, tt.args...)
		want(t, tt.export, i.Resume(0), layout.ExitTrap)
		if got := i.Trap(); got.Code != tt.code || got.Addr != tt.addr {
			t.Errorf("%s%v: trap %+v, want code %d at %#x", tt.export, tt.args, got, tt.code, tt.addr)
		}
		i.Free()
	}
}

// TestFaultIsRetried continues a load after its page has been mapped.
func TestFaultIsRetried(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_load", 1<<20, 5)
	want(t, "load", i.Resume(0), layout.ExitTrap)
	if e := i.Map(1<<20, pageSize, ProtRead|ProtWrite, false); e != 0 {
		t.Fatal(e)
	}
	if e := i.Memory().Write(1<<20+5, []byte{77}); e != 0 {
		t.Fatal(e)
	}
	want(t, "load", i.Resume(0), layout.ExitReturn)
	if got := i.Results()[0][0]; got != 77 {
		t.Errorf("loaded %d, want 77", got)
	}
}

// TestOverflowOnManyThreads needs an alternate signal stack on every thread that runs guests.
func TestOverflowOnManyThreads(t *testing.T) {
	c := loadGuest(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // and never unlock: the thread ends
			i, e := c.Programs()[0].New()
			if e != 0 {
				t.Error(e)
				return
			}
			defer i.Free()
			start(t, i, "x_overflow")
			if x := i.Resume(0); x != layout.ExitTrap || i.Trap().Code != layout.TrapStackOverflow {
				t.Errorf("exit %d, trap %+v", x, i.Trap())
			}
		}()
	}
	wg.Wait()
}

// TestOverflowHandler runs handlers above an overflowed stack: the first finds room in the
// reserve, one that overflows that too ends in another trap.
func TestOverflowHandler(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	for _, export := range []string{"x_overflow", "x_bigframe"} {
		start(t, i, export)
		want(t, export, i.Resume(0), layout.ExitTrap)
		for depth := range 3 {
			if e := i.Call(0, 11); e != 0 {
				t.Fatal(e)
			}
			want(t, "handler", i.Resume(0), layout.ExitSyscall)
			if i.Arg(0) != 11 {
				t.Fatalf("handler called with %d", i.Arg(0))
			}
			want(t, "handler's end", i.Resume(123), layout.ExitReturn)
			if i.ReturnValue() != 123 {
				t.Errorf("handler returned %d", i.ReturnValue())
			}
			i.Return()
			want(t, "the fault again", i.Resume(0), layout.ExitTrap)
			if got := i.Trap().Code; got != layout.TrapStackOverflow {
				t.Fatalf("round %d: trap %d", depth, got)
			}
		}
		for depth := range 8 {
			if e := i.Call(4, 1<<20); e != 0 {
				t.Fatalf("handler %d: %v", depth, e)
			}
			want(t, "handler that overflows", i.Resume(0), layout.ExitTrap)
			if got := i.Trap().Code; got != layout.TrapStackOverflow {
				t.Fatalf("handler %d: trap %d", depth, got)
			}
		}
	}
}

// TestHostFaults holds that faults of Go code still reach Go.
func TestHostFaults(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	defer func() {
		if r := recover(); r == nil {
			t.Error("a nil dereference did not panic")
		}
		start(t, i, "x_add", 1, 2)
		want(t, "after it", i.Resume(0), layout.ExitReturn)
	}()
	var p *save
	p.kick++
}

// TestEmptyStack interrupts a guest whose stack is empty, as it is when vk_enter begins: it
// is in guest code there as everywhere.
func TestEmptyStack(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_spin")
	c := i.p.code
	at := bytes.Index(bytesAt(c.text, uintptr(c.textSize)), []byte{0x0f, 0x0b})
	if at < 0 {
		t.Fatal("the guest has no ud2")
	}
	frameAt(i.guestSP()).ret = uint64(c.text) + uint64(at)
	want(t, "ud2", i.Resume(0), layout.ExitTrap)
	if i.save().gpr[rsp] != uint64(i.at+i.p.stackTop) {
		t.Errorf("the stack pointer is %#x, expected the top, %#x", i.save().gpr[rsp], i.at+i.p.stackTop)
	}
}
