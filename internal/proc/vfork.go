package proc

import (
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
)

// loan is an instance that a vfork child runs in: its parent sleeps until the child gives it
// back, by exec or exit. A parent that is killed meanwhile leaves it to the child, and what
// the parent owed itself, as a vfork child, the child owes from then on.
type loan struct {
	parent *Thread
	outer  *loan // of the parent; nil: the instance is its own
	state  atomic.Uint32
}

// lending is a vfork parent's call, while it sleeps.
type lending struct {
	loan  *loan
	aside *engine.Aside
	pid   int // of the child
}

// States of a loan.
const (
	lent      = iota
	returned  // by the child
	abandoned // by the parent
)

// wait is the parent's sleep. It reports whether the instance is back; if not, the parent is
// about to die, and has no memory any more.
func (l *loan) wait() bool {
	t := l.parent
	for l.state.Load() != returned {
		if t.doomed() && l.abandon() {
			return false
		}
		if t.sig.Work.Load()&workFreeze != 0 {
			t.park()
			continue
		}
		t.rest(-1)
	}
	return true
}

// doomed reports whether the thread is going to die whatever it does.
func (t *Thread) doomed() bool { return t.sig.Work.Load()&workExit != 0 || t.sig.Killed() }

// abandon leaves the instance to the child, unless it is back already. The memory itself is
// the child's as much as the parent's.
func (l *loan) abandon() bool {
	t := l.parent
	inst := t.kick.Swap(nil)
	if !l.state.CompareAndSwap(lent, abandoned) {
		t.kick.Store(inst)
		return false
	}
	t.inst, t.mem, t.vfork = nil, guest.Memory{}, nil
	if t.sig.Work.Load()&workExit == 0 {
		t.process.Kill(linux.SIGKILL)
	}
	return true
}

// giveBack ends the child's use of the instance: it is the nearest living parent's again, or,
// if there is none, still the child's.
func (l *loan) giveBack() bool {
	for ; l != nil; l = l.outer {
		if l.state.CompareAndSwap(lent, returned) {
			l.parent.waiter.Wake()
			return true
		}
	}
	return false
}
