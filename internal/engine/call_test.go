package engine

import (
	"slices"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/linux"
)

func TestCallChecks(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_calls", 1)
	want(t, "call", i.Resume(0), layout.ExitSyscall)
	for _, tt := range []struct {
		index uint32
		args  []uint64
		want  linux.Errno
	}{
		{0, []uint64{1, 2, 3}, 0},
		{1, []uint64{1, 2, 3}, 0},
		{1, []uint64{1}, linux.EFAULT}, // takes three
		{2, []uint64{1}, linux.EFAULT}, // takes a float
		{3, []uint64{1}, linux.EFAULT}, // null
		{6, []uint64{1}, linux.EFAULT}, // above the size
		{0xffffffff, []uint64{1}, linux.EFAULT},
	} {
		if got := i.Call(tt.index, tt.args...); got != tt.want {
			t.Errorf("call %d%v: %v, want %v", tt.index, tt.args, got, tt.want)
		}
	}
	for n := i.Depth(); n < maxDepth; n++ {
		if e := i.Call(0, 1); e != 0 {
			t.Fatalf("depth %d: %v", n, e)
		}
	}
	if e := i.Call(0, 1); e != linux.ENOMEM {
		t.Errorf("too deep: %v", e)
	}
	for i.Depth() > 1 {
		i.Return()
	}
	want(t, "end", i.Resume(21), layout.ExitReturn)
	if got := i.Results()[0][0]; got != 21 {
		t.Errorf("result %d", got)
	}
}

// TestCallExtern: a table that does not hold functions has no handlers, whatever an entry
// looks like: the numbers in it are not checked.
func TestCallExtern(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	tables := i.p.Meta.Tables
	defer func() { i.p.Meta.Tables = tables }()
	i.p.Meta.Tables = slices.Clone(tables)
	i.p.Meta.Tables[0].Extern = true
	if e := i.Call(0, 1); e != linux.EFAULT {
		t.Errorf("call of an entry of a table of other references: %v, want EFAULT", e)
	}
}

// TestCallKeepsStack has handlers write over the stack below an interrupted leaf function's
// red zone and checks that nothing of it is lost.
func TestCallArguments(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_deep", 3)
	want(t, "call", i.Resume(0), layout.ExitSyscall)
	if e := i.CallAt(4096, 1, 100, 20, 3); e != 0 {
		t.Fatal(e)
	}
	if i.StackPointer() != 4096 {
		t.Errorf("stack pointer %d", i.StackPointer())
	}
	want(t, "handler", i.Resume(0), layout.ExitSyscall)
	if i.Import() != 2 || i.Arg(0) != 123 {
		t.Errorf("import %d, sum of arguments %d", i.Import(), i.Arg(0))
	}
	want(t, "handler's end", i.Resume(55), layout.ExitReturn)
	if i.ReturnValue() != 55 {
		t.Errorf("returned %d", i.ReturnValue())
	}
	i.Return()
	if i.StackPointer() != 65536 || i.Import() != 1 {
		t.Errorf("after the handler: stack pointer %d, import %d", i.StackPointer(), i.Import())
	}
	want(t, "end", i.Resume(5), layout.ExitReturn)
	if got, want := i.Results()[0][0], deepResult(3, 5); got != want {
		t.Errorf("result %d, want %d", got, want)
	}
}
