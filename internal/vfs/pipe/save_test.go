package pipe

import (
	"bytes"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// both is the two ends of a pipe as one object.
type both struct{ r, w *End }

func (*both) StateType() string { return "test.both" }

func (b *both) SaveState(e *state.Encoder) {
	state.Ref(e, b.r)
	state.Ref(e, b.w)
}

func (b *both) LoadState(d *state.Decoder) {
	b.r, b.w = state.Need[*End](d), state.Need[*End](d)
}

// again is a pipe after it was saved and loaded.
func again(t *testing.T, b *both, pool *Pool) (*both, error) {
	t.Helper()
	types := append([]state.Type{state.Of[both](1)}, Types...)
	e := state.NewEncoder(types, time.Now(), nil)
	e.External("pipes", b.r.pipe.pool)
	out, err := e.Save(b)
	if err != nil {
		t.Fatal(err)
	}
	d := state.NewDecoder(types, time.Now(), nil)
	d.External("pipes", pool)
	o, err := d.Load(out)
	if err != nil {
		return nil, err
	}
	return o.(*both), nil
}

// TestSave: what is in a pipe comes out of it in order, wherever it begins in the ring, and the pipe is as full.
func TestSave(t *testing.T) {
	for _, n := range []int{0, 1, PageSize - 1, PageSize, 3*PageSize + 5, DefaultSize} {
		old, pool := NewPool(1<<20), NewPool(1<<20)
		r, w, _ := New(old, linux.Stat{UID: 7, Mtim: linux.Timespec{Sec: 5}})
		if _, e := w.Write(make([]byte, 100), 0); e != 0 { // so that the ring does not begin at 0
			t.Fatal(e)
		}
		text := bytes.Repeat([]byte("0123456789abcdef,"), n/17+1)[:n]
		if n <= DefaultSize-100 {
			if k, e := w.Write(text, 0); k != n || e != 0 && n > 0 {
				t.Fatal(k, e)
			}
			r.Read(make([]byte, 100), 0)
		} else {
			r.Read(make([]byte, 100), 0)
			if k, e := w.Write(text, 0); k != n || e != 0 {
				t.Fatal(k, e)
			}
		}
		b, err := again(t, &both{r, w}, pool)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := b.w.Poll(), w.Poll(); got != want {
			t.Errorf("%d bytes: poll of the write end %#x, want %#x", n, got, want)
		}
		if k, e := b.w.Write([]byte("more"), 0); n < DefaultSize && (k != 4 || e != 0) || n == DefaultSize && e != linux.EAGAIN {
			t.Errorf("%d bytes: write %d, %v", n, k, e)
		}
		got := make([]byte, n)
		if k, e := b.r.Read(got, 0); n > 0 && (k != n || e != 0) || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: read %d, %v", n, k, e)
		}
		a, _ := r.Stat()
		if s, _ := b.r.Stat(); s != a || s.UID != 7 {
			t.Errorf("stat %+v, want %+v", s, a)
		}
		if next, _, _ := New(pool, linux.Stat{}); next.pipe.inode.(*node).stat.Ino <= a.Ino {
			t.Errorf("a later pipe has the inode number %d of one that was loaded", next.pipe.inode.(*node).stat.Ino)
		}
		b.w.Close()
		b.r.Read(make([]byte, 4), 0)
		if k, e := b.r.Read(got[:min(n, 1)], 0); k != 0 || e != 0 {
			t.Errorf("after the last writer: %d, %v", k, e)
		}
		b.r.Close()
		if used := pool.Used(); used > PageSize { // that of the later one
			t.Errorf("%d bytes are in use after the end", used)
		}
	}
}
