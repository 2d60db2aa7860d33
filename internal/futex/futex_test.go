package futex

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

func ok() linux.Errno { return 0 }

func (s *Set) empty() bool {
	for i := range s.queues {
		if s.queues[i] != (queue{}) {
			return false
		}
	}
	return s.owned == 0
}

func TestWakeOrderAndBits(t *testing.T) {
	var s Set
	k := Key{&s, 4}
	ws := make([]Waiter, 4)
	for i, bits := range []uint32{1, 2, 1, 1} {
		if e := k.Enter(&ws[i], bits, wait.New(), ok); e != 0 {
			t.Fatal(e)
		}
	}
	if n := (Key{&s, 4 + 4*numQueues}).Wake(9, Any); n != 0 {
		t.Errorf("another address in the same queue: woke %d", n)
	}
	if n := k.Wake(2, 1); n != 2 || !ws[0].Woken() || ws[1].Woken() || !ws[2].Woken() || ws[3].Woken() {
		t.Errorf("woke %d", n)
	}
	if ws[1].Leave() || !ws[0].Leave() {
		t.Error("leave tells who was woken")
	}
	if n := k.Wake(9, Any); n != 1 {
		t.Errorf("the rest: woke %d, want 1", n)
	}
	if !s.empty() {
		t.Error("somebody is left")
	}
}

func TestRequeue(t *testing.T) {
	var c Crossing
	var s, other Set
	for name, b := range map[string]Key{"same set": {&s, 8}, "another": {&other, 4}} {
		a := Key{&s, 4}
		ws := make([]Waiter, 5)
		for i := range ws {
			a.Enter(&ws[i], Any, wait.New(), ok)
		}
		if _, e := c.Requeue(a, b, 1, 2, func() linux.Errno { return linux.EAGAIN }); e != linux.EAGAIN {
			t.Errorf("%s: a word that differs: %v", name, e)
		}
		if n, e := c.Requeue(a, b, 1, 3, ok); n != 4 || e != 0 {
			t.Errorf("%s: requeue: %d %v, want 4", name, n, e)
		}
		if ws[1].Leave() {
			t.Errorf("%s: a moved waiter was woken", name)
		}
		if n := b.Wake(9, Any); n != 2 {
			t.Errorf("%s: woke %d of the moved, want 2", name, n)
		}
		if n := a.Wake(9, Any); n != 1 {
			t.Errorf("%s: woke %d that stayed, want 1", name, n)
		}
		if !s.empty() || b.Set.queues != nil && !b.Set.empty() {
			t.Errorf("%s: somebody is left", name)
		}
	}
}

