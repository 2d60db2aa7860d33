package sched

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vkernel/internal/wait"
)

// guest is a thread whose compiled code waits for the time to pass, or for the kick: what is
// tested is the order of turns, whatever else the host does.
type guest struct {
	*Thread
	waiter *wait.Waiter
	kicked chan struct{}
	work   atomic.Uint32
	ran    time.Duration // in compiled code
	rounds int
}

// newScheduler makes a scheduler whose guests use no processor.
func newScheduler(n int) *Scheduler {
	s := New(n)
	s.pace.usage = nil
	return s
}

func newGuest(s *Scheduler, parent *Thread) *guest {
	g := &guest{waiter: wait.New(), kicked: make(chan struct{}, 1)}
	g.Thread = s.NewThread(g.waiter, g.kick)
	if parent != nil {
		g.Inherit(parent)
	}
	return g
}

func (g *guest) kick() {
	select {
	case g.kicked <- struct{}{}:
	default:
	}
}

// compute runs for d in compiled code, with a slot whenever it does, or until there is work.
func (g *guest) compute(d time.Duration, inside *atomic.Int32) {
	for end := g.ran + d; g.ran < end && g.Enter(&g.work); {
		inside.Add(1)
		begin := time.Now()
		select {
		case <-time.After(end - g.ran):
		case <-g.kicked:
		}
		inside.Add(-1)
		g.ran += time.Since(begin)
		g.rounds++
		if g.work.Load() != 0 {
			return
		}
	}
}

func (g *guest) stop() {
	g.work.Store(1)
	g.waiter.Wake()
	g.kick()
}

// spin runs n guests that never sleep, for d.
func spin(s *Scheduler, d time.Duration, guests ...*guest) {
	var all sync.WaitGroup
	var inside atomic.Int32
	for _, g := range guests {
		all.Go(func() { g.compute(time.Hour, &inside); g.End() })
	}
	time.Sleep(d)
	for _, g := range guests {
		g.stop()
	}
	all.Wait()
}

func TestSpinnersShareASlot(t *testing.T) {
	s := newScheduler(1)
	var guests []*guest
	for range 5 {
		guests = append(guests, newGuest(s, nil))
	}
	spin(s, 600*time.Millisecond, guests...)
	for i, g := range guests {
		if g.ran < 60*time.Millisecond || g.ran > 250*time.Millisecond {
			t.Errorf("guest %d of 5 ran %v of 600ms", i, g.ran)
		}
	}
	if n := s.Runnable(); n != 0 {
		t.Errorf("%d runnable after all have ended", n)
	}
}

func TestNice(t *testing.T) {
	s := newScheduler(1)
	a, b := newGuest(s, nil), newGuest(s, nil)
	b.SetNice(5) // a third of the weight
	spin(s, time.Second, a, b)
	if ratio := float64(a.ran) / float64(b.ran); ratio < 2 || ratio > 5 {
		t.Errorf("nice 0 ran %v, nice 5 %v: %.1f times as long, want about 3", a.ran, b.ran, ratio)
	}
	if b.ran == 0 {
		t.Error("the nice one starved")
	}
}

// A shell that a user types into, and the commands that it starts, go before a thousand
// that spin, from when those have run for the first time.
func TestShellGoesFirst(t *testing.T) {
	s := newScheduler(2)
	var guests []*guest
	for range 1000 {
		guests = append(guests, newGuest(s, nil))
	}
	shell := newGuest(s, nil)
	done := make(chan []time.Duration)
	go func() {
		var took []time.Duration
		var inside atomic.Int32
		time.Sleep(100 * time.Millisecond)
		for range 10 {
			shell.Sleep(20 * time.Millisecond)
			begin := time.Now()
			shell.compute(200*time.Microsecond, &inside)
			command := newGuest(s, shell.Thread)
			ended := make(chan bool)
			go func() {
				command.compute(5*time.Millisecond, &inside)
				command.Sleep(0)
				command.compute(time.Millisecond, &inside)
				command.End()
				shell.waiter.Wake()
				close(ended)
			}()
			shell.Sleep(-1)
			<-ended
			shell.compute(200*time.Microsecond, &inside)
			took = append(took, time.Since(begin))
		}
		shell.End()
		slices.Sort(took)
		done <- took
	}()
	go spin(s, 3*time.Second, guests...)
	if took := <-done; took[len(took)/2] > 60*time.Millisecond {
		t.Errorf("commands of 6ms took %v", took)
	}
}

