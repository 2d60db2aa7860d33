package proc

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/signal"
	"vkernel/internal/state"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/tty"
)

// StateType names the type in what is saved.
func (*Process) StateType() string { return "proc.Process" }

// SaveState writes the process. A zombie has neither files nor a program. exec is nobody at a cut.
func (p *Process) SaveState(e *state.Encoder) {
	e.Uint(uint64(p.pid))
	state.Ref(e, p.table)
	e.Uint(uint64(p.state))
	if p.state < Zombie {
		state.Ref(e, p.files)
		state.Ref(e, p.memory.now.Space)
		state.Ref(e, p.Image())
		p.saveScripts(e)
		state.RefAny(e, p.Foreign())
	}
	state.Ref(e, p.fs)
	state.Ref(e, p.sig)
	p.limits.SaveState(e)
	p.Cred().SaveState(e)
	state.Ref(e, p.leader.Load())
	e.Len(len(p.threads))
	for _, t := range p.threads {
		state.Ref(e, t)
	}
	p.timers.SaveState(e)
	e.Deadline(p.started)
	state.Ref(e, p.parent.Load())
	e.Len(len(p.kids))
	for _, k := range p.kids {
		state.Ref(e, k)
	}
	state.Ref(e, p.group)
	e.Uint(p.maxRSS.Load())
	p.cpu.SaveState(e)
	p.inherited.SaveState(e)
	e.Uint(uint64(p.stopSignal))
	e.Uint(uint64(p.exitSignal))
	for _, n := range []int{p.status, p.exitStatus, p.stopping} {
		e.Uint(uint64(n))
	}
	for _, b := range []bool{p.stopNews, p.contNews, p.execed, p.exiting} {
		e.Bool(b)
	}
	e.Uint(p.continues)
	p.waited.SaveState(e)
}

// LoadState reads it.
func (p *Process) LoadState(d *state.Decoder) {
	p.pid = int(d.Uint(pidMax - 1))
	p.table = state.Need[*Table](d)
	p.state = State(d.Uint(uint64(Dead)))
	if p.state < Zombie {
		p.files = state.Need[*fd.Table](d)
		p.memory.now.Space = state.Need[*mm.Space](d)
		p.image.Store(state.Get[*Image](d))
		p.loadScripts(d)
		if f := state.Get[Foreign](d); f != nil {
			p.SetForeign(f)
		}
	} else {
		p.files = fd.NewTable()
	}
	p.fs = state.Need[*vfs.Context](d)
	p.sig = state.Need[*signal.State](d)
	p.limits = new(Limits)
	p.limits.LoadState(d)
	cred := new(Cred)
	cred.LoadState(d)
	p.cred.Store(cred)
	p.leader.Store(state.Need[*Thread](d))
	for range d.Count(1) {
		p.threads = append(p.threads, state.Need[*Thread](d))
	}
	p.timers.owner = p
	p.timers.LoadState(d)
	p.started = d.Deadline()
	p.parent.Store(state.Get[*Process](d))
	for range d.Count(1) {
		p.kids = append(p.kids, state.Need[*Process](d))
	}
	p.group = state.Need[*Group](d)
	p.maxRSS.Store(d.Uint(math.MaxUint64))
	p.cpu.LoadState(d)
	p.inherited.LoadState(d)
	p.stopSignal, p.exitSignal = linux.Signal(d.Uint(linux.NSIG)), linux.Signal(d.Uint(linux.NSIG))
	for _, n := range []*int{&p.status, &p.exitStatus, &p.stopping} {
		*n = int(d.Uint(0xffff))
	}
	for _, b := range []*bool{&p.stopNews, &p.contNews, &p.execed, &p.exiting} {
		*b = d.Bool()
	}
	p.continues = d.Uint(math.MaxUint64)
	p.waited.LoadState(d)
	if p.pid < 1 || (p.state >= Zombie) != (len(p.threads) == 0) || p.state < Zombie && p.Image() == nil && !d.Failed() {
		d.Failf("process %d has %d threads in state %d", p.pid, len(p.threads), p.state)
	}
}

