package signal

import (
	"reflect"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// TestSave: actions, masks and what is pending come back, and a thread is told of what it can take.
func TestSave(t *testing.T) {
	s := New(64)
	s.SetAction(linux.SIGUSR1, Action{Handler: 17, Flags: linux.SA_RESTART, Mask: Of(linux.SIGUSR2)})
	s.SetAction(linux.SIGHUP, Action{Handler: linux.SIG_IGN})
	a := s.Start(Of(linux.SIGUSR1, linux.SIGTERM), linux.Stack{SP: 4096, Size: 8192}, func() {})
	b := s.Start(Of(linux.SIGTERM), linux.Stack{Flags: linux.SS_DISABLE}, func() {})
	s.Send(linux.InfoFrom(linux.SIGTERM, linux.SI_USER, 12, 1000))
	for k := range 3 {
		a.Send(linux.InfoTimer(linux.SIGRTMIN+2, int32(k), 1, 99))
	}
	a.Suspend(Of(linux.SIGRTMIN + 2))
	out, err := state.NewEncoder(Types, time.Now(), nil).Save(s)
	if err != nil {
		t.Fatal(err)
	}
	o, err := state.NewDecoder(Types, time.Now(), nil).Load(out)
	if err != nil {
		t.Fatal(err)
	}
	n := o.(*State)
	if n.Action(linux.SIGUSR1) != s.Action(linux.SIGUSR1) || n.Action(linux.SIGHUP) != s.Action(linux.SIGHUP) || n.Action(linux.SIGTERM) != (Action{}) {
		t.Errorf("other actions: %+v", n.actions)
	}
	alarms := 0
	for k, old := range []*Thread{a, b} {
		x := n.threads[k]
		x.Connect(func() { alarms++ })
		if x.Mask() != old.Mask() || x.Stack() != old.Stack() || x.PendingSet() != old.PendingSet() || x.Private() != old.Private() ||
			x.Work.Load() != old.Work.Load() || x.suspended != old.suspended || x.saved != old.saved {
			t.Errorf("thread %d: mask %#x, stack %+v, pending %#x, work %#x", k, x.Mask(), x.Stack(), x.PendingSet(), x.Work.Load())
		}
	}
	if alarms != 1 { // a's mask in the suspension lets SIGTERM through
		t.Errorf("%d threads were told, want 1", alarms)
	}
	n.threads[0].SetMask(0)
	a.SetMask(0)
	for range 4 {
		got, _, _, ok1 := n.threads[0].Next()
		want, _, _, ok2 := a.Next()
		if ok1 != ok2 || !reflect.DeepEqual(got, want) {
			t.Errorf("next signal %+v, want %+v", got, want)
		}
	}
}
