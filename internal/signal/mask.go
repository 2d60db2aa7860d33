package signal

import (
	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Mask gives the blocked signals.
func (t *Thread) Mask() Set {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return t.blocked
}

// SetMask sets the blocked signals and gives the old ones.
func (t *Thread) SetMask(set Set) (old Set) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	old, t.blocked = t.blocked, set&^Unblockable
	t.refreshLocked()
	t.yieldLocked(old)
	return old
}

// ChangeMask does sigprocmask: how is SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK.
func (t *Thread) ChangeMask(how int32, set Set) linux.Errno {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	switch how {
	case linux.SIG_BLOCK:
		set |= t.blocked
	case linux.SIG_UNBLOCK:
		set = t.blocked &^ set
	case linux.SIG_SETMASK:
	default:
		return linux.EINVAL
	}
	old := t.blocked
	t.blocked = set &^ Unblockable
	t.refreshLocked()
	t.yieldLocked(old)
	return 0
}

// Suspend sets the mask for the time of one call (sigsuspend, ppoll, pselect). It ends when
// a handler is entered, which returns to the old mask, or by Next when there is nothing to
// take, or by Resume.
func (t *Thread) Suspend(set Set) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if !t.suspended {
		t.saved, t.suspended = t.blocked, true
	}
	old := t.blocked
	t.blocked = set &^ Unblockable
	t.refreshLocked()
	t.yieldLocked(old)
}

// Resume ends a suspension whose call was not interrupted.
func (t *Thread) Resume() {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	old := t.blocked
	t.restoreLocked()
	t.refreshLocked()
	t.yieldLocked(old)
}

// PendingSet gives the signals that are pending and blocked: sigpending.
func (t *Thread) PendingSet() Set {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return (t.private.set | t.state.shared.set) & t.blocked
}

// Killed reports whether a SIGKILL waits to be taken.
func (t *Thread) Killed() bool {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return (t.private.set | t.state.shared.set).Has(linux.SIGKILL)
}

// Private gives the signals pending for the thread alone, for /proc/PID/status.
func (t *Thread) Private() Set {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return t.private.set
}

// Await begins to wait for the signals in set, blocked or not; nothing if set is empty.
func (t *Thread) Await(set Set) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	old := t.blocked &^ t.awaited
	t.awaited = set &^ Unblockable
	t.refreshLocked()
	t.yieldLocked(old)
}

// Take takes a pending signal of set: sigtimedwait.
func (t *Thread) Take(set Set) (info linux.SigInfo, ok bool) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	sig := next((t.private.set | t.state.shared.set) & set &^ Unblockable)
	if sig == 0 {
		return info, false
	}
	info = t.takeLocked(sig)
	t.refreshLocked()
	return info, true
}

// Has reports whether a signal of set is pending for the thread or its process.
func (t *Thread) Has(set Set) bool {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return (t.private.set|t.state.shared.set)&set != 0
}

// State is the process's.
func (t *Thread) State() *State { return t.state }

// Queue is told of signals that are sent to the process or one of its threads.
func (t *Thread) Queue() *wait.Queue { return &t.state.queue }

// Deliverable reports whether a signal can be taken that is not blocked, as against one
// that is only awaited.
func (t *Thread) Deliverable() bool {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return (t.private.set|t.state.shared.set)&^t.blocked != 0
}

// Stack gives the alternate stack as set by sigaltstack.
func (t *Thread) Stack() linux.Stack {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	return t.stack
}

// SetStack sets it.
func (t *Thread) SetStack(s linux.Stack) {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	t.stack = s
}