// SaveState writes what a child has from its parent.
func (i *inherited) SaveState(e *state.Encoder) {
	e.Int(int64(i.nice.Load()))
	e.Uint(uint64(i.personality.Load()))
	e.Bool(i.noNewPrivs.Load())
	e.Bool(i.subreaper.Load())
	e.Int(int64(i.deathSignal.Load()))
	e.Int(int64(i.dumpable.Load()))
	e.Int(i.timerSlack.Load())
	i.securebits.SaveState(e)
}

// LoadState reads it.
func (i *inherited) LoadState(d *state.Decoder) {
	i.nice.Store(int32(d.Int(-20, 19)))
	i.personality.Store(uint32(d.Uint(math.MaxUint32)))
	i.noNewPrivs.Store(d.Bool())
	i.subreaper.Store(d.Bool())
	i.deathSignal.Store(int32(d.Int(0, linux.NSIG)))
	i.dumpable.Store(int32(d.Int(0, 2)))
	i.timerSlack.Store(d.Int(0, math.MaxInt64))
	i.securebits.LoadState(d)
}

// StateType names the type in what is saved.
func (*Group) StateType() string { return "proc.Group" }

// SaveState writes the group. Its members say that they are.
func (g *Group) SaveState(e *state.Encoder) {
	e.Uint(uint64(g.id))
	state.Ref(e, g.session)
}

// LoadState reads it.
func (g *Group) LoadState(d *state.Decoder) {
	g.id = int(d.Uint(pidMax - 1))
	g.session = state.Need[*Session](d)
	g.members = map[*Process]struct{}{}
}

// StateType names the type in what is saved.
func (*Session) StateType() string { return "proc.Session" }

// SaveState writes the session. Its groups are counted again.
func (s *Session) SaveState(e *state.Encoder) {
	e.Uint(uint64(s.id))
	state.Ref(e, s.leader)
	state.Ref(e, s.tty)
}

// LoadState reads it.
func (s *Session) LoadState(d *state.Decoder) {
	s.id = int(d.Uint(pidMax - 1))
	s.leader = state.Get[*Process](d)
	s.tty = state.Get[*tty.TTY](d)
	s.groups = 0
}

// loadThreads connects the threads of a process with it.
func (p *Process) loadThreads() error {
	t := p.table
	for _, th := range p.threads {
		tid := th.TID()
		if _, twice := t.threads[tid]; twice || th.process != p || th.inst == nil || tid < 1 {
			return fmt.Errorf("thread %d is there twice, or another process's", tid)
		}
		if _, used := t.processes[tid]; used != (tid == p.pid) {
			return fmt.Errorf("thread %d has the id of a process", tid)
		}
		t.threads[tid] = th
		if tid != p.pid {
			t.processes[tid] = nil
		}
		th.program = p.Image().Target.Program
		if th.space != p.memory.now.Space || th.program.Code != th.inst.Program() {
			return fmt.Errorf("thread %d runs in another memory", tid)
		}
		th.enterSpace(th.space, th.inst, th.program)
		p.cpu.Add(th.cpu)
		th.cpu.SetNice(int(p.nice.Load()))
		th.sig.Connect(th.alarm)
	}
	leader := p.leader.Load()
	if leader.process != p || leader.TID() != p.pid {
		return errors.New("its first thread is another process's")
	}
	return nil
}

// hasThread reports whether t has not ended.
func (p *Process) hasThread(t *Thread) bool { return slices.Contains(p.threads, t) }

// StateType names the type in what is saved.
func (*loan) StateType() string { return "proc.loan" }

// SaveState writes the loan.
func (l *loan) SaveState(e *state.Encoder) {
	state.Ref(e, l.parent)
	state.Ref(e, l.outer)
	e.Uint(uint64(l.state.Load()))
}

// LoadState reads it.
func (l *loan) LoadState(d *state.Decoder) {
	l.parent = state.Need[*Thread](d)
	l.outer = state.Get[*loan](d)
	l.state.Store(uint32(d.Uint(abandoned)))
	d.After(func() error {
		n := 0
		for o := l; o != nil; o = o.outer {
			if n++; n > pidMax {
				return errors.New("a loan of itself")
			}
		}
		return nil
	})
}
