package proc

import (
	"slices"

	"vkernel/internal/guest"
	"vkernel/internal/mm"
	"vkernel/internal/signal"
	"vkernel/internal/state"
	"vkernel/internal/wait"
)

// StateType names the type in what is saved.
func (*Thread) StateType() string { return "proc.Thread" }

// SaveState writes the thread. What it runs in is saved with its space, whose views are numbered. One that has
// ended has nothing but its name and its times. Its last call is the one in which it has parked.
func (t *Thread) SaveState(e *state.Encoder) {
	state.Ref(e, t.process)
	state.Ref(e, t.process.table)
	e.Uint(uint64(t.TID()))
	state.Ref(e, t.sig)
	e.String(t.Name())
	t.cpu.SaveState(e)
	live := t.process.hasThread(t)
	e.Bool(live)
	if live {
		t.saveLive(e)
	}
}

// saveLive writes what a thread has that has not ended.
func (t *Thread) saveLive(e *state.Encoder) {
	state.Ref(e, t.space)
	inst := t.inst
	if inst == nil { // it was killed while its vfork child has the instance, and does not know it yet
		e.Failf("thread %d has no memory any more", t.TID())
		return
	}
	e.Uint(uint64(slices.Index(t.space.Instance().Views(), inst)))
	state.Ref(e, t.vfork)
	e.Bool(t.lending != nil)
	if l := t.lending; l != nil {
		state.Ref(e, l.loan)
		e.Uint(uint64(l.pid))
		l.aside.SaveState(e)
	} else {
		t.pending.SaveState(e)
	}
	e.Len(len(t.frames))
	for k := range t.frames {
		t.frames[k].SaveState(e)
	}
	e.Bool(t.cut)
	e.Uint(uint64(t.entry))
	e.Int(int64(t.index))
	e.Uint(uint64(t.clearTID))
	t.robust.SaveState(e)
	e.Uint(uint64(t.status))
	e.Bool(t.spawned)
	e.Bool(t.halted)
	e.Uint(uint64(t.sig.Work.Load() & (workExit | workStop)))
}

// LoadState reads it. What a call keeps while it runs (deadline, again, progress) is in the pending one.
func (t *Thread) LoadState(d *state.Decoder) {
	t.process = state.Need[*Process](d)
	table := state.Need[*Table](d)
	t.tid.Store(int32(d.Uint(pidMax - 1)))
	t.sig = state.Need[*signal.Thread](d)
	t.SetName(d.String())
	if d.Failed() {
		return
	}
	t.waiter = wait.New()
	t.cpu = table.sched.NewThread(t.waiter, t.preempt)
	t.cpu.LoadState(d)
	if d.Bool() {
		t.loadLive(d)
	}
}

// loadLive reads what saveLive wrote. Its space was loaded before.
func (t *Thread) loadLive(d *state.Decoder) {
	t.space = state.Need[*mm.Space](d)
	k := int(d.Uint(pidMax))
	if d.Failed() {
		return
	}
	if t.space.Instance() == nil {
		d.Failf("thread %d comes before its memory", t.TID())
		return
	}
	views := t.space.Instance().Views()
	if k >= len(views) {
		d.Failf("thread %d runs in view %d of %d", t.TID(), k, len(views))
		return
	}
	t.inst = views[k]
	imports := len(t.inst.Program().Meta.Imports)
	t.vfork = state.Get[*loan](d)
	if d.Bool() {
		t.lending = &lending{loan: state.Need[*loan](d), pid: int(d.Uint(pidMax - 1)), aside: t.inst.LoadAside(d)}
	} else {
		t.pending = new(call)
		t.pending.load(d, imports)
	}
	t.frames = make([]frame, d.Count(8))
	for k := range t.frames {
		t.frames[k].load(d, imports)
	}
	t.cut = d.Bool()
	t.entry = uint32(d.Uint(1<<32 - 1))
	t.index = int(d.Int(callWait, 1<<31-1))
	t.clearTID = guest.Addr(d.Uint(1<<32 - 1))
	t.robust.LoadState(d)
	t.status = int(d.Uint(0xffff))
	t.spawned, t.halted = d.Bool(), d.Bool()
	work := uint32(d.Uint(workExit | workStop))
	if work&signal.Pending != 0 {
		d.Failf("thread %d has work %x", t.TID(), work)
	}
	t.sig.Work.Store(work)
}

// first is what a thread does first: one that was loaded goes on where it parked.
func (t *Thread) first(result int64) (uint64, bool) {
	switch {
	case t.lending != nil:
		pid, e := t.reclaim()
		return t.finish(t.index, Args{}, int64(pid), e)
	case t.pending != nil:
		return t.goOn()
	}
	return t.settle(result)
}

// goOn is attend for the call in which the thread was saved.
//
//go:noinline
func (t *Thread) goOn() (uint64, bool) {
	c := *t.pending
	t.pending = nil
	return t.attend(c)
}
