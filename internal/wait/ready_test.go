package wait

import (
	"sync"
	"testing"
)

func TestWatch(t *testing.T) {
	var q Queue
	var r Ready
	var a, b Watch
	a.Join(&q, &r, In, false)
	b.Join(&q, &r, Out, false)
	q.Notify(In)
	q.Notify(In)
	if r.Last() != &a || r.First() != &a {
		t.Error("not listed, or not once")
	}
	q.Notify(Out)
	if r.Take() != &a || r.Take() != &b || r.Take() != nil {
		t.Error("not in the order of events")
	}
	a.SetMask(0)
	q.Notify(In | Err | Hup)
	if r.First() != nil {
		t.Error("listed although nothing is asked for")
	}
	a.SetMask(In)
	q.Notify(In)
	a.Leave()
	if r.First() != nil {
		t.Error("still listed")
	}
	q.Notify(In)
	if r.First() != nil {
		t.Error("still registered")
	}
}

func TestExclusiveWaitersTakeTurns(t *testing.T) {
	var q Queue
	ws := []*Waiter{New(), New(), New()}
	es := make([]Entry, 3)
	for i := range ws {
		q.AddExclusive(&es[i], ws[i], In)
	}
	all := New()
	var e Entry
	q.Add(&e, all, In)
	for i, w := range ws {
		q.Notify(In)
		if !w.Sleep(0) && !w.Sleep(1e9) {
			t.Errorf("waiter %d was not woken", i)
		}
		for _, o := range ws {
			if o.Sleep(0) {
				t.Error("more than one was woken")
			}
		}
		if !all.Sleep(1e9) {
			t.Error("one that is not exclusive was not woken")
		}
	}
	q.WakeOne()
	if !ws[0].Sleep(1e9) || all.Sleep(0) {
		t.Error("WakeOne")
	}
}

// Of exclusive watches the first with somebody waiting is enough; those before it are listed.
func TestExclusiveWatches(t *testing.T) {
	var q Queue
	var r [3]Ready
	var w [3]Watch
	for i := range w {
		w[i].Join(&q, &r[i], In, true)
	}
	waiter := New()
	var e Entry
	r[1].Queue().AddExclusive(&e, waiter, In)
	q.Notify(In)
	if r[0].First() == nil || r[1].First() == nil || r[2].First() != nil {
		t.Error("listed wrongly")
	}
	if !waiter.Sleep(1e9) {
		t.Error("not woken")
	}
}

func TestWatchHammer(t *testing.T) {
	var q [4]Queue
	var r Ready
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for range 2000 {
				var w Watch
				w.Join(&q[g], &r, In, g%2 == 0)
				q[(g+1)%4].Notify(In)
				r.Take()
				w.Leave()
			}
		})
	}
	wg.Wait()
	if r.First() != nil {
		t.Error("left over")
	}
	for i := range q {
		if q[i].head != nil || q[i].tail != nil {
			t.Error("left registered")
		}
	}
}

func TestNotifyAllocatesNothing(t *testing.T) {
	var q Queue
	var r Ready
	var w Watch
	w.Join(&q, &r, In, false)
	if n := testing.AllocsPerRun(100, func() {
		q.Notify(In)
		r.Take()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNotifyNobody(b *testing.B) {
	var q Queue
	for b.Loop() {
		q.Notify(In)
	}
}

func BenchmarkNotifyWatch(b *testing.B) {
	var q Queue
	var r Ready
	var w Watch
	w.Join(&q, &r, In, false)
	for b.Loop() {
		q.Notify(In)
		r.Take()
	}
}
