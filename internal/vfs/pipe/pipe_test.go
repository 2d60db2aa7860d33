package pipe

import (
	"bytes"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

var (
	_ vfs.Stream      = (*End)(nil)
	_ vfs.PendingOpen = (*End)(nil)
	_ vfs.Ioctler     = (*End)(nil)
	_ vfs.Special     = (*node)(nil)
)

func newPipe(t testing.TB) (r, w *End) {
	r, w, _ = New(NewPool(16<<20), linux.Stat{})
	t.Cleanup(r.Close)
	t.Cleanup(w.Close)
	return r, w
}

func TestAtomicWrites(t *testing.T) {
	tests := []struct {
		name  string
		held  int // bytes in the pipe
		write int
		n     int
		e     linux.Errno
	}{
		{"empty", 0, 10, 10, 0},
		{"whole", DefaultSize - PageSize, PageSize, PageSize, 0},
		{"small into the last bytes", DefaultSize - 10, 10, 10, 0},
		{"not split", DefaultSize - PageSize + 1, PageSize, 0, linux.EAGAIN},
		{"large in part", DefaultSize - PageSize, PageSize + 1, PageSize, 0},
		{"large waits for a page", DefaultSize - PageSize + 1, 2 * PageSize, 0, linux.EAGAIN},
		{"full", DefaultSize, 1, 0, linux.EAGAIN},
		{"larger than the pipe", 0, 2 * DefaultSize, DefaultSize, 0},
		{"nothing", DefaultSize, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, w := newPipe(t)
			if n, e := w.Write(make([]byte, tt.held), 0); n != tt.held || e != 0 {
				t.Fatal(n, e)
			}
			n, e := w.Write(make([]byte, tt.write), 0)
			if n != tt.n || e != tt.e {
				t.Errorf("write: %d, %v; want %d, %v", n, e, tt.n, tt.e)
			}
			if got := r.Pipe().Buffered(); got != tt.held+tt.n {
				t.Errorf("%d buffered", got)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	r, w := newPipe(t)
	p := make([]byte, 10)
	if _, e := r.Read(p, 0); e != linux.EAGAIN {
		t.Errorf("read of an empty pipe: %v", e)
	}
	if ev := w.Poll(); ev != wait.Out {
		t.Errorf("writer polls %x", ev)
	}
	w.Write([]byte("abc"), 0)
	w.Close()
	if ev := r.Poll(); ev != wait.In|wait.Hup {
		t.Errorf("reader polls %x", ev)
	}
	if n, e := r.Read(p, 0); n != 3 || e != 0 {
		t.Errorf("read %d, %v", n, e)
	}
	if n, e := r.Read(p, 0); n != 0 || e != 0 {
		t.Errorf("read at the end: %d, %v", n, e)
	}

	r, w = newPipe(t)
	r.Close()
	r.Close()
	if _, e := w.Write(p, 0); e != linux.EPIPE {
		t.Errorf("write without readers: %v", e)
	}
	if ev := w.Poll(); ev != wait.Out|wait.Err {
		t.Errorf("writer polls %x", ev)
	}
	if _, e := w.Read(p, 0); e != linux.EBADF {
		t.Errorf("read of the write end: %v", e)
	}
}

func TestFIFOOpen(t *testing.T) {
	p := NewFIFO(NewPool(1<<20), &node{})
	if _, e := p.Open(linux.O_WRONLY | linux.O_NONBLOCK); e != linux.ENXIO {
		t.Errorf("nonblocking writer without reader: %v", e)
	}
	r, e := p.Open(linux.O_RDONLY)
	if e != 0 || r.Opened() != linux.EAGAIN {
		t.Fatalf("reader without writer: %v, %v", e, r.Opened())
	}
	w, e := p.Open(linux.O_WRONLY)
	if e != 0 || w.Opened() != 0 || r.Opened() != 0 {
		t.Fatalf("both: %v %v %v", e, w.Opened(), r.Opened())
	}
	w.Close()
	if r.Opened() != 0 || r.Poll() != wait.Hup {
		t.Errorf("a writer came and went: %v, polls %x", r.Opened(), r.Poll())
	}
	r.Close()

	r, _ = p.Open(linux.O_RDONLY | linux.O_NONBLOCK)
	if r.Opened() != 0 || r.Poll() != 0 {
		t.Errorf("nonblocking reader: %v, polls %x", r.Opened(), r.Poll())
	}
	rw, _ := p.Open(linux.O_RDWR)
	rw.Write([]byte("x"), 0)
	if rw.Opened() != 0 || r.Poll() != wait.In {
		t.Errorf("read-write: %v, polls %x", rw.Opened(), r.Poll())
	}
	rw.Close()
	r.Close()
	if p.pool.Used() != 0 {
		t.Errorf("%d bytes left in use", p.pool.Used())
	}
	if r, _ = p.Open(linux.O_RDONLY | linux.O_NONBLOCK); p.Buffered() != 0 {
		t.Error("contents outlived the last close")
	}
	r.Close()
}

func TestOpenAnonymousAgain(t *testing.T) {
	r, w := newPipe(t)
	w.Write([]byte("x"), 0)
	w.Close()
	again, e := r.Pipe().Open(linux.O_RDONLY)
	if e != 0 || again.Opened() != 0 {
		t.Fatalf("open: %v, %v", e, again.Opened())
	}
	defer again.Close()
	if ev := again.Poll(); ev != wait.In|wait.Hup {
		t.Errorf("polls %x", ev)
	}
}

func TestCapacity(t *testing.T) {
	r, w := newPipe(t)
	p := r.Pipe()
	for _, tt := range []struct {
		ask, got int
		e        linux.Errno
	}{
		{1, PageSize, 0}, {5000, 8192, 0}, {MaxSize, MaxSize, 0}, {MaxSize + 1, 0, linux.EPERM}, {-1, 0, linux.EINVAL},
	} {
		if got, e := p.SetCapacity(tt.ask); got != tt.got || e != tt.e {
			t.Errorf("SetCapacity(%d) = %d, %v", tt.ask, got, e)
		}
	}
	if n, _ := w.Write(make([]byte, 2*MaxSize), 0); n != MaxSize || p.Capacity() != MaxSize {
		t.Errorf("%d written, capacity %d", n, p.Capacity())
	}
	if _, e := p.SetCapacity(PageSize); e != linux.EBUSY {
		t.Errorf("shrink below the contents: %v", e)
	}
	r.Read(make([]byte, MaxSize-10), 0)
	if got, e := p.SetCapacity(PageSize); got != PageSize || e != 0 {
		t.Errorf("shrink: %d, %v", got, e)
	}
	if n, e := r.Read(make([]byte, 100), 0); n != 10 || e != 0 {
		t.Errorf("the rest: %d, %v", n, e)
	}
}

func TestPoolLimit(t *testing.T) {
	pool := NewPool(3 * PageSize)
	var ends []*End
	for i := range 3 {
		r, w, _ := New(pool, linux.Stat{})
		ends = append(ends, r, w)
		if n, e := w.Write(make([]byte, DefaultSize), 0); e != 0 || n != PageSize {
			t.Errorf("pipe %d took %d, %v", i, n, e)
		}
		if w.Poll() != 0 {
			t.Errorf("pipe %d is writable", i)
		}
	}
	r, w, _ := New(pool, linux.Stat{})
	if _, e := w.Write([]byte("x"), 0); e != linux.ENOMEM {
		t.Errorf("a pipe too many: %v", e)
	}
	for _, e := range append(ends, r, w) {
		e.Close()
	}
	if pool.Used() != 0 {
		t.Errorf("%d bytes left in use", pool.Used())
	}
}

// blocking does try until it is not EAGAIN, as the system call layer does.
func blocking(e *End, mask wait.Events, try func() (int, linux.Errno)) (int, linux.Errno) {
	w := wait.New()
	var entry wait.Entry
	e.Queue().Add(&entry, w, mask)
	defer entry.Remove()
	for {
		if n, e := try(); e != linux.EAGAIN {
			return n, e
		}
		w.Sleep(-1)
	}
}

func TestStreamKeepsBytes(t *testing.T) {
	r, w := newPipe(t)
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i * 7 / 3)
	}
	go func() {
		for p, size := want, 1; len(p) > 0; size = size*3%9001 + 1 {
			n, e := blocking(w, wait.Out, func() (int, linux.Errno) { return w.Write(p[:min(size, len(p))], 0) })
			if e != 0 {
				t.Error(e)
				break
			}
			p = p[n:]
		}
		w.Close()
	}()
	var got bytes.Buffer
	buf := make([]byte, 5000)
	for size := 1; ; size = size*5%4999 + 1 {
		n, e := blocking(r, wait.In, func() (int, linux.Errno) { return r.Read(buf[:size], 0) })
		if e != 0 || n == 0 {
			break
		}
		got.Write(buf[:n])
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes arrived, or not the same", got.Len())
	}
}

func BenchmarkWriteRead(b *testing.B) {
	r, w := newPipe(b)
	p := make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		w.Write(p, 0)
		r.Read(p, 0)
	}
}

func BenchmarkWriteRead64K(b *testing.B) {
	r, w := newPipe(b)
	p := make([]byte, DefaultSize)
	b.SetBytes(DefaultSize)
	b.ReportAllocs()
	for b.Loop() {
		w.Write(p, 0)
		r.Read(p, 0)
	}
}