// Threads that sleep a little all the time do not starve one that never does, nor the other
// way round.
// A brief thread's turn is a slice at most and shorter in a crowd, so that a shell which wakes just after a thousand others
// with as much credit waits for 1000 * 0.3 ms of run time, not for 1000 slices.
func TestTurnsInACrowd(t *testing.T) {
	s := newScheduler(2)
	g := newGuest(s, nil)
	for _, c := range []struct {
		waiting int32
		credit  time.Duration
		want    time.Duration
	}{
		{0, mostCredit, slice},
		{crowd, mostCredit, slice},
		{2 * crowd, mostCredit, slice / 2},
		{1000, mostCredit, leastTurn},
		{1000, leastTurn / 3, leastTurn / 3},
		{0, slice / 3, slice / 3},
	} {
		s.waiting.Store(c.waiting)
		g.credit = c.credit
		if got := g.allowance(); got != c.want {
			t.Errorf("%d wait, credit %v: a turn of %v, expected %v", c.waiting, c.credit, got, c.want)
		}
	}
}

func TestNobodyStarves(t *testing.T) {
	s := newScheduler(1)
	var all sync.WaitGroup
	var stop atomic.Bool
	var inside atomic.Int32
	var sleepers []*guest
	for range 4 {
		g := newGuest(s, nil)
		sleepers = append(sleepers, g)
		all.Go(func() {
			for !stop.Load() {
				g.compute(500*time.Microsecond, &inside)
				g.Sleep(500 * time.Microsecond)
			}
			g.End()
		})
	}
	spinner := newGuest(s, nil)
	spin(s, time.Second, spinner)
	stop.Store(true)
	all.Wait()
	if spinner.ran < 80*time.Millisecond {
		t.Errorf("the spinner ran %v of 1s", spinner.ran)
	}
	for i, g := range sleepers {
		if g.ran < 40*time.Millisecond {
			t.Errorf("sleeper %d ran %v of 1s", i, g.ran)
		}
	}
}

// New threads that keep coming do not starve an old one.
func TestForksDoNotStarve(t *testing.T) {
	s := newScheduler(1)
	parent := newGuest(s, nil)
	old := newGuest(s, nil)
	var stop atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		var inside atomic.Int32
		for !stop.Load() {
			parent.compute(10*time.Microsecond, &inside)
			child := newGuest(s, parent.Thread)
			all.Go(func() { child.compute(250*time.Microsecond, &inside); child.End() })
			parent.Sleep(300 * time.Microsecond)
		}
		parent.End()
	})
	spin(s, 500*time.Millisecond, old)
	stop.Store(true)
	all.Wait()
	if old.ran < 5*time.Millisecond {
		t.Errorf("the old one ran %v of 500ms", old.ran)
	}
}

// No more threads run than there are slots, but for the moment that a kick takes.
func TestSlots(t *testing.T) {
	s := newScheduler(2)
	var inside atomic.Int32
	var most, over int32
	var all sync.WaitGroup
	var guests []*guest
	for range 50 {
		g := newGuest(s, nil)
		guests = append(guests, g)
		all.Go(func() { g.compute(time.Hour, &inside); g.End() })
	}
	for range 200 {
		time.Sleep(time.Millisecond)
		n := inside.Load()
		most = max(most, n)
		if n > 2 {
			over++
		}
	}
	for _, g := range guests {
		g.stop()
	}
	all.Wait()
	if over > 50 || most > 5 {
		t.Errorf("more than 2 ran in %d of 200 looks, up to %d", over, most)
	}
}

