package proc

import (
	"vkernel/internal/futex"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// Robust is what set_robust_list set. Len tells which of two layouts the head has: 12 bytes
// with a 32-bit long, 24 with a 64-bit one.
type Robust struct {
	Head guest.Addr
	Len  uint32
}

// Sizes of struct robust_list_head.
const (
	SizeofRobust   = 12
	SizeofRobust64 = 24
)

// maxRobust bounds the walk over a list, which may be a ring.
const maxRobust = 2048

// robustHead is struct robust_list_head.
type robustHead struct{ Next, Offset, Pending uint32 }

// head reads the head of the list.
func (r Robust) head(m guest.Memory) (h robustHead, e linux.Errno) {
	if r.Len != SizeofRobust64 {
		return guest.Get[robustHead](m, r.Head)
	}
	w, e := guest.Get[[6]uint32](m, r.Head)
	return robustHead{w[0], w[2], w[4]}, e
}

// farewell is what a thread leaves behind in a memory that it stops using, by exec or exit:
// locks that it holds are marked for the next owner, and who waits for its end is told.
func (t *Thread) farewell() {
	if t.robust.Head != 0 {
		t.leaveLocks()
	}
	t.bequeath()
	if t.clearTID != 0 {
		var zero uint32
		if guest.Put(t.mem, t.clearTID, &zero) == 0 {
			t.space.Futex(t.clearTID, false).Wake(1, futex.Any)
		}
	}
	t.clearTID, t.robust = 0, Robust{}
}

// leaveLocks walks the robust list. The guest may change it meanwhile, and each of its words
// may be anything.
func (t *Thread) leaveLocks() {
	h, e := t.robust.head(t.mem)
	if e != 0 {
		return
	}
	at := h.Next
	for range maxRobust {
		entry := at &^ 1 // the low bit marks a lock with priority inheritance
		if entry == t.robust.Head || entry == 0 {
			break
		}
		next, e := guest.Get[uint32](t.mem, entry)
		if entry != h.Pending&^1 {
			t.leaveLock(entry+h.Offset, false)
		}
		if e != 0 {
			return
		}
		at = next
	}
	if pending := h.Pending &^ 1; pending != 0 {
		t.leaveLock(pending+h.Offset, true)
	}
}

// leaveLock marks one lock, if it is the thread's, and wakes one who waits for it. A lock that
// was being released, pending, may be free already with its waiter not yet woken.
func (t *Thread) leaveLock(at guest.Addr, pending bool) {
	if at%4 != 0 {
		return
	}
	for range maxRobust {
		word, e := guest.LoadUint32(t.mem, at)
		if e != 0 {
			return
		}
		if owner := word & linux.FUTEX_TID_MASK; owner != uint32(t.TID()) {
			if pending && owner == 0 {
				t.space.Futex(at, false).Wake(1, futex.Any)
			}
			return
		}
		died := word&linux.FUTEX_WAITERS | linux.FUTEX_OWNER_DIED
		done, e := guest.CompareAndSwapUint32(t.mem, at, word, died)
		if e != 0 {
			return
		}
		if done {
			if word&linux.FUTEX_WAITERS != 0 {
				t.space.Futex(at, false).Wake(1, futex.Any)
			}
			return
		}
	}
}

// bequeath hands on the locks with waiters in the kernel.
func (t *Thread) bequeath() {
	if t.space == nil {
		return
	}
	var room [4]*futex.Set
	for _, set := range t.space.FutexSets(room[:0]) {
		set.Bequeath(uint32(t.TID()))
	}
}

// Futex is the thread's place in a queue: it waits for one futex at a time.
func (t *Thread) Futex() *futex.Waiter { return &t.futex }
