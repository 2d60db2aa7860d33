package engine

import (
	"testing"

	"vkernel/internal/engine/layout"
)

func want(t testing.TB, what string, got, want Exit) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: exit %d, want %d", what, got, want)
	}
}

func TestReturn(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_add", 40, 2)
	want(t, "add", i.Resume(0), layout.ExitReturn)
	if got := i.Results()[0][0]; got != 42 {
		t.Errorf("40+2 = %d", got)
	}
	want(t, "again", i.Resume(0), layout.ExitReturn)
	i.Return()
	if i.Depth() != 0 {
		t.Errorf("depth %d after the last return", i.Depth())
	}
}

func TestCalls(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_calls", 1000)
	sum, result := uint64(0), uint64(0)
	for k := range uint64(1000) {
		want(t, "call", i.Resume(result), layout.ExitSyscall)
		if i.Import() != 0 || i.Arg(0) != k || i.Arg(1) != ^k {
			t.Fatalf("import %d with %d, %d: want 0 with %d", i.Import(), i.Arg(0), i.Arg(1), k)
		}
		result = k * k
		sum += result
	}
	want(t, "end", i.Resume(result), layout.ExitReturn)
	if got := i.Results()[0][0]; got != sum {
		t.Errorf("sum of results %d, want %d", got, sum)
	}
}

// TestWithoutFSGSBASE sets GS by a system call.
func TestWithoutFSGSBASE(t *testing.T) {
	useFSGSBASE(false)
	defer useFSGSBASE(true)
	t.Run("calls", TestCalls)
	t.Run("kick", TestKickBeforeResume)
}

func TestResumeAllocatesNothing(t *testing.T) {
	i := newGuest(t, loadGuest(t))
	defer i.Free()
	start(t, i, "x_calls", 1<<40)
	if n := testing.AllocsPerRun(100, func() { i.Resume(1) }); n != 0 {
		t.Errorf("%v allocations per resume", n)
	}
}

func BenchmarkResume(b *testing.B) {
	i := newGuest(b, loadGuest(b))
	defer i.Free()
	start(b, i, "x_calls", 1<<40)
	for b.Loop() {
		if i.Resume(1) != layout.ExitSyscall {
			b.Fatal("left otherwise")
		}
	}
}
