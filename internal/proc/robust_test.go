package proc

import (
	"os"
	"runtime/debug"
	"testing"

	"vkernel/internal/engine"
	"vkernel/internal/engine/enginetest"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
)

// withMemory gives the first thread of a process a memory of 4 pages.
func withMemory(t testing.TB, thread *Thread) {
	t.Helper()
	file, err := os.Open(enginetest.File(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	code, err := engine.LoadVerified(file)
	if err != nil {
		t.Fatal(err)
	}
	inst, e := code.Programs()[0].New()
	if e != 0 {
		t.Fatal(e)
	}
	thread.mem, thread.space = inst.Memory(), mm.New(inst, mm.Limits{})
	t.Cleanup(func() {
		thread.space.Free()
		code.Close()
	})
}

// FuzzRobust walks a list of robust locks in whatever memory: the walk ends, and only words that
// name the thread change, to what says that it has died.
func FuzzRobust(f *testing.F) {
	const base, tid = 0x1000, 1
	f.Add([]byte{0, 0x10, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0}, uint32(base), uint32(SizeofRobust))
	f.Add([]byte{0x0d, 0x10, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x0c, 0x10, 0, 0, tid, 0, 0, 0x80}, uint32(base), uint32(SizeofRobust))
	f.Add([]byte{0xfc, 0xff, 3, 0, 4, 0, 0, 0, 8, 0x10, 0, 0}, uint32(base), uint32(SizeofRobust64))
	f.Add([]byte{1}, uint32(0xfffffff8), uint32(SizeofRobust))
	forest := newForest(nil, 10)
	thread := forest.plant().Thread()
	withMemory(f, thread)
	if thread.TID() != tid {
		f.Fatalf("the first thread is %d", thread.TID())
	}
	f.Fuzz(func(t *testing.T, data []byte, head, size uint32) {
		debug.SetPanicOnFault(true) // this goroutine's
		data = data[:min(len(data), 4096)]
		if e := thread.mem.Write(base, data); e != 0 {
			t.Fatal(e)
		}
		thread.robust = Robust{Head: head, Len: size}
		thread.farewell()
		now := make([]byte, len(data)&^3)
		if e := thread.mem.Read(base, now); e != 0 {
			t.Fatal(e)
		}
		for i := 0; i < len(now); i += 4 {
			was, is := word(data[i:]), word(now[i:])
			died := was&linux.FUTEX_WAITERS | linux.FUTEX_OWNER_DIED
			if was != is && (was&linux.FUTEX_TID_MASK != tid || is != died) {
				t.Errorf("%#x: %#x became %#x", base+i, was, is)
			}
		}
	})
}

func word(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
