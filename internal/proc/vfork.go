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
		t.rest(-1)
	}
	return true
}

// doomed reports whether the thread is going to die whatever it does.
func (t *Thread) doomed() bool { return t.sig.Work.Load()&workExit != 0 || t.sig.Killed() }

// abandon leaves the instance to the child, unless it is back already. Others may look at
// the parent's memory until it has none, so that comes first.
func (l *loan) abandon() bool {
	t := l.parent
	mine := t.process.memory.set(Memory{})
	t.kick.Store(nil)
	if !l.state.CompareAndSwap(lent, abandoned) {
		t.process.memory.set(mine)
		t.kick.Store(mine.Instance)
		return false
	}
	t.mem, t.vfork = guest.Memory{}, nil
	t.process.Kill(linux.SIGKILL)
	return true
}

// giveBack ends the child's use of the instance: it is the nearest living parent's again, or
// nobody's.
func (l *loan) giveBack(inst *engine.Instance) {
	for ; l != nil; l = l.outer {
		if l.state.CompareAndSwap(lent, returned) {
			l.parent.waiter.Wake()
			return
		}
	}
	inst.Free()
}
