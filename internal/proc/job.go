package proc

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs/tty"
)

// A Process is the tty.Job of its calls, a Table the tty.Jobs of its terminals.
var (
	_ tty.Job  = (*Process)(nil)
	_ tty.Jobs = (*Table)(nil)
)

// Leader reports whether p leads its session.
func (p *Process) Leader() bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.group.session.leader == p
}

// Terminal is the controlling terminal of p's session, nil if there is none.
func (p *Process) Terminal() *tty.TTY {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.group.session.tty
}

// SetTerminal sets the controlling terminal of p's session; nil takes it away if p leads
// the session. (For another process Linux forgets it for that process alone; here the
// session keeps it.)
func (p *Process) SetTerminal(t *tty.TTY) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if s := p.group.session; t != nil || s.leader == p {
		s.tty = t
	}
}

// Orphaned reports whether p's process group is orphaned.
func (p *Process) Orphaned() bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.group.orphanedLocked(nil)
}

// Refuses reports whether p blocks or ignores sig.
func (p *Process) Refuses(sig linux.Signal) bool {
	return p.sig.Ignores(sig) || p.Thread().sig.Mask().Has(sig)
}

// SessionOf gives the session of a process group.
func (p *Process) SessionOf(group int32) (int32, bool) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	g := p.table.groups[int(group)]
	if g == nil {
		return 0, false
	}
	return int32(g.session.id), true
}

// Privileged reports whether p has CAP_SYS_ADMIN.
func (p *Process) Privileged() bool { return p.Cred().Super() }

// SignalGroup sends sig to every process of a group, from the kernel.
func (t *Table) SignalGroup(group int32, sig linux.Signal) {
	for _, p := range t.Members(int(group)) {
		p.Signal(linux.Info(sig, linux.SI_KERNEL))
	}
}

// Hangup tells a session that its terminal is gone.
func (t *Table) Hangup(terminal *tty.TTY, session, foreground int32) {
	t.mu.Lock()
	var leader *Process
	if s := t.sessions[int(session)]; s != nil && s.tty == terminal {
		s.tty, leader = nil, s.leader
	}
	t.mu.Unlock()
	for _, sig := range []linux.Signal{linux.SIGHUP, linux.SIGCONT} {
		if leader != nil {
			leader.Signal(linux.Info(sig, linux.SI_KERNEL))
		}
		for _, p := range t.Members(int(foreground)) {
			if p != leader {
				p.Signal(linux.Info(sig, linux.SI_KERNEL))
			}
		}
	}
}

// Signal sends a signal to the process. Permission is the caller's.
func (p *Process) Signal(info linux.SigInfo) linux.Errno {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.signalLocked(info, p.sig.Send)
}

// Signal sends a signal to the thread alone. Permission is the caller's.
func (t *Thread) Signal(info linux.SigInfo) linux.Errno {
	p := t.process
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.signalLocked(info, t.sig.Send)
}

// signalLocked sends a signal. SIGCONT and SIGKILL end a stop at once, whoever takes them.
func (p *Process) signalLocked(info linux.SigInfo, send func(linux.SigInfo) linux.Errno) linux.Errno {
	if p.state >= Zombie {
		return 0
	}
	if sig := linux.Signal(info.Signo); sig == linux.SIGCONT || sig == linux.SIGKILL {
		p.continueLocked(sig == linux.SIGCONT)
	}
	return send(info)
}

// tellParentLocked tells the parent of a stop or continue: SIGCHLD, and whoever waits.
func (p *Process) tellParentLocked(code, status int32) {
	parent := p.parent.Load()
	if parent == nil {
		return
	}
	if parent.sig.Action(linux.SIGCHLD).Flags&linux.SA_NOCLDSTOP == 0 {
		parent.sig.Send(p.childInfo(code, status))
	}
	parent.notifyWaiters()
}

// childInfo is the siginfo of a SIGCHLD about p.
func (p *Process) childInfo(code, status int32) linux.SigInfo {
	cpu := p.cpu.Times()
	return linux.InfoChild(code, p.pid, p.Cred().UID, status, linux.ToTicks(cpu.User), linux.ToTicks(cpu.System))
}
