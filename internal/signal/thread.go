package signal

import (
	"slices"
	"sync/atomic"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Pending is the bit of Thread.Work that says: ask Next.
const Pending = 1

// Alarmed is whose thread it is.
type Alarmed interface {
	Alarm() // ends a sleep of the thread, or its run of compiled code
}

// alarm is one that is a function.
type alarm func()

func (a alarm) Alarm() { a() }

// Thread is the signal state of a thread. Start or StartIn makes it.
type Thread struct {
	// Work is what the thread has to see to before it runs on: Pending, and bits of proc.
	Work  atomic.Uint32
	state *State
	owner Alarmed

	// guarded by state.mu
	blocked   Set
	saved     Set  // the mask to go back to, if suspended
	suspended bool // blocked is that of sigsuspend, ppoll or pselect
	awaited   Set  // what sigtimedwait waits for, though blocked
	private   queue
	stack     linux.Stack
	ended     bool
}

// Start makes the state of a new thread with the mask blocked, which f alarms.
func (s *State) Start(blocked Set, stack linux.Stack, f func()) *Thread {
	t := new(Thread)
	s.StartIn(t, blocked, stack, alarm(f))
	return t
}

// StartIn makes t, a zero value that is a part of its owner, the state of a new thread.
func (s *State) StartIn(t *Thread, blocked Set, stack linux.Stack, owner Alarmed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.state, t.owner, t.blocked, t.stack = s, owner, blocked&^Unblockable, stack
	if s.threads == nil {
		s.threads = s.first[:0]
	}
	s.threads = append(s.threads, t)
	t.refreshLocked()
}

// End takes the thread out of its process. Signals sent to it alone are lost.
func (t *Thread) End() {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	t.ended = true
	t.state.threads = slices.DeleteFunc(t.state.threads, func(o *Thread) bool { return o == t })
	for _, o := range t.state.threads {
		o.refreshLocked() // they take what is pending now
	}
}

// yieldLocked lets other threads take what the process has pending and t has just blocked;
// was is what it blocked before.
func (t *Thread) yieldLocked(was Set) {
	if t.state.shared.set&t.blocked&^t.awaited&^was == 0 {
		return
	}
	for _, o := range t.state.threads {
		if o != t {
			o.refreshLocked()
		}
	}
}

// takesLocked reports whether the thread can take sig now.
func (t *Thread) takesLocked(sig linux.Signal) bool {
	return !t.blocked.Has(sig) || t.awaited.Has(sig)
}

// alarmLocked tells the thread that there is something for it.
func (t *Thread) alarmLocked() {
	t.Work.Or(Pending)
	t.owner.Alarm()
}

// Raise sets bits of Work and alarms the thread.
func (t *Thread) Raise(bits uint32) {
	t.Work.Or(bits)
	t.owner.Alarm()
}

// refreshLocked makes the bit Pending say what is true.
func (t *Thread) refreshLocked() {
	if (t.private.set|t.state.shared.set)&^(t.blocked&^t.awaited) != 0 {
		if t.Work.Or(Pending)&Pending == 0 {
			t.owner.Alarm()
		}
	} else {
		t.Work.And(^uint32(Pending))
	}
}

// Send sends a signal to this thread: ESRCH if it has ended.
func (t *Thread) Send(info linux.SigInfo) linux.Errno {
	s := t.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.ended {
		return linux.ESRCH
	}
	sig := linux.Signal(info.Signo)
	s.prepareLocked(sig)
	if s.ignoredLocked(sig, []*Thread{t}) {
		return 0
	}
	if e := t.private.push(&info, s.queuedLocked() < s.limit); e != 0 {
		return e
	}
	if t.takesLocked(sig) {
		t.alarmLocked()
	}
	s.queue.Notify(wait.In)
	return 0
}

// Force sends a synchronous signal, which cannot wait: if it is blocked or ignored, the
// thread gets its default action.
func (t *Thread) Force(info linux.SigInfo) {
	s := t.state
	s.mu.Lock()
	defer s.mu.Unlock()
	sig := linux.Signal(info.Signo)
	if a := s.actionLocked(sig); t.blocked.Has(sig) || a.Disposition(sig) != Handle {
		s.setLocked(sig, Action{})
		t.blocked &^= bit(sig)
	}
	t.private.drop(Of(sig))
	t.private.push(&info, true)
	t.Work.Or(Pending)
}

// Next takes the next signal that is not blocked, with the action it finds. For a signal
// to be handled the mask is that of the handler from now on, and before is the mask to
// return to. ok is false if there is none.
func (t *Thread) Next() (info linux.SigInfo, a Action, before Set, ok bool) {
	s := t.state
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		sig := next((t.private.set | s.shared.set) &^ t.blocked)
		if sig == 0 {
			was := t.blocked
			t.restoreLocked()
			t.refreshLocked()
			t.yieldLocked(was)
			return info, a, 0, false
		}
		info = t.takeLocked(sig)
		a = s.actionLocked(sig)
		switch a.Disposition(sig) {
		case Ignore:
			continue
		case Handle:
			before = t.enterLocked(sig, a)
		}
		return info, a, before, true
	}
}

// takeLocked takes the oldest sig out of the thread's queue, else the process's.
func (t *Thread) takeLocked(sig linux.Signal) linux.SigInfo {
	if t.private.set.Has(sig) {
		return t.private.pop(sig)
	}
	return t.state.shared.pop(sig)
}

// enterLocked sets the mask for a handler and gives the one before.
func (t *Thread) enterLocked(sig linux.Signal, a Action) (before Set) {
	was := t.blocked
	before = was
	if t.suspended {
		before, t.suspended = t.saved, false
	}
	t.blocked |= a.Mask
	if a.Flags&linux.SA_NODEFER == 0 {
		t.blocked |= bit(sig)
	}
	t.blocked &^= Unblockable
	if a.Flags&linux.SA_RESETHAND != 0 {
		t.state.setLocked(sig, Action{})
	}
	t.refreshLocked()
	t.yieldLocked(was)
	return before
}

// restoreLocked ends a suspension that no handler ended.
func (t *Thread) restoreLocked() {
	if t.suspended {
		t.blocked, t.suspended = t.saved, false
	}
}
