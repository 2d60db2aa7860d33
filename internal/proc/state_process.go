package proc

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

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

// saveScripts writes the scripts that the program has still to open: what was hashed.
func (p *Process) saveScripts(e *state.Encoder) {
	list := p.scripts.Load()
	if list == nil {
		e.Len(0)
		return
	}
	e.Len(len(*list))
	for k := range *list {
		s := &(*list)[k]
		e.String(s.name)
		for _, v := range []uint32{s.perm.Mode, s.perm.UID, s.perm.GID} {
			e.Uint(uint64(v))
		}
		s.at.SaveState(e)
		state.Ref(e, s.file)
	}
}

// loadScripts reads them.
func (p *Process) loadScripts(d *state.Decoder) {
	n := d.Count(4)
	if n > maxPending {
		d.Failf("%d scripts are to be opened", n)
	}
	var list []script
	for range min(n, maxPending) {
		s := script{name: d.String()}
		for _, v := range []*uint32{&s.perm.Mode, &s.perm.UID, &s.perm.GID} {
			*v = uint32(d.Uint(math.MaxUint32))
		}
		s.at.LoadState(d)
		s.file = state.Need[*vfs.Sealed](d)
		list = append(list, s)
	}
	if len(list) > 0 {
		p.scripts.Store(&list)
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

// StateType names the type in what is saved.
func (*Image) StateType() string { return "proc.Image" }

// SaveState writes what the process executes: by the digest of its file, its entry, and those that hold its policy. What
// that is now, the hash rule says when it is loaded.
func (i *Image) SaveState(e *state.Encoder) {
	e.Raw(i.digest[:])
	e.String(i.Target.Entry)
	e.Strings(i.Target.Program.Policy.Holders())
	i.Exe.SaveState(e)
	e.Strings(i.Argv)
	e.Strings(i.Env)
}

// LoadState reads it. scripts has been passed on to the process by now; size and users are counted again.
func (i *Image) LoadState(d *state.Decoder) {
	copy(i.digest[:], d.Raw(len(i.digest)))
	i.Target.Entry, i.held = d.String(), d.Strings()
	i.Exe.LoadState(d)
	i.Argv, i.Env = d.Strings(), d.Strings()
}

// loadImage asks the hash rule whether the program of p may still run, and counts its arguments.
func (t *Table) loadImage(i *Image, p *Process) error {
	target, reason := t.config.Programs.Decide(Request{Digest: i.digest, Again: &Held{i.Target.Entry, i.held}})
	if reason == "" && target.Program == nil {
		reason = "it is a script now"
	}
	if reason != "" {
		return fmt.Errorf("entry %s (%x): %s", i.Target.Entry, i.digest[:8], reason)
	}
	if target.Program.Code != p.memory.now.Space.Instance().Program() {
		return fmt.Errorf("entry %s is another program than its memory's", i.Target.Entry)
	}
	i.Target = target
	if !i.hold(&t.Arguments) {
		return errors.New("the arguments of all processes are too long")
	}
	return nil
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

// SaveState writes the timers.
func (s *timers) SaveState(e *state.Encoder) {
	for _, t := range append(s.interval[:], s.limit) {
		e.Bool(t != nil)
		if t != nil {
			t.SaveState(e)
		}
	}
	ids := make([]int32, 0, len(s.posix))
	for id := range s.posix {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	e.Len(len(ids))
	for _, id := range ids {
		s.posix[id].SaveState(e)
	}
	e.Uint(uint64(s.nextID))
	e.Bool(s.stopped)
}

// LoadState reads them. rearm arms them.
func (s *timers) LoadState(d *state.Decoder) {
	for k, at := range []**timer{&s.interval[0], &s.interval[1], &s.interval[2], &s.limit} {
		if !d.Bool() {
			continue
		}
		*at = new(timer)
		(*at).LoadState(d)
		if want := timerKind(k); (*at).kind != want && !(k == 3 && (*at).kind == cpuLimit) {
			d.Failf("timer %d is another", k)
		}
	}
	n := d.Count(10)
	if n > maxTimers {
		d.Failf("%d timers", n)
	}
	for range min(n, maxTimers) {
		t := new(timer)
		t.LoadState(d)
		if d.Failed() {
			return
		}
		if s.posix == nil {
			s.posix = map[int32]*timer{}
		}
		if t.kind != posixTimer || s.posix[t.number] != nil {
			d.Failf("timer %d is there twice", t.number)
		}
		s.posix[t.number] = t
	}
	s.nextID = int32(d.Uint(math.MaxInt32))
	s.stopped = d.Bool()
}

// SaveState writes a timer. Its end on the wall clock is a moment; on a CPU clock it is what that shows.
func (t *timer) SaveState(e *state.Encoder) {
	e.Uint(uint64(t.kind))
	t.clock.SaveState(e)
	e.Bool(t.host != nil || t.firing)
	if t.clock.cpu() {
		e.Duration(t.end)
	} else {
		e.Deadline(wallStart.Add(t.end))
	}
	e.Duration(t.period)
	e.Uint(uint64(t.overrun))
	e.Uint(uint64(uint32(t.id)))
	e.Uint(uint64(t.number))
	e.Uint(uint64(t.signal))
	e.Uint(t.value)
	state.Ref(e, t.to)
}

// LoadState reads it, not armed yet: firing says that it is to be. rounds begin anew, and ticks is counted again.
func (t *timer) LoadState(d *state.Decoder) {
	t.kind = timerKind(d.Uint(uint64(cpuLimit)))
	t.clock.LoadState(d)
	t.rounds, t.ticks, t.host = 0, false, nil
	t.firing = d.Bool()
	if t.clock.cpu() {
		t.end = time.Duration(d.Int(0, 1<<62))
	} else {
		t.end = d.Deadline().Sub(wallStart)
	}
	t.period = time.Duration(d.Int(0, 1<<62))
	t.overrun = int32(d.Uint(math.MaxInt32))
	t.id = int32(uint32(d.Uint(math.MaxUint32)))
	t.number = int32(d.Uint(math.MaxInt32))
	t.signal = linux.Signal(d.Uint(linux.NSIG))
	t.value = d.Uint(math.MaxUint64)
	t.to = state.Get[*Thread](d)
	if t.period != 0 && t.period < leastInterval {
		d.Failf("a timer that fires each %v", t.period)
	}
}

// rearm arms the timers that were armed when they were saved.
func (s *timers) rearm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(s.interval[:], s.limit)
	for _, t := range s.posix {
		all = append(all, t)
	}
	for _, t := range all {
		if t == nil || !t.firing {
			continue
		}
		t.firing = false
		if s.stopped {
			continue
		}
		s.countLocked(t, t.period > 0 || t.clock.cpu())
		s.armLocked(t, max(t.clock.reaches(t.end), s.least()))
	}
}

// SaveState writes a clock.
func (c *Clock) SaveState(e *state.Encoder) {
	state.Ref(e, c.process)
	state.Ref(e, c.thread)
	e.Bool(c.user)
}

// LoadState reads it.
func (c *Clock) LoadState(d *state.Decoder) {
	c.process, c.thread, c.user = state.Get[*Process](d), state.Get[*Thread](d), d.Bool()
	if c.process != nil && c.thread != nil || c.user && c.process == nil {
		d.Failf("a clock of two")
	}
}
