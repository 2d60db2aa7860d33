package signal

import (
	"testing"

	"vkernel/internal/linux"
)

// newThread is a process with one thread; alarms counts how often it was alarmed.
func newThread(blocked Set) (s *State, t *Thread, alarms *int) {
	s, alarms = New(8), new(int)
	return s, s.Start(blocked, linux.Stack{}, func() { *alarms++ }), alarms
}

func user(sig linux.Signal) linux.SigInfo { return linux.InfoFrom(sig, linux.SI_USER, 1, 0) }

// take gives the signals that Next gives, in order.
func take(t *Thread) (got []linux.Signal) {
	for {
		info, _, _, ok := t.Next()
		if !ok {
			return got
		}
		got = append(got, linux.Signal(info.Signo))
	}
}

func equal(a, b []linux.Signal) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestOrderAndCoalescing(t *testing.T) {
	s, th, _ := newThread(0)
	rt := linux.SIGRTMIN + 3
	for _, sig := range []linux.Signal{rt, linux.SIGTERM, rt, linux.SIGTERM, linux.SIGHUP} {
		s.Send(user(sig))
	}
	th.Send(linux.Info(linux.SIGSEGV, linux.SI_TKILL))
	want := []linux.Signal{linux.SIGSEGV, linux.SIGHUP, linux.SIGTERM, rt, rt}
	if got := take(th); !equal(got, want) {
		t.Errorf("taken %v, want %v", got, want)
	}
	if th.Work.Load() != 0 {
		t.Error("work is left")
	}
}

func TestQueueLimit(t *testing.T) {
	s, th, _ := newThread(^Set(0))
	rt := linux.SIGRTMIN
	queued := linux.Info(rt, linux.SI_QUEUE)
	for i := range 8 {
		if e := s.Send(queued); e != 0 {
			t.Fatal(i, e)
		}
	}
	if e := s.Send(queued); e != linux.EAGAIN {
		t.Errorf("sigqueue into a full queue: %v, want EAGAIN", e)
	}
	if e := s.Send(user(rt)); e != 0 {
		t.Errorf("kill into a full queue: %v, want success", e)
	}
	if e := s.Send(user(linux.SIGTERM)); e != 0 {
		t.Errorf("a standard signal: %v, want success", e)
	}
	th.SetMask(0)
	if got := take(th); len(got) != 9 {
		t.Errorf("taken %v", got)
	}
}

func TestBlockedWaits(t *testing.T) {
	s, th, alarms := newThread(Of(linux.SIGUSR1))
	s.Send(user(linux.SIGUSR1))
	if *alarms != 0 || th.Work.Load() != 0 {
		t.Error("a blocked signal alarmed the thread")
	}
	if th.PendingSet() != Of(linux.SIGUSR1) {
		t.Errorf("pending %#x", uint64(th.PendingSet()))
	}
	th.SetMask(0)
	if th.Work.Load() != Pending || !equal(take(th), []linux.Signal{linux.SIGUSR1}) {
		t.Error("not taken when it was no longer blocked")
	}
	th.SetMask(^Set(0))
	s.Send(user(linux.SIGKILL))
	if !equal(take(th), []linux.Signal{linux.SIGKILL}) {
		t.Error("SIGKILL was blocked")
	}
}

func TestIgnored(t *testing.T) {
	s, th, _ := newThread(0)
	s.Send(user(linux.SIGCHLD)) // by default
	s.SetAction(linux.SIGTERM, Action{Handler: linux.SIG_IGN})
	s.Send(user(linux.SIGTERM))
	if th.Work.Load() != 0 {
		t.Error("an ignored signal is pending")
	}
	// Blocked, it is kept: its action may change before it is taken.
	th.SetMask(Of(linux.SIGTERM))
	s.Send(user(linux.SIGTERM))
	if th.PendingSet() != Of(linux.SIGTERM) {
		t.Error("a blocked signal was thrown away")
	}
	s.SetAction(linux.SIGTERM, Action{Handler: linux.SIG_IGN})
	if th.PendingSet() != 0 {
		t.Error("setting SIG_IGN left the signal pending")
	}
}

func TestStopAndContinueCancel(t *testing.T) {
	s, th, _ := newThread(Of(linux.SIGTSTP, linux.SIGCONT))
	s.Send(user(linux.SIGTSTP))
	s.Send(user(linux.SIGCONT))
	if th.PendingSet() != Of(linux.SIGCONT) {
		t.Errorf("after a continue: %#x", uint64(th.PendingSet()))
	}
	s.Send(user(linux.SIGTSTP))
	if th.PendingSet() != Of(linux.SIGTSTP) {
		t.Errorf("after a stop: %#x", uint64(th.PendingSet()))
	}
}

func TestHandlerMask(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags uint64
		want  Set
	}{
		{"plain", 0, Of(linux.SIGUSR1, linux.SIGUSR2, linux.SIGHUP)},
		{"no defer", linux.SA_NODEFER, Of(linux.SIGUSR2, linux.SIGHUP)},
	} {
		s, th, _ := newThread(Of(linux.SIGHUP))
		s.SetAction(linux.SIGUSR1, Action{Handler: 5, Flags: tt.flags, Mask: Of(linux.SIGUSR2, linux.SIGKILL)})
		s.Send(user(linux.SIGUSR1))
		_, _, before, ok := th.Next()
		if !ok || before != Of(linux.SIGHUP) || th.Mask() != tt.want {
			t.Errorf("%s: before %#x, in the handler %#x, want %#x", tt.name, uint64(before), uint64(th.Mask()), uint64(tt.want))
		}
	}
}

