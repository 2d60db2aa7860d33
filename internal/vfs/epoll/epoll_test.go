package epoll

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/vfs/anon"
	"vkernel/internal/vfs/eventfd"
	"vkernel/internal/wait"
)

func event(count uint32) *fd.Description {
	return fd.New(eventfd.New(count, false), anon.Path("anon_inode:[eventfd]"), linux.O_RDWR)
}

// home is a container.
type home struct{ *Registry }

func (h home) Epolls() *Registry { return h.Registry }

func set(r *Registry) (*Set, *fd.Description) {
	s := New(home{r})
	return s, fd.New(s, anon.Path("anon_inode:[eventpoll]"), linux.O_RDWR)
}

func ev(events, data uint32) linux.EpollEvent {
	return linux.EpollEvent{Events: events, Data: [2]uint32{data}}
}

// take gives the data of what is ready.
func take(s *Set, most int) (data []uint32) {
	p := make([]byte, most*linux.SizeofEpollEvent)
	var n int64
	s.Take(nil, p, most, &n)
	for i := range n {
		data = append(data, binary.LittleEndian.Uint32(p[i*linux.SizeofEpollEvent+4:]))
	}
	return data
}

func post(d *fd.Description) {
	var p [8]byte
	p[0] = 1
	d.Write(p[:])
}

// What is not ready costs nothing: only what was told is looked at.
func TestTakeLooksAtWhatIsListed(t *testing.T) {
	var r Registry
	s, d := set(&r)
	files := make([]*fd.Description, 1000)
	for i := range files {
		files[i] = event(0)
		if e := s.Control(linux.EPOLL_CTL_ADD, files[i], int32(i), ev(uint32(wait.In), uint32(i)), nil); e != 0 {
			t.Fatal(e)
		}
	}
	if s.ready.First() != nil {
		t.Error("something is listed though nothing is ready")
	}
	post(files[7])
	if got := take(s, 10); len(got) != 1 || got[0] != 7 {
		t.Errorf("took %v", got)
	}
	if n := r.watches.Load(); n != 1000 {
		t.Errorf("%d watches counted", n)
	}
	files[7].Unref()
	if got := take(s, 10); got != nil || r.watches.Load() != 999 {
		t.Errorf("after the close: %v, %d watches", got, r.watches.Load())
	}
	d.Unref()
	if n := r.watches.Load(); n != 0 {
		t.Errorf("%d watches left", n)
	}
	for i, f := range files {
		if i != 7 {
			f.Unref()
		}
	}
}

func TestWatchesAreBounded(t *testing.T) {
	var r Registry
	r.watches.Store(MaxWatches)
	s, d := set(&r)
	defer d.Unref()
	f := event(0)
	defer f.Unref()
	if e := s.Control(linux.EPOLL_CTL_ADD, f, 1, ev(1, 0), nil); e != linux.ENOSPC {
		t.Errorf("got %v", e)
	}
	if r.watches.Load() != MaxWatches {
		t.Error("miscounted")
	}
}

// Two that close a circle from both sides at once never both succeed.
func TestCirclesInARace(t *testing.T) {
	for range 200 {
		var r Registry
		a, da := set(&r)
		b, db := set(&r)
		var wg sync.WaitGroup
		var ok [2]linux.Errno
		wg.Go(func() { ok[0] = a.Control(linux.EPOLL_CTL_ADD, db, 1, ev(1, 0), nil) })
		wg.Go(func() { ok[1] = b.Control(linux.EPOLL_CTL_ADD, da, 1, ev(1, 0), nil) })
		wg.Wait()
		if (ok[0] == 0) == (ok[1] == 0) {
			t.Fatalf("%v %v", ok[0], ok[1])
		}
		da.Unref()
		db.Unref()
		if r.watches.Load() != 0 {
			t.Fatal("watches left")
		}
	}
}

// An event takes every way up: sets that are joined in layers would make billions of them.
func TestWaysAreBounded(t *testing.T) {
	const wide = 60
	var r Registry
	var sets [4][wide]*Set
	var ds [4][wide]*fd.Description
	for l := range sets {
		for n := range sets[l] {
			sets[l][n], ds[l][n] = set(&r)
			defer ds[l][n].Unref()
		}
	}
	refused := false
	for l := 3; l > 0; l-- {
		for n := range wide {
			for m := range wide {
				e := sets[l][n].Control(linux.EPOLL_CTL_ADD, ds[l-1][m], int32(m), ev(uint32(wait.In), 0), nil)
				refused = refused || e == linux.ELOOP
			}
		}
	}
	if !refused {
		t.Error("never refused")
	}
	leaf := event(0)
	defer leaf.Unref()
	for n := range wide {
		if e := sets[0][n].Control(linux.EPOLL_CTL_ADD, leaf, 1, ev(uint32(wait.In), 0), nil); e != 0 {
			t.Fatal(e)
		}
		if w := ways(sets[0][n], map[*Set]int{}); w > maxWays {
			t.Errorf("%d ways", w)
		}
	}
	start := time.Now()
	post(leaf)
	t.Log(time.Since(start))
}

