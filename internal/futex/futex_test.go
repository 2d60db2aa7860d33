package futex

import (
	"sync"
	"sync/atomic"
	"testing"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

func ok() linux.Errno { return 0 }

const all = ^uint32(0)

func TestWakeOrderAndBits(t *testing.T) {
	var s Set
	k := Key{"space", 4}
	ws := make([]Waiter, 4)
	for i, bits := range []uint32{1, 2, 1, 1} {
		if e := s.Enter(&ws[i], k, bits, wait.New(), ok); e != 0 {
			t.Fatal(e)
		}
	}
	if n := s.Wake(Key{"other", 4}, 9, all); n != 0 {
		t.Errorf("another space: woke %d", n)
	}
	if n := s.Wake(k, 2, 1); n != 2 || !s.Woken(&ws[0]) || s.Woken(&ws[1]) || !s.Woken(&ws[2]) || s.Woken(&ws[3]) {
		t.Errorf("woke %d: %v", n, ws)
	}
	if s.Leave(&ws[1]) || !s.Leave(&ws[0]) {
		t.Error("leave tells who was woken")
	}
	if n := s.Wake(k, 9, all); n != 1 {
		t.Errorf("the rest: woke %d, want 1", n)
	}
	if len(s.waiting) != 0 {
		t.Errorf("left: %v", s.waiting)
	}
}

func TestRequeue(t *testing.T) {
	var s Set
	a, b := Key{nil, 4}, Key{nil, 8}
	ws := make([]Waiter, 4)
	for i := range ws {
		s.Enter(&ws[i], a, all, wait.New(), ok)
	}
	if _, e := s.Requeue(a, b, 1, 2, func() linux.Errno { return linux.EAGAIN }); e != linux.EAGAIN {
		t.Errorf("a word that differs: %v", e)
	}
	if n, e := s.Requeue(a, b, 1, 2, ok); n != 3 || e != 0 {
		t.Errorf("requeue: %d %v, want 3", n, e)
	}
	if n := s.Wake(b, 9, all); n != 2 {
		t.Errorf("woke %d of the moved, want 2", n)
	}
	if n := s.Wake(a, 9, all); n != 1 {
		t.Errorf("woke %d that stayed, want 1", n)
	}
}

func TestCheckFails(t *testing.T) {
	var s Set
	var w Waiter
	if e := s.Enter(&w, Key{}, all, wait.New(), func() linux.Errno { return linux.EFAULT }); e != linux.EFAULT {
		t.Errorf("enter: %v, want EFAULT", e)
	}
	if s.Wake(Key{}, 1, all) != 0 {
		t.Error("it waits all the same")
	}
}

// TestHammer: waiters and wakers of one word; none sleeps for ever.
func TestHammer(t *testing.T) {
	var s Set
	var word atomic.Int32
	k := Key{nil, 4}
	var done sync.WaitGroup
	const threads, rounds = 4, 1000
	for range threads {
		done.Add(1)
		go func() {
			defer done.Done()
			thread := wait.New()
			for range rounds {
				for {
					v := word.Load()
					if v > 0 && word.CompareAndSwap(v, v-1) {
						break
					}
					var w Waiter
					e := s.Enter(&w, k, all, thread, func() linux.Errno {
						if word.Load() > 0 {
							return linux.EAGAIN
						}
						return 0
					})
					for e == 0 && !s.Woken(&w) {
						thread.Sleep(-1)
					}
				}
			}
		}()
	}
	for range threads * rounds {
		word.Add(1)
		s.Wake(k, 1, all)
	}
	done.Wait()
}
