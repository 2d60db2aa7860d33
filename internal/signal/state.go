package signal

import (
	"slices"
	"sync"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// State is the signal state of a process. New makes it.
type State struct {
	queue wait.Queue // told of signals that are sent: signalfd

	mu sync.Mutex

	// guarded by mu
	actions *actions   // nil: the defaults
	own     bool       // actions are not shared with a parent or child since a Fork
	shared  queue      // sent to the process
	threads []*Thread  // in the order of their start
	first   [1]*Thread // room for that
	limit   int        // RLIMIT_SIGPENDING: entries of all queues together
}

// actions are the actions of all signals, by number.
type actions [linux.NSIG + 1]Action

// actionLocked is the action of sig.
func (s *State) actionLocked(sig linux.Signal) Action {
	if s.actions == nil {
		return Action{}
	}
	return s.actions[sig]
}

// setLocked changes the action of sig.
func (s *State) setLocked(sig linux.Signal, a Action) {
	if s.actionLocked(sig) == a {
		return
	}
	if !s.own {
		next := new(actions)
		if s.actions != nil {
			*next = *s.actions
		}
		s.actions, s.own = next, true
	}
	s.actions[sig] = a
}

// New makes the state of a first process: default actions.
func New(limit int) *State { return &State{limit: limit} }

// Queue is told of signals that are sent to the process or one of its threads.
func (s *State) Queue() *wait.Queue { return &s.queue }

// Fork makes the state of a child: the same actions, nothing pending, no threads.
func (s *State) Fork() *State {
	child := new(State)
	s.ForkInto(child)
	return child
}

// ForkInto is Fork; child is a zero value.
func (s *State) ForkInto(child *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = false
	child.actions, child.limit = s.actions, s.limit
}

// Exec resets what execve resets: caught signals to their default.
func (s *State) Exec() {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.actions
	if s.actions, s.own = nil, false; old == nil {
		return
	}
	for sig, a := range old {
		if a.Handler == linux.SIG_IGN {
			s.setLocked(linux.Signal(sig), Action{Handler: a.Handler})
		}
	}
}

// Actions are the actions of a process at one moment.
type Actions struct{ all *actions }

// Actions gives them; they are not changed any more.
func (s *State) Actions() *Actions {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = false
	return &Actions{s.actions}
}

// Adopt sets, after Exec, the actions of a process as which this one goes on. What is ignored stays so.
func (s *State) Adopt(a *Actions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.all == nil:
	case s.actions == nil:
		s.actions, s.own = a.all, false
	default:
		for sig, action := range a.all {
			if s.actions[sig].Handler != linux.SIG_IGN {
				s.setLocked(linux.Signal(sig), action)
			}
		}
	}
}

// SetLimit sets how many signals may be queued.
func (s *State) SetLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// Action gives the action of sig.
func (s *State) Action(sig linux.Signal) Action {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actionLocked(sig)
}

// SetAction sets the action of sig, which is valid and not unblockable. A signal that is
// now ignored is no longer pending.
func (s *State) SetAction(sig linux.Signal, a Action) (old Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Mask &^= Unblockable
	old = s.actionLocked(sig)
	s.setLocked(sig, a)
	if a.Disposition(sig) == Ignore {
		s.dropLocked(Of(sig))
	}
	return old
}

// Ignores reports whether the process ignores sig, by choice or by default.
func (s *State) Ignores(sig linux.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actionLocked(sig)
	return a.Disposition(sig) == Ignore
}

// Sets gives the sets that /proc/PID/status shows.
func (s *State) Sets() (pending, ignored, caught Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sig := linux.Signal(1); sig <= linux.NSIG; sig++ {
		switch s.actionLocked(sig).Handler {
		case linux.SIG_DFL:
		case linux.SIG_IGN:
			ignored |= bit(sig)
		default:
			caught |= bit(sig)
		}
	}
	return s.shared.set, ignored, caught
}

// dropLocked removes signals from every queue.
func (s *State) dropLocked(set Set) {
	s.shared.drop(set)
	for _, t := range s.threads {
		t.private.drop(set)
		t.refreshLocked()
	}
}

// queuedLocked counts what is in the queues.
func (s *State) queuedLocked() int {
	n := len(s.shared.info)
	for _, t := range s.threads {
		n += len(t.private.info)
	}
	return n
}

// prepareLocked does what happens when a signal is sent, whether it is ever taken or not:
// a continue takes back stops, and a stop takes back continues.
func (s *State) prepareLocked(sig linux.Signal) {
	switch {
	case sig == linux.SIGCONT:
		s.dropLocked(stops)
	case stops.Has(sig):
		s.dropLocked(Of(linux.SIGCONT))
	}
}

// Send sends a signal to the process; some thread that does not block it will take it.
// Continuing a stopped process on SIGCONT and SIGKILL is the caller's.
func (s *State) Send(info linux.SigInfo) linux.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	sig := linux.Signal(info.Signo)
	s.prepareLocked(sig)
	if s.ignoredLocked(sig, s.threads) {
		return 0
	}
	if e := s.shared.push(&info, s.queuedLocked() < s.limit); e != 0 {
		return e
	}
	for _, t := range s.threads {
		if t.takesLocked(sig) {
			t.alarmLocked()
			break
		}
	}
	s.queue.Notify(wait.In)
	return 0
}

// ignoredLocked reports whether sig can be thrown away at once: nobody blocks or awaits it
// and the process ignores it.
func (s *State) ignoredLocked(sig linux.Signal, to []*Thread) bool {
	if a := s.actionLocked(sig); a.Disposition(sig) != Ignore {
		return false
	}
	return !slices.ContainsFunc(to, func(t *Thread) bool {
		return t.blocked.Has(sig) || t.awaited.Has(sig) || t.suspended && t.saved.Has(sig)
	})
}