// TestHammer adds, changes, removes, closes, signals and waits from 64 goroutines, with sets in
// sets. At the end nothing is left.
func TestHammer(t *testing.T) {
	var r Registry
	inner, di := set(&r)
	outer, do := set(&r)
	outer.Control(linux.EPOLL_CTL_ADD, di, 0, ev(uint32(wait.In), 0), nil)
	tab := fd.NewTable()
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 7))
			w := wait.New()
			for range 400 {
				n := int32(rnd.IntN(40))
				s := []*Set{inner, outer}[rnd.IntN(2)]
				switch rnd.IntN(8) {
				case 0, 1:
					tab.Install(event(uint32(rnd.IntN(2))), int(n), false, 40)
				case 2:
					tab.Close(n)
				case 3, 4:
					if d, e := tab.Get(n); e == 0 {
						flags := []uint32{0, linux.EPOLLET, linux.EPOLLONESHOT, linux.EPOLLEXCLUSIVE}[rnd.IntN(4)]
						s.Control(linux.EPOLL_CTL_ADD, d, n, ev(uint32(wait.In|wait.Out)|flags, 0), nil)
						d.Unref()
					}
				case 5:
					if d, e := tab.Get(n); e == 0 {
						s.Control([]int32{linux.EPOLL_CTL_DEL, linux.EPOLL_CTL_MOD}[rnd.IntN(2)], d, n, ev(uint32(wait.In), 0), nil)
						d.Unref()
					}
				case 6:
					if d, e := tab.Get(n); e == 0 {
						post(d)
						d.Unref()
					}
				case 7:
					var entry wait.Entry
					s.Waiters().AddExclusive(&entry, w, wait.In)
					if take(s, 4) == nil {
						w.Sleep(time.Microsecond)
						s.Poll()
					}
					entry.Remove()
					s.HandOn()
				}
			}
		})
	}
	wg.Wait()
	tab.Release()
	do.Unref()
	di.Unref()
	if n := r.watches.Load(); n != 0 {
		t.Errorf("%d watches left", n)
	}
	if len(inner.items)+len(outer.items)+len(inner.parents)+len(outer.children) != 0 || inner.ready.First() != nil {
		t.Error("items left")
	}
}

// FuzzAgainstModel does what the bytes say to a set of eight eventfds, and compares what is ready
// (level triggered) with what has to be.
func FuzzAgainstModel(f *testing.F) {
	f.Add([]byte{0, 8, 16, 24, 1, 9, 2, 40, 3, 33})
	f.Fuzz(func(t *testing.T, script []byte) {
		var r Registry
		s, d := set(&r)
		defer d.Unref()
		var files [8]*fd.Description
		var counts [8]int
		var asked [8]uint32 // of those that are added
		var once [8]bool
		for i := range files {
			files[i] = event(0)
			defer func() { files[i].Unref() }()
		}
		for _, b := range script[:min(len(script), 200)] {
			i, op := int(b&7), b>>3
			switch op % 7 {
			case 0, 1, 2:
				cmd := []int32{linux.EPOLL_CTL_ADD, linux.EPOLL_CTL_MOD, linux.EPOLL_CTL_DEL}[op%7]
				flags := []uint32{uint32(wait.In), linux.EPOLLONESHOT | uint32(wait.In), 0, 0xffffffff &^ (linux.EPOLLEXCLUSIVE | linux.EPOLLET | uint32(wait.Out) | wrnorm)}[op/7%4]
				e := s.Control(cmd, files[i], int32(i), ev(flags, uint32(i)), nil)
				want := linux.Errno(0)
				switch {
				case cmd == linux.EPOLL_CTL_ADD && asked[i] != 0:
					want = linux.EEXIST
				case cmd != linux.EPOLL_CTL_ADD && asked[i] == 0:
					want = linux.ENOENT
				case cmd == linux.EPOLL_CTL_DEL:
					asked[i] = 0
				default:
					asked[i], once[i] = flags|always, flags&linux.EPOLLONESHOT != 0
				}
				if e != want {
					t.Fatalf("control %d of %d: %v, want %v", cmd, i, e, want)
				}
			case 3:
				post(files[i])
				counts[i]++
			case 4:
				files[i].Read(make([]byte, 8))
				counts[i] = 0
			case 5:
				files[i].Unref()
				files[i], counts[i], asked[i] = event(0), 0, 0
			case 6:
				got := map[uint32]bool{}
				for _, n := range take(s, 100) {
					if got[n] {
						t.Fatalf("%d twice", n)
					}
					got[n] = true
				}
				for i := range files {
					want := counts[i] > 0 && asked[i]&uint32(wait.In|rdnorm) != 0
					if got[uint32(i)] != want {
						t.Fatalf("file %d is ready: %v, want %v", i, got[uint32(i)], want)
					}
					if want && once[i] {
						asked[i] &= flags
					}
				}
			}
		}
	})
}

func BenchmarkWait1000Watched(b *testing.B) {
	var r Registry
	s, d := set(&r)
	defer d.Unref()
	files := make([]*fd.Description, 1000)
	for i := range files {
		files[i] = event(0)
		s.Control(linux.EPOLL_CTL_ADD, files[i], int32(i), ev(uint32(wait.In), uint32(i)), nil)
	}
	p := make([]byte, 12*16)
	buf := make([]byte, 8)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f := files[i%1000]
		post(f)
		var n int64
		s.Take(nil, p, 16, &n)
		f.Read(buf)
	}
}