func TestEnterEndsForWork(t *testing.T) {
	s := newScheduler(1)
	holder, g := newGuest(s, nil), newGuest(s, nil)
	holder.Enter(&holder.work)
	go func() {
		time.Sleep(time.Millisecond)
		g.stop()
	}()
	if g.Enter(&g.work) {
		t.Fatal("got the slot of another")
	}
	if !g.Away() || s.waiting.Load() != 0 {
		t.Error("still waits")
	}
}

func TestYield(t *testing.T) {
	s := newScheduler(1)
	a, b := newGuest(s, nil), newGuest(s, nil)
	var stop atomic.Bool
	var all sync.WaitGroup
	for _, g := range []*guest{a, b} {
		all.Go(func() {
			var inside atomic.Int32
			for !stop.Load() {
				g.compute(time.Nanosecond, &inside)
				g.Yield()
			}
			g.End()
		})
	}
	time.Sleep(100 * time.Millisecond)
	stop.Store(true)
	all.Wait()
	if a.rounds < 300 || b.rounds < 300 {
		t.Errorf("%d and %d rounds in 100ms: yielding does not change the thread", a.rounds, b.rounds)
	}
}

func TestClock(t *testing.T) {
	s := newScheduler(1)
	g := newGuest(s, nil)
	var account Account
	account.Add(g.Thread)
	if g.Ran() != 0 {
		t.Error("a thread that has not begun has run")
	}
	var inside atomic.Int32
	g.compute(20*time.Millisecond, &inside)
	g.Sleep(30 * time.Millisecond)
	if !g.Sample() {
		t.Error("the first call is not measured")
	}
	began := g.Began()
	time.Sleep(5 * time.Millisecond)
	g.Sleep(20 * time.Millisecond)
	g.Ended(began)
	g.End()
	account.Remove(g.Thread)
	if g.Running() {
		t.Error("an ended thread runs")
	}
	got := account.Times()
	if got.User < 18*time.Millisecond || got.User > 60*time.Millisecond {
		t.Errorf("user %v, want 20ms", got.User)
	}
	if got.System < 5*time.Millisecond || got.System > 20*time.Millisecond {
		t.Errorf("system %v, want 5ms", got.System)
	}
	if v, _ := account.Switches(); v != 2 {
		t.Errorf("%d voluntary switches, want 2", v)
	}
}

func TestSplitNeverFalls(t *testing.T) {
	var s split
	var last Times
	for i := range 100 {
		got := s.of(time.Duration(i)*10, time.Duration(i*7919%700))
		if got.User < last.User || got.System < last.System || got.Total() != time.Duration(i)*10 {
			t.Fatalf("%v after %v", got, last)
		}
		last = got
	}
}

// What a sleep costs beside the sleep itself.
func BenchmarkLeaveAndEnter(b *testing.B) {
	s := newScheduler(2)
	g := newGuest(s, nil)
	for b.Loop() {
		g.leave(s.now())
		g.Enter(&g.work)
	}
}

func TestPace(t *testing.T) {
	var used time.Duration
	p := pace{usage: func() time.Duration { return used }}
	p.reset()
	for now := time.Second; now < 2*time.Second; now += 20 * time.Millisecond {
		p.measure(now, 2)
		used += 10 * time.Millisecond // of 40
	}
	if got := p.scale(100 * time.Millisecond); got < 24*time.Millisecond || got > 26*time.Millisecond {
		t.Errorf("100ms count as %v, want 25ms", got)
	}
	if got := p.stretch(25 * time.Millisecond); got < 99*time.Millisecond || got > 105*time.Millisecond {
		t.Errorf("25ms last %v, want 100ms", got)
	}
}

func TestLoad(t *testing.T) {
	var s Scheduler
	for range 12 { // a minute
		s.load.add(10, loadSample)
	}
	got := s.Load()
	if got[0] < 6.2 || got[0] > 6.5 || got[1] < 1.7 || got[1] > 1.9 || got[2] < 0.6 || got[2] > 0.7 {
		t.Errorf("load %v after a minute with 10 runnable threads", got)
	}
}
