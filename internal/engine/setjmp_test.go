package engine

import (
	"encoding/binary"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

// serve resumes and answers setjmp and longjmp until something else happens. It reports a
// longjmp that was refused as ExitLongjmp.
func serve(t testing.TB, i *Instance, result uint64) Exit {
	t.Helper()
	for {
		switch x := i.Resume(result); x {
		case layout.ExitSetjmp:
			if e := i.Setjmp(i.Arg(0)); e != 0 {
				t.Fatalf("setjmp %d: %v", len(i.records), e)
			}
			result = 0
		case layout.ExitLongjmp:
			result = i.Arg(1)
			buf := i.Arg(0)
			data, ok := i.Longjmp()
			if !ok {
				return x
			}
			if data != buf {
				t.Fatalf("longjmp to %#x gives the data of %#x", buf, data)
			}
		default:
			return x
		}
	}
}

func TestLongjmp(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	for _, depth := range []uint64{0, 1, 7} {
		start(t, i, "x_setjmp", 2048, depth)
		want(t, "setjmp", serve(t, i, 0), layout.ExitReturn)
		if got := i.Results()[0][0]; got != 42+100*depth {
			t.Errorf("depth %d: %d", depth, got)
		}
		if n := len(i.liveRecords()); n != 0 {
			t.Errorf("%d records live after the end", n)
		}
	}
}

func TestLongjmpMillion(t *testing.T) {
	n := uint64(1000000)
	if testing.Short() {
		n = 10000
	}
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_jumps", 2048, n)
	want(t, "jumps", serve(t, i, 0), layout.ExitReturn)
	if got := i.Results()[0][0]; got != n || len(i.records) > 1 {
		t.Errorf("%d jumps, %d records", got, len(i.records))
	}
}

func TestLongjmpStale(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_stale", 2048)
	want(t, "jump after return", serve(t, i, 0), layout.ExitLongjmp)
}

func TestLongjmpForged(t *testing.T) {
	c := loadGuest(t)
	i, other := newGuest(t, c), newGuest(t, c)
	defer i.Free()
	defer other.Free()
	for _, p := range []*Instance{i, other} {
		start(t, p, "x_nested", 2048)
		want(t, "nested", serve(t, p, 0), layout.ExitSyscall)
	}
	var b [8]byte
	other.Memory().Read(2048, b[:])
	foreign := binary.LittleEndian.Uint64(b[:])
	i.Memory().Read(2048, b[:])
	own := binary.LittleEndian.Uint64(b[:])
	for _, forged := range []uint64{0, 1, foreign, own + 1, own - 1<<indexBits, own + 1<<indexBits, ^uint64(0), own & (maxRecords - 1)} {
		binary.LittleEndian.PutUint64(b[:], forged)
		i.Memory().Write(4096, b[:])
		i.Call(5, 4096)
		want(t, "forged", i.Resume(0), layout.ExitLongjmp)
		if _, ok := i.Longjmp(); ok || i.Depth() != 2 {
			t.Errorf("number %#x was accepted (own %#x, foreign %#x)", forged, own, foreign)
		}
		i.Return()
	}
	i.Call(5, 0xfffffff0) // an unmapped buffer
	want(t, "bad buffer", i.Resume(0), layout.ExitLongjmp)
	if _, ok := i.Longjmp(); ok {
		t.Error("an unmapped buffer was accepted")
	}
	i.Return()
	want(t, "the call goes on", serve(t, i, 0), layout.ExitReturn)
}

// TestLongjmpNested jumps out of handlers upon handlers; the records made in them are dead.
func TestLongjmpNested(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_nested", 2048)
	want(t, "nested", serve(t, i, 0), layout.ExitSyscall)
	sp := i.StackPointer()
	for range 5 {
		i.Call(0, 1)
		want(t, "handler", i.Resume(0), layout.ExitSyscall)
	}
	i.Call(5, 2048)
	want(t, "jump out", serve(t, i, 0), layout.ExitReturn)
	if i.Depth() != 1 || i.Results()[0][0] != 5 || i.StackPointer() != sp {
		t.Errorf("depth %d, result %d, stack pointer %#x", i.Depth(), i.Results()[0][0], i.StackPointer())
	}
}

// TestLongjmpFromOverflow leaves a stack overflow by a jump out of its handler.
func TestLongjmpFromOverflow(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_nested", 2048)
	want(t, "nested", serve(t, i, 0), layout.ExitSyscall)
	i.Call(4, 1<<20)
	want(t, "overflow", i.Resume(0), layout.ExitTrap)
	i.Call(5, 2048)
	want(t, "jump out", serve(t, i, 0), layout.ExitReturn)
	if i.Results()[0][0] != 5 || i.stackLow != i.at+i.p.stackLow {
		t.Errorf("result %d, stack from %#x", i.Results()[0][0], i.stackLow-i.at)
	}
}

func TestSetjmpBounds(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	i.Map(1<<20, 1<<20, ProtRead|ProtWrite, false)
	start(t, i, "x_records", 1<<20, maxRecords+1)
	x := i.Resume(0)
	for n := 0; n < 1000; n++ {
		want(t, "setjmp", x, layout.ExitSetjmp)
		if e := i.Setjmp(0); e != 0 {
			t.Fatal(e)
		}
		x = i.Resume(0)
	}
	for len(i.records) < maxRecords {
		i.records = append(i.records, record{})
	}
	*i.u32(layout.Records) = maxRecords
	if e := i.Setjmp(0); e != linux.ENOMEM {
		t.Errorf("record %d: %v", maxRecords, e)
	}
	start(t, i, "x_records", 0xfffffff8, 1)
	want(t, "setjmp", i.Resume(0), layout.ExitSetjmp)
	if e := i.Setjmp(0); e != linux.EFAULT {
		t.Errorf("bad buffer: %v", e)
	}
}

// What a guest makes the engine keep is counted, once.
func TestKept(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	for range 3 {
		i.records = i.records[:0]
		for range 1000 {
			before := cap(i.records)
			i.records = append(i.records, record{})
			i.countRecords(before)
		}
		if n := i.Kept(); n != uint64(cap(i.records))*uint64(recordBytes) || n < 1000*64 {
			t.Errorf("%d bytes for %d records", n, cap(i.records))
		}
	}
}

// TestKeptAside: what a vfork child makes the engine keep, or gives up, is not its parent's.
func TestKeptAside(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_records", 2048, 100)
	want(t, "records", serve(t, i, 0), layout.ExitSyscall)
	before := i.Kept()
	a := i.SetAside()
	start(t, i, "x_records", 2048, 5000)
	want(t, "the child's records", serve(t, i, 0), layout.ExitSyscall)
	if i.Kept() <= before {
		t.Fatalf("%d bytes kept, before %d", i.Kept(), before)
	}
	if e := a.Restore(); e != 0 {
		t.Fatal(e)
	}
	if got := i.Kept(); got != before {
		t.Errorf("%d bytes kept, want %d", got, before)
	}
}
