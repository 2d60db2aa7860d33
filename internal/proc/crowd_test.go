package proc

import (
	"testing"
	"time"

	"vkernel/internal/linux"
)

// branch adds a thread to p that runs nothing.
func (f *forest) branch(p *Process) *Thread {
	f.t.Helper()
	tid, e := f.reserve(p)
	if e != 0 {
		f.t.Fatal(e)
	}
	t := newThread(p, tid, 0, linux.Stack{Flags: linux.SS_DISABLE})
	if !t.join() {
		f.t.Fatal("a thread cannot join its process")
	}
	return t
}

func TestLastThreadEndsTheProcess(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	p := f.grow(init)
	first, second := p.Thread(), f.branch(p)
	tid := second.TID()
	first.Exit(3)
	first.exit()
	if p.State() != Running {
		t.Fatal("the process ended with its first thread")
	}
	if _, ok := f.FindThread(p.pid); ok {
		t.Error("a thread that has ended is found")
	}
	if found, ok := f.FindThread(tid); !ok || found != second {
		t.Error("the other is not")
	}
	second.Exit(4)
	second.exit()
	if w, _ := init.waitNow(linux.P_ALL, 0, 0); w.PID != p.pid || w.Value != 4 {
		t.Errorf("wait: %+v, want the code of the last thread", w)
	}
	if _, ok := f.FindThread(tid); ok {
		t.Error("a thread that has ended is found")
	}
}

func TestThreadsCount(t *testing.T) {
	f := newForest(t, 3)
	init := f.plant()
	f.branch(init)
	second := f.branch(init)
	if _, e := f.reserve(init); e != linux.EAGAIN {
		t.Errorf("one too many: %v, want EAGAIN", e)
	}
	second.exit()
	if _, e := init.Thread().child(linux.SIGCHLD); e != 0 {
		t.Errorf("after one has ended: %v", e)
	}
}

func TestExitReachesAllThreads(t *testing.T) {
	f := newForest(t, 10)
	p := f.grow(f.plant())
	second := f.branch(p)
	p.Exit(5)
	for _, th := range []*Thread{p.Thread(), second} {
		if th.sig.Work.Load()&workExit == 0 {
			t.Error("a thread does not know that it ends")
		}
	}
	late := newThread(p, 9, 0, linux.Stack{})
	if late.join() {
		t.Error("a thread joined a process that ends")
	}
}

// A stop is told when all threads have halted; one that ends meanwhile counts, and a new one
// takes part.
func TestStopOfMany(t *testing.T) {
	f := newForest(t, 10)
	init := f.plant()
	p := f.grow(init)
	second, third := f.branch(p), f.branch(p)
	second.stop(linux.SIGSTOP, p.continued())
	fourth := f.branch(p)
	for _, th := range []*Thread{p.Thread(), second, third, fourth} {
		if th.sig.Work.Load()&workStop == 0 {
			t.Error("a thread does not know of the stop")
		}
	}
	halt := func(th *Thread) {
		f.mu.Lock()
		defer f.mu.Unlock()
		th.haltedLocked()
	}
	halt(p.Thread())
	halt(p.Thread())
	halt(fourth)
	if p.State() != Running {
		t.Fatal("stopped while a thread ran")
	}
	third.exit()
	if w, e := init.waitNow(linux.P_ALL, 0, linux.WUNTRACED); e != 0 || w.Status != int(linux.SIGSTOP)<<8|0x7f {
		t.Errorf("wait for the stop: %+v %v", w, e)
	}
	if fifth := f.branch(p); fifth.sig.Work.Load()&workStop == 0 {
		t.Error("a thread runs in a stopped process")
	}
	p.Signal(linux.Info(linux.SIGCONT, linux.SI_USER))
	if w, _ := init.waitNow(linux.P_ALL, 0, linux.WCONTINUED); w.Status != 0xffff {
		t.Errorf("wait for the continue: %+v", w)
	}
	// One that is continued before it is complete is told to nobody.
	second.stop(linux.SIGSTOP, p.continued())
	p.Signal(linux.Info(linux.SIGCONT, linux.SI_USER))
	halt(p.Thread())
	if w, _ := init.waitNow(linux.P_ALL, 0, linux.WUNTRACED|linux.WCONTINUED); w.PID != 0 {
		t.Errorf("an incomplete stop was told: %+v", w)
	}
}

// A thread that executes a program waits for the end of the others and becomes the first.
func TestStandAlone(t *testing.T) {
	f := newForest(t, 10)
	p := f.grow(f.plant())
	first, second, third := p.Thread(), f.branch(p), f.branch(p)
	tid := second.TID()
	done := make(chan linux.Errno)
	go func() { done <- second.standAlone() }()
	for deadline := time.Now().Add(5 * time.Second); first.sig.Work.Load()&workExit == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the others are not told")
		}
	}
	if e := third.standAlone(); e != linux.EAGAIN {
		t.Errorf("a second one: %v, want EAGAIN", e)
	}
	if newThread(p, 99, 0, linux.Stack{}).join() {
		t.Error("a thread joined meanwhile")
	}
	first.exit()
	third.exit()
	if e := <-done; e != 0 || second.TID() != p.pid || p.Thread() != second {
		t.Errorf("%v, id %d, want the process's %d", e, second.TID(), p.pid)
	}
	if _, ok := f.FindThread(tid); ok {
		t.Error("its old id is still in use")
	}
	if found, _ := f.FindThread(p.pid); found != second {
		t.Error("it is not found by its new id")
	}
}

func TestCut(t *testing.T) {
	th := new(Thread)
	th.frames = []frame{
		{call: call{index: 3, e: ERESTARTSYS}},
		{call: none},
		{call: call{index: 3, e: ERESTARTNOINTR}},
		{call: call{index: 3, n: 7}},
	}
	th.cutFrames()
	if th.frames[0].call.e != linux.EINTR || th.frames[0].cut {
		t.Error("a call that would be done again is not EINTR")
	}
	if !th.frames[1].cut {
		t.Error("between two calls the next one is not cut short")
	}
	if th.frames[2].call.e != ERESTARTNOINTR || th.frames[3].call.e != 0 || th.frames[3].call.n != 7 {
		t.Error("a call was changed that cannot be interrupted, or was done")
	}
}
