package fd

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/lock"
)

// memory is a file of bytes that knows whether it is closed.
type memory struct {
	vfs.BaseFile
	mu     sync.Mutex
	data   []byte
	closed atomic.Int32
}

func (m *memory) Stat() (linux.Stat, linux.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return linux.Stat{Ino: 7, Size: int64(len(m.data))}, 0
}

func (m *memory) Read(p []byte, off int64) (int, linux.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if off >= int64(len(m.data)) {
		return 0, 0
	}
	return copy(p, m.data[off:]), 0
}

func (m *memory) Write(p []byte, off int64) (int, linux.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if need := int(off) + len(p); need > len(m.data) {
		m.data = append(m.data, make([]byte, need-len(m.data))...)
	}
	return copy(m.data[off:], p), 0
}

func (m *memory) Append(p []byte) (int, int64, linux.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = append(m.data, p...)
	return len(p), int64(len(m.data)), 0
}

func (m *memory) Close() { m.closed.Add(1) }

func open(flags uint32) (*Description, *memory) {
	m := &memory{}
	return New(m, vfs.Path{}, flags), m
}

func TestLowestNumber(t *testing.T) {
	tab := NewTable()
	for want := range int32(200) {
		d, _ := open(linux.O_RDWR)
		if n, e := tab.Install(d, 0, false, 1024); n != want || e != 0 {
			t.Fatalf("got %d, %v, want %d", n, e, want)
		}
	}
	tab.Close(150)
	tab.Close(3)
	for _, tt := range []struct {
		from int
		want int32
	}{{0, 3}, {0, 150}, {0, 200}, {100, 201}, {500, 500}, {500, 501}} {
		d, _ := open(linux.O_RDWR)
		if n, e := tab.Install(d, tt.from, false, 1024); n != tt.want || e != 0 {
			t.Errorf("from %d: got %d, %v, want %d", tt.from, n, e, tt.want)
		}
	}
	d, m := open(linux.O_RDWR)
	if _, e := tab.Install(d, 0, false, 202); e != linux.EMFILE || m.closed.Load() != 1 {
		t.Errorf("over the limit: %v", e)
	}
}

func TestReplaceAndFork(t *testing.T) {
	tab := NewTable()
	a, am := open(linux.O_RDWR)
	b, bm := open(linux.O_RDWR)
	tab.Install(a, 0, true, 1024)
	tab.Install(b, 0, false, 1024)
	if e := tab.Replace(b.Ref(), 0, false, 1024); e != 0 || am.closed.Load() != 1 {
		t.Errorf("dup2: %v, closed %d", e, am.closed.Load())
	}
	if on, _ := tab.Cloexec(0); on {
		t.Error("FD_CLOEXEC outlived dup2")
	}
	if e := tab.Replace(b.Ref(), 1024, false, 1024); e != linux.EBADF {
		t.Errorf("dup2 over the limit: %v", e)
	}
	child := tab.Fork()
	tab.CloseRange(0, 100)
	if bm.closed.Load() != 0 {
		t.Error("closed while the child has it")
	}
	child.SetCloexec(1, true)
	child.CloseOnExec()
	if got := child.Numbers(); !slices.Equal(got, []int32{0}) {
		t.Errorf("after exec: %v", got)
	}
	child.Release()
	if bm.closed.Load() != 1 {
		t.Errorf("closed %d times", bm.closed.Load())
	}
}

func TestGetKeepsOpen(t *testing.T) {
	tab := NewTable()
	d, m := open(linux.O_RDWR)
	n, _ := tab.Install(d, 0, false, 64)
	got, e := tab.Get(n)
	if e != 0 {
		t.Fatal(e)
	}
	tab.Close(n)
	if m.closed.Load() != 0 {
		t.Error("closed under a user")
	}
	if _, e := tab.Get(n); e != linux.EBADF {
		t.Errorf("get after close: %v", e)
	}
	got.Unref()
	if m.closed.Load() != 1 {
		t.Error("not closed after the last use")
	}
	for _, bad := range []int32{-1, 63, 64, 1 << 30} {
		if _, e := tab.Get(bad); e != linux.EBADF {
			t.Errorf("get %d: %v", bad, e)
		}
	}
	p, _ := open(linux.O_PATH)
	n, _ = tab.Install(p, 0, false, 64)
	if _, e := tab.Get(n); e != linux.EBADF {
		t.Errorf("O_PATH: %v", e)
	}
}