func TestResetHand(t *testing.T) {
	s, th, _ := newThread(0)
	s.SetAction(linux.SIGUSR1, Action{Handler: 5, Flags: linux.SA_RESETHAND})
	s.Send(user(linux.SIGUSR1))
	if _, a, _, _ := th.Next(); a.Handler != 5 {
		t.Errorf("handler %d, want 5", a.Handler)
	}
	if a := s.Action(linux.SIGUSR1); a.Handler != linux.SIG_DFL {
		t.Errorf("then handler %d, want the default", a.Handler)
	}
}

func TestSuspend(t *testing.T) {
	s, th, _ := newThread(Of(linux.SIGUSR1))
	s.SetAction(linux.SIGUSR1, Action{Handler: 5})
	s.Send(user(linux.SIGUSR1))
	th.Suspend(0)
	if th.Work.Load() != Pending {
		t.Fatal("the suspended thread has no work")
	}
	if _, _, before, ok := th.Next(); !ok || before != Of(linux.SIGUSR1) {
		t.Errorf("mask after the handler %#x, want the one before the suspension", uint64(before))
	}
	th.SetMask(Of(linux.SIGUSR2))
	th.Suspend(0)
	th.Resume()
	if th.Mask() != Of(linux.SIGUSR2) {
		t.Errorf("mask after an uninterrupted suspension %#x", uint64(th.Mask()))
	}
}

func TestForce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		blocked Set
		handler uint32
		want    Disposition
	}{
		{"handled", 0, 5, Handle},
		{"blocked", Of(linux.SIGSEGV), 5, Terminate},
		{"ignored", 0, linux.SIG_IGN, Terminate},
	} {
		s, th, _ := newThread(tt.blocked)
		s.SetAction(linux.SIGSEGV, Action{Handler: tt.handler})
		th.Force(linux.InfoFault(linux.SIGSEGV, linux.SEGV_MAPERR, 16))
		info, a, _, ok := th.Next()
		if !ok || a.Disposition(linux.SIGSEGV) != tt.want || info.Fields[0] != 16 {
			t.Errorf("%s: %v %+v", tt.name, ok, a)
		}
	}
}

func TestAwait(t *testing.T) {
	s, th, alarms := newThread(Of(linux.SIGUSR1, linux.SIGCHLD))
	th.Await(Of(linux.SIGUSR1))
	s.Send(user(linux.SIGUSR1))
	if *alarms == 0 {
		t.Error("an awaited signal did not alarm the thread")
	}
	if info, ok := th.Take(Of(linux.SIGUSR1)); !ok || info.PID() != 1 {
		t.Errorf("taken %+v %v", info, ok)
	}
	th.Await(0)
	if th.Work.Load() != 0 {
		t.Error("work is left")
	}
}

func TestExecAndFork(t *testing.T) {
	s, _, _ := newThread(0)
	s.SetAction(linux.SIGUSR1, Action{Handler: 5, Mask: 1, Flags: linux.SA_RESTART})
	s.SetAction(linux.SIGUSR2, Action{Handler: linux.SIG_IGN})
	child := s.Fork()
	if child.Action(linux.SIGUSR1).Handler != 5 {
		t.Error("a child has not its parent's actions")
	}
	child.Exec()
	if a := child.Action(linux.SIGUSR1); a != (Action{}) {
		t.Errorf("after exec %+v", a)
	}
	if a := child.Action(linux.SIGUSR2); a.Handler != linux.SIG_IGN {
		t.Errorf("exec changed an ignored signal: %+v", a)
	}
}

// A signal to the process goes to a thread that takes it, and on to another when that one
// blocks it before it has taken it, or ends.
func TestYield(t *testing.T) {
	s, first, alarms := newThread(0)
	other := new(int)
	second := s.Start(Of(linux.SIGUSR2), linux.Stack{}, func() { *other++ })
	s.SetAction(linux.SIGUSR1, Action{Handler: 5})
	s.Send(user(linux.SIGUSR1))
	if *alarms != 1 || *other != 0 {
		t.Errorf("alarms %d %d, want one for the first", *alarms, *other)
	}
	first.ChangeMask(linux.SIG_BLOCK, Of(linux.SIGUSR1))
	if first.Work.Load() != 0 || second.Work.Load() != Pending || *other != 1 {
		t.Error("not handed on when the first blocked it")
	}
	first.ChangeMask(linux.SIG_UNBLOCK, Of(linux.SIGUSR1))
	second.End()
	if e := second.Send(user(linux.SIGUSR1)); e != linux.ESRCH {
		t.Errorf("to a thread that has ended: %v, want ESRCH", e)
	}
	if got := take(first); !equal(got, []linux.Signal{linux.SIGUSR1}) {
		t.Errorf("taken %v", got)
	}
	// In a handler for another signal that blocks it.
	third := s.Start(Of(linux.SIGHUP), linux.Stack{}, func() {})
	s.SetAction(linux.SIGHUP, Action{Handler: 5, Mask: Of(linux.SIGUSR1)})
	s.Send(user(linux.SIGHUP))
	s.Send(user(linux.SIGUSR1))
	first.Next()
	if third.Work.Load() != Pending {
		t.Error("not handed on when a handler blocked it")
	}
}
