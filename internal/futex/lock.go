package futex

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Lock is a word of guest memory that is a lock with an owner: 0, or the owner's id with
// FUTEX_WAITERS if somebody waits, and FUTEX_OWNER_DIED if an owner ended with it.
type Lock struct {
	Key
	Mem guest.Memory
	At  guest.Addr
}

// tries is how often a lock's word is tried to be changed: other threads of the guest may do
// that all the time, and then it is no lock (EINVAL).
const tries = 1000

// Acquire takes the lock for the thread tid. EAGAIN: another has it, and w waits for it now,
// unless w is nil; when it is woken it has the lock. EDEADLK: tid has it already. ESRCH: the
// owner is none, as alive says.
func (l Lock) Acquire(w *Waiter, tid uint32, thread *wait.Waiter, alive func(tid uint32) bool) linux.Errno {
	s := l.Set
	s.mu.Lock()
	defer s.mu.Unlock()
	for range tries {
		word, e := guest.LoadUint32(l.Mem, l.At)
		if e != 0 {
			return e
		}
		switch word & linux.FUTEX_TID_MASK {
		case tid:
			return linux.EDEADLK
		case 0:
			mine := tid | word&linux.FUTEX_OWNER_DIED
			if s.firstLocked(l.Addr) != nil {
				mine |= linux.FUTEX_WAITERS
			}
			if done, e := guest.CompareAndSwapUint32(l.Mem, l.At, word, mine); done || e != 0 {
				return e
			}
			continue
		}
		if w == nil {
			return linux.EAGAIN
		}
		if !alive(word & linux.FUTEX_TID_MASK) {
			return linux.ESRCH
		}
		done, e := guest.CompareAndSwapUint32(l.Mem, l.At, word, word|linux.FUTEX_WAITERS)
		if e != 0 {
			return e
		}
		if done {
			w.thread, w.bits, w.owner = thread, 0, owner{tid, l.Mem, l.At}
			w.woken.Store(false)
			s.pushLocked(w, l.Addr)
			return linux.EAGAIN
		}
	}
	return linux.EINVAL
}

// Release hands the lock of the thread tid to who waits longest. EPERM: it is not tid's.
func (l Lock) Release(tid uint32) linux.Errno {
	s := l.Set
	s.mu.Lock()
	defer s.mu.Unlock()
	for range tries {
		word, e := guest.LoadUint32(l.Mem, l.At)
		if e != 0 {
			return e
		}
		if word&linux.FUTEX_TID_MASK != tid {
			return linux.EPERM
		}
		if done, e := s.handOverLocked(s.firstLocked(l.Addr), l.Mem, l.At, word, 0); done || e != 0 {
			return e
		}
	}
	return linux.EINVAL
}

// firstLocked is the oldest waiter for the lock at addr.
func (s *Set) firstLocked(addr uint64) *Waiter {
	if s.owned == 0 {
		return nil
	}
	w := s.queueLocked(addr).head
	for w != nil && (w.addr != addr || w.owner.tid == 0) {
		w = w.next
	}
	return w
}

// handOverLocked makes w, or nobody, the owner of a lock whose word is the given one.
func (s *Set) handOverLocked(w *Waiter, mem guest.Memory, at guest.Addr, word, mark uint32) (bool, linux.Errno) {
	to := mark
	if w != nil {
		to |= w.owner.tid
		for o := w.next; o != nil; o = o.next {
			if o.addr == w.addr && o.owner.tid != 0 {
				to |= linux.FUTEX_WAITERS
				break
			}
		}
	}
	done, e := guest.CompareAndSwapUint32(mem, at, word, to)
	if done && w != nil {
		s.wakeLocked(w)
	}
	return done, e
}

// Bequeath hands on the locks in s that the thread tid, which ends, owned and others wait for.
func (s *Set) Bequeath(tid uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owned == 0 {
		return
	}
	for i := range s.queues {
		for w := s.queues[i].head; w != nil; {
			next := w.next
			if w.owner.tid != 0 && s.firstLocked(w.addr) == w {
				s.inheritLocked(w, tid)
			}
			w = next
		}
	}
}

// inheritLocked gives w the lock that it waits for if the thread tid had it, or nobody has it
// since its owner died. A word that the guest keeps changing is left alone.
func (s *Set) inheritLocked(w *Waiter, tid uint32) {
	for range tries {
		word, e := guest.LoadUint32(w.owner.mem, w.owner.at)
		owner := word & linux.FUTEX_TID_MASK
		if e != 0 || owner != tid && (owner != 0 || word&linux.FUTEX_OWNER_DIED == 0) {
			return
		}
		if done, e := s.handOverLocked(w, w.owner.mem, w.owner.at, word, linux.FUTEX_OWNER_DIED); done || e != 0 {
			return
		}
	}
}