// TestHammer opens, closes, looks up and forks from several goroutines; each file must be
// closed exactly once and never while in use.
func TestHammer(t *testing.T) {
	tab := NewTable()
	var mu sync.Mutex
	var all []*memory
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 5000 {
				n := int32(r.IntN(150))
				switch r.IntN(6) {
				case 0, 1:
					d, m := open(linux.O_RDWR)
					mu.Lock()
					all = append(all, m)
					mu.Unlock()
					tab.Install(d, r.IntN(150), r.IntN(2) == 0, 200)
				case 2:
					tab.Close(n)
				case 3:
					if d, e := tab.Get(n); e == 0 {
						if d.File().(*memory).closed.Load() != 0 {
							t.Error("a closed file was found")
						}
						tab.Replace(d, int32(r.IntN(150)), false, 200)
					}
				case 4:
					if d, e := tab.Get(n); e == 0 {
						d.Write([]byte("x"))
						if d.File().(*memory).closed.Load() != 0 {
							t.Error("a file was closed under its user")
						}
						d.Unref()
					}
				case 5:
					if r.IntN(20) == 0 {
						tab.Fork().Release()
					}
				}
			}
		})
	}
	wg.Wait()
	tab.Release()
	for _, m := range all {
		if m.closed.Load() != 1 {
			t.Fatalf("a file was closed %d times", m.closed.Load())
		}
	}
}

func TestOffsets(t *testing.T) {
	d, m := open(linux.O_RDWR)
	d.Write([]byte("hello world"))
	if n, e := d.Lseek(-5, linux.SEEK_END); n != 6 || e != 0 {
		t.Errorf("SEEK_END: %d, %v", n, e)
	}
	p := make([]byte, 20)
	if n, _ := d.Read(p); string(p[:n]) != "world" || d.Offset() != 11 {
		t.Errorf("read %q, offset %d", p[:n], d.Offset())
	}
	for _, tt := range []struct {
		off    int64
		whence int
		n      int64
		e      linux.Errno
	}{
		{-1, linux.SEEK_SET, 0, linux.EINVAL},
		{-12, linux.SEEK_CUR, 0, linux.EINVAL},
		{0, 9, 0, linux.EINVAL},
		{5, linux.SEEK_DATA, 5, 0},
		{5, linux.SEEK_HOLE, 11, 0},
		{11, linux.SEEK_DATA, 0, linux.ENXIO},
		{1<<63 - 1, linux.SEEK_END, 0, linux.EOVERFLOW},
		{100, linux.SEEK_SET, 100, 0},
	} {
		if n, e := d.Lseek(tt.off, tt.whence); n != tt.n || e != tt.e {
			t.Errorf("lseek(%d, %d) = %d, %v", tt.off, tt.whence, n, e)
		}
	}
	d.SetFlags(linux.O_APPEND | linux.O_CREAT | linux.O_WRONLY)
	if d.Flags() != linux.O_RDWR|linux.O_APPEND {
		t.Errorf("flags %o", d.Flags())
	}
	d.Write([]byte("!"))
	if string(m.data) != "hello world!" || d.Offset() != 12 {
		t.Errorf("append: %q, offset %d", m.data, d.Offset())
	}
	if _, e := d.ReadAt(p, -1); e != linux.EINVAL {
		t.Errorf("pread at -1: %v", e)
	}
	w, _ := open(linux.O_WRONLY)
	if _, e := w.Read(p); e != linux.EBADF {
		t.Errorf("read of a write-only file: %v", e)
	}
}

func TestLocksEndWithClose(t *testing.T) {
	var r lock.Registry
	tab := NewTable()
	d, _ := open(linux.O_RDWR)
	k, _ := d.LockKey()
	a, _ := tab.Install(d, 0, false, 64)
	b, _ := tab.Install(d.Ref(), 0, false, 64)
	tab.HoldsLocks(&r)
	d.HoldsLocks(&r)
	r.Set(k, lock.Lock{End: lock.EOF, Write: true, Owner: tab}, false)
	r.Flock(k, d, true)
	tab.Close(a)
	if _, found := r.Test(k, lock.Lock{End: 9, Owner: 1}); found {
		t.Error("a POSIX lock outlived a close of its file")
	}
	if r.Flock(k, 1, true) != linux.EAGAIN {
		t.Error("a flock ended before the last close")
	}
	tab.Close(b)
	if r.Flock(k, 1, true) != 0 {
		t.Error("a flock outlived the last close")
	}
}

func BenchmarkGet(b *testing.B) {
	tab := NewTable()
	d, _ := open(linux.O_RDWR)
	tab.Install(d, 0, false, 64)
	b.ReportAllocs()
	for b.Loop() {
		d, _ := tab.Get(0)
		d.Unref()
	}
}