func TestCheckFails(t *testing.T) {
	var s Set
	var w Waiter
	k := Key{&s, 0}
	if e := k.Enter(&w, Any, wait.New(), func() linux.Errno { return linux.EFAULT }); e != linux.EFAULT {
		t.Errorf("enter: %v, want EFAULT", e)
	}
	if k.Wake(1, Any) != 0 {
		t.Error("it waits all the same")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var s Set
	var w Waiter
	k, thread := Key{&s, 4}, wait.New()
	if n := testing.AllocsPerRun(100, func() {
		k.Enter(&w, Any, thread, ok)
		k.Wake(1, Any)
	}); n != 0 {
		t.Errorf("%v allocations for a wait and a wake-up", n)
	}
}

// TestHammer: waiters and wakers of one word; none sleeps for ever.
func TestHammer(t *testing.T) {
	var s Set
	var word atomic.Int32
	k := Key{&s, 4}
	var done sync.WaitGroup
	const threads, rounds = 4, 1000
	for range threads {
		done.Add(1)
		go func() {
			defer done.Done()
			var w Waiter
			thread := wait.New()
			for range rounds {
				for {
					v := word.Load()
					if v > 0 && word.CompareAndSwap(v, v-1) {
						break
					}
					e := k.Enter(&w, Any, thread, func() linux.Errno {
						if word.Load() > 0 {
							return linux.EAGAIN
						}
						return 0
					})
					for e == 0 && !w.Woken() {
						thread.Sleep(-1)
					}
				}
			}
		}()
	}
	for range threads * rounds {
		word.Add(1)
		k.Wake(1, Any)
	}
	done.Wait()
}

// TestLock: a lock goes from hand to hand, to the heirs of an owner that ends too.
func TestLock(t *testing.T) {
	debug.SetPanicOnFault(true)
	var words [4]uint32
	var s Set
	word := &words[1]
	l := Lock{Key{&s, 4}, guest.At(unsafe.Pointer(&words)), 4}
	alive := func(tid uint32) bool { return tid < 100 }
	var two, three Waiter
	thread := wait.New()
	step := func(what string, got, want linux.Errno, then uint32) {
		t.Helper()
		if got != want || *word != then {
			t.Errorf("%s: %v, the word is %#x; want %v, %#x", what, got, *word, want, then)
		}
	}
	step("free", l.Acquire(&two, 1, thread, alive), 0, 1)
	step("own", l.Acquire(&two, 1, thread, alive), linux.EDEADLK, 1)
	step("try", l.Acquire(nil, 2, thread, alive), linux.EAGAIN, 1)
	step("another's", l.Acquire(&two, 2, thread, alive), linux.EAGAIN, 1|linux.FUTEX_WAITERS)
	step("third", l.Acquire(&three, 3, thread, alive), linux.EAGAIN, 1|linux.FUTEX_WAITERS)
	step("release of another's", l.Release(2), linux.EPERM, 1|linux.FUTEX_WAITERS)
	step("release", l.Release(1), 0, 2|linux.FUTEX_WAITERS)
	if !two.Woken() || three.Woken() {
		t.Error("not handed to the first")
	}
	s.Bequeath(2)
	step("bequeath", 0, 0, 3|linux.FUTEX_OWNER_DIED)
	step("release of the heir", l.Release(3), 0, 0)
	*word = 100
	step("no owner", l.Acquire(&two, 1, thread, alive), linux.ESRCH, 100)
	if !s.empty() {
		t.Error("somebody is left")
	}
}

// A waiter cannot come between the change and the wake-up: it sees the new value, or is woken.
func TestWakeOp(t *testing.T) {
	words := make([]uint32, 4)
	mem := guest.At(unsafe.Pointer(&words[0]))
	var c Crossing
	var s, other Set
	for name, second := range map[string]Key{"same set": {&s, 8}, "another": {&other, 4}} {
		first := Key{&s, 4}
		ws := make([]Waiter, 6)
		for i := range ws {
			k := first
			if i >= 3 {
				k = second
			}
			k.Enter(&ws[i], Any, wait.New(), ok)
		}
		words[1] = 5
		for _, bad := range []Change{5 << 28, 6 << 24} {
			if n, e := c.WakeOp(first, second, 9, 9, mem, 4, bad); n != 0 || e != linux.ENOSYS {
				t.Errorf("%s: no such operation: woke %d, %v", name, n, e)
			}
		}
		words[1] = 5
		const addIfGreater = linux.FUTEX_OP_ADD<<28 | linux.FUTEX_OP_CMP_GT<<24 | 0xfff<<12
		if n, e := c.WakeOp(first, second, 1, 9, mem, 4, addIfGreater|5); n != 1 || e != 0 || words[1] != 4 {
			t.Errorf("%s: 5 is not greater: woke %d, %v, word %d", name, n, e, words[1])
		}
		if n, e := c.WakeOp(first, second, 1, 2, mem, 4, addIfGreater|0xfff); n != 3 || e != 0 || words[1] != 3 {
			t.Errorf("%s: 4 is greater than -1: woke %d, %v, word %d", name, n, e, words[1])
		}
		if n := first.Wake(9, Any) + second.Wake(9, Any); n != 2 {
			t.Errorf("%s: %d were left, want 2", name, n)
		}
	}
}
