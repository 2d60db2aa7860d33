package proc

import (
	"vkernel/internal/linux"
	"vkernel/internal/vfs/tty"
)

// Group is a process group. Guarded by Table.mu.
type Group struct {
	id      int
	session *Session
	members map[*Process]struct{} // zombies included
}

// Session is a session. Guarded by Table.mu.
type Session struct {
	id     int
	leader *Process // nil once it has exited
	groups int
	tty    *tty.TTY // its controlling terminal
}

// joinLocked moves p to the group id of the session, which is made if there is none.
func (t *Table) joinLocked(p *Process, id int, s *Session) {
	g := t.groups[id]
	if g == nil {
		g = &Group{id: id, session: s, members: map[*Process]struct{}{}}
		t.groups[id] = g
		t.sessions[s.id] = s
		s.groups++
	}
	old := p.group
	if old == g {
		return
	}
	g.members[p] = struct{}{}
	p.group = g
	if old != nil {
		t.leaveLocked(p, old)
	}
}

// leaveLocked takes p out of g, which ends with its last member.
func (t *Table) leaveLocked(p *Process, g *Group) {
	delete(g.members, p)
	if len(g.members) == 0 {
		delete(t.groups, g.id)
		if g.session.groups--; g.session.groups == 0 {
			delete(t.sessions, g.session.id)
		}
	}
}

// Group is the id of p's process group, 0 if it is dead.
func (p *Process) Group() int32 {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return int32(p.group.id)
}

// Session is the id of p's session.
func (p *Process) Session() int32 {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return int32(p.group.session.id)
}

// SetGroup is setpgid(2) by p for itself or a child; id 0 means the target's own.
func (p *Process) SetGroup(pid, id int) linux.Errno {
	t := p.table
	t.mu.Lock()
	defer t.mu.Unlock()
	target := p
	if pid != 0 && pid != p.pid {
		if target = t.processes[pid]; target != nil && target.parent.Load() != p {
			target = nil
		}
	}
	if id == 0 && target != nil {
		id = target.pid
	}
	switch {
	case id < 0:
		return linux.EINVAL
	case target == nil || target.state == Dead:
		return linux.ESRCH
	case target.group.session != p.group.session, target.group.session.id == target.pid:
		return linux.EPERM
	case target != p && target.execed:
		return linux.EACCES
	}
	if g := t.groups[id]; id != target.pid && (g == nil || g.session != p.group.session) {
		return linux.EPERM
	}
	t.joinLocked(target, id, p.group.session)
	return 0
}

// SetSession is setsid(2).
func (p *Process) SetSession() linux.Errno {
	t := p.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.group.session.leader == p || t.groups[p.pid] != nil {
		return linux.EPERM
	}
	t.joinLocked(p, p.pid, &Session{id: p.pid, leader: p})
	return 0
}

// orphanedLocked reports whether the group is orphaned, with p not counted: no member has a
// parent in another group of the same session.
func (g *Group) orphanedLocked(without *Process) bool {
	for m := range g.members {
		parent := m.parent.Load()
		if m == without || m.state >= Zombie || parent == nil {
			continue
		}
		if parent.group != nil && parent.group != g && parent.group.session == g.session {
			return false
		}
	}
	return true
}

// hasStoppedLocked reports whether a member is stopped.
func (g *Group) hasStoppedLocked() bool {
	for m := range g.members {
		if m.state == Stopped {
			return true
		}
	}
	return false
}

// Members lists the members of a process group.
func (t *Table) Members(id int) []*Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.groups[id]
	if g == nil {
		return nil
	}
	all := make([]*Process, 0, len(g.members))
	for m := range g.members {
		all = append(all, m)
	}
	return all
}
