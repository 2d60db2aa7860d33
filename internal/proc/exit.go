package proc

import (
	"slices"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Exit is exit_group(2): the process ends with a code. Each of its threads sees to it as soon
// as it is out of its call.
func (p *Process) Exit(code int) { p.decide(code & 0xff << 8) }

// Kill ends the process as sig does.
func (p *Process) Kill(sig linux.Signal) { p.decide(int(sig)) }

// decide sets the wait status, if that is not decided yet, and ends all threads.
func (p *Process) decide(status int) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if !p.exiting {
		p.exiting, p.exitStatus = true, status
	}
	for _, t := range p.threads {
		t.sig.Raise(workExit)
	}
}

// exit is the end of a thread, and with the last one of its process.
func (t *Thread) exit() {
	p := t.process
	t.farewell()
	t.kick.Store(nil)
	if t.vfork == nil { // what it has on loan goes back with all else
		p.memory.mu.RLock()
		main := p.memory.now
		p.memory.mu.RUnlock()
		t.leaveInstance(main, t.inst)
		t.inst = nil
	}
	t.sig.End()
	if t.remove() {
		t.last()
		return
	}
	t.cpu.End()
	p.cpu.Remove(t.cpu)
	p.table.finished()
}

// last is the end of a process whose last thread is t.
func (t *Thread) last() {
	p := t.process
	p.timers.stop()
	old := p.memory.set(Memory{})
	p.notePeak(t.leave(old, t.inst))
	t.inst = nil
	p.files.Release()
	t.cpu.End()
	p.cpu.Remove(t.cpu)
	p.releaseTerminal()
	p.Image().drop(&p.table.Arguments)
	if o := p.table.config.Observer; o != nil {
		o.Exit(p, p.exitStatus) // which no longer changes
	}
	p.table.exited(p)
}

// abandon ends a process one of whose threads, t, has crashed in the kernel: with the last
// it leaves the tree, and its memory is not touched again. Locks that the crash left held can
// make closing its files wait for ever, so nobody waits for that.
func (t *Thread) abandon() {
	p := t.process
	t.cpu.End()
	if l := t.vfork; l != nil && l.state.CompareAndSwap(lent, returned) {
		l.parent.waiter.Wake()
	}
	p.decide(int(linux.SIGKILL))
	if t.remove() {
		p.memory.set(Memory{})
		go p.files.Release()
		p.table.exited(p)
	} else {
		p.table.finished()
	}
}

// releaseTerminal takes the terminal from the session that p leads.
func (p *Process) releaseTerminal() {
	p.table.mu.Lock()
	s := p.group.session
	terminal := s.tty
	if s.leader != p {
		terminal = nil
	}
	if s.leader == p {
		s.leader, s.tty = nil, nil
	}
	p.table.mu.Unlock()
	if terminal != nil {
		terminal.Release(int32(s.id))
	}
}

// exited makes a zombie of p, gives its children away, and tells its parent.
func (t *Table) exited(p *Process) {
	t.mu.Lock()
	p.state, p.status = Zombie, p.exitStatus
	p.ended.Notify(wait.In)
	last := p == t.init
	if last {
		t.closing = true
	}
	for _, kid := range p.kids {
		t.adoptLocked(kid, p)
	}
	p.kids = nil
	if parent := p.parent.Load(); parent != nil && parent.group != p.group && parent.group.session == p.group.session {
		t.orphanLocked(p.group, p)
	}
	t.buryLocked(p)
	t.ended = t.ended.Plus(p.cpu.Times())
	t.living--
	over := t.living == 0
	t.finishedLocked()
	t.mu.Unlock()
	if last {
		t.killAll()
	}
	if over {
		close(t.done)
	}
}

// adoptLocked gives kid, a child of the dying p, to the nearest subreaper above, or to
// init.
func (t *Table) adoptLocked(kid, p *Process) {
	to := p.parent.Load()
	for to != nil && to != t.init && !(to.subreaper.Load() && to.state < Zombie) {
		to = to.parent.Load()
	}
	if to == nil && p != t.init && t.init.state < Zombie {
		to = t.init // p was started beside it (Spawn)
	}
	kid.parent.Store(to)
	if sig := linux.Signal(kid.deathSignal.Load()); sig != 0 {
		kid.signalLocked(linux.InfoFrom(sig, linux.SI_USER, p.pid, p.Cred().UID), kid.sig.Send)
	}
	if to == nil { // init itself is dying
		if kid.state == Zombie {
			t.reapLocked(kid, nil)
		}
		return
	}
	kid.exitSignal = linux.SIGCHLD
	to.kids = append(to.kids, kid)
	if kid.group != p.group && kid.group.session == p.group.session {
		t.orphanLocked(kid.group, nil)
	}
	if kid.state == Zombie {
		t.buryLocked(kid)
	}
}

// orphanLocked sends SIGHUP and SIGCONT to a group that has become orphaned, if a member
// is stopped: nobody is left to continue it.
func (t *Table) orphanLocked(g *Group, without *Process) {
	if !g.hasStoppedLocked() || !g.orphanedLocked(without) {
		return
	}
	for m := range g.members {
		m.signalLocked(linux.Info(linux.SIGHUP, linux.SI_KERNEL), m.sig.Send)
		m.signalLocked(linux.Info(linux.SIGCONT, linux.SI_KERNEL), m.sig.Send)
	}
}

// buryLocked tells the parent of the zombie p, and reaps p if the parent does not care.
func (t *Table) buryLocked(p *Process) {
	parent := p.parent.Load()
	if parent == nil || parent.state >= Zombie {
		t.reapLocked(p, nil)
		return
	}
	careless := false
	if sig := p.exitSignal; sig != 0 {
		if sig == linux.SIGCHLD {
			a := parent.sig.Action(sig)
			careless = a.Handler == linux.SIG_IGN || a.Flags&linux.SA_NOCLDWAIT != 0
		}
		code, status := exitCode(p.status)
		info := p.childInfo(code, status)
		info.Signo = int32(sig)
		parent.sig.Send(info)
	}
	if careless {
		t.reapLocked(p, parent)
	}
	parent.notifyWaiters()
}

// exitCode splits a wait status into the code and status of a siginfo.
func exitCode(status int) (code, value int32) {
	if sig := status & 0x7f; sig != 0 {
		return linux.CLD_KILLED, int32(sig)
	}
	return linux.CLD_EXITED, int32(status >> 8 & 0xff)
}

// reapLocked takes a zombie out of the table. init's status stays to be read.
func (t *Table) reapLocked(p, parent *Process) {
	p.state = Dead
	p.ended.Notify(wait.In | wait.Hup)
	t.leaveLocked(p, p.group)
	if parent != nil {
		parent.kids = slices.DeleteFunc(parent.kids, func(k *Process) bool { return k == p })
	}
	t.releaseLocked(p.pid)
}

// notifyWaiters wakes who waits for p's children.
func (p *Process) notifyWaiters() { p.children.Notify(wait.In) }
