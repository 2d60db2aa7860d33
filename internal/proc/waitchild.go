package proc

import (
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/wait"
)

// Waited is what a wait found.
type Waited struct {
	PID    int
	UID    uint32
	Code   int32 // linux.CLD_*
	Value  int32 // exit code or signal
	Status int   // wait status
	Usage  Usage
}

// WaitChild waits for a change of a child: of all, of one (P_PID) or of a process group
// (P_PGID, 0 for the caller's). The zero Waited, without error, means none with WNOHANG.
func (t *Thread) WaitChild(which, id int, options uint32) (w Waited, e linux.Errno) {
	p := t.process
	_, e = t.Block(&p.children, wait.In, time.Time{}, func() (int64, linux.Errno) {
		w, e = p.scan(which, id, options)
		if e == linux.EAGAIN && options&linux.WNOHANG != 0 {
			e = 0
		}
		return 0, e
	})
	return w, e
}

// scan looks for a child with news: EAGAIN if none has any, ECHILD if none ever can.
func (p *Process) scan(which, id int, options uint32) (Waited, linux.Errno) {
	t := p.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if which == linux.P_PGID && id == 0 {
		id = p.group.id
	}
	e := linux.ECHILD
	for _, kid := range p.kids {
		if !kid.matchesLocked(which, id, options) {
			continue
		}
		e = linux.EAGAIN
		if w, ok := p.newsLocked(kid, options); ok {
			return w, 0
		}
	}
	return Waited{}, e
}

// matchesLocked reports whether a wait is for p. Children that send no SIGCHLD are for
// __WCLONE and __WALL.
func (p *Process) matchesLocked(which, id int, options uint32) bool {
	if options&linux.WALL == 0 && (p.exitSignal != linux.SIGCHLD) != (options&linux.WCLONE != 0) {
		return false
	}
	switch which {
	case linux.P_PID:
		return p.pid == id
	case linux.P_PGID:
		return p.group.id == id
	}
	return true
}

// newsLocked takes the news of kid that options ask for.
func (p *Process) newsLocked(kid *Process, options uint32) (Waited, bool) {
	w := Waited{PID: kid.pid, UID: kid.Cred().UID}
	keep := options&linux.WNOWAIT != 0
	switch {
	case kid.state == Zombie && options&linux.WEXITED != 0:
		w.Status = kid.status
		w.Code, w.Value = exitCode(kid.status)
		w.Usage = kid.finalLocked()
		if !keep {
			p.waited.add(w.Usage)
			p.table.reapLocked(kid, p)
		}
	case kid.state == Stopped && kid.stopNews && options&linux.WUNTRACED != 0:
		w.Code, w.Value = linux.CLD_STOPPED, int32(kid.stopSignal)
		w.Status = int(kid.stopSignal)<<8 | 0x7f
		kid.stopNews = keep
	case kid.state < Zombie && kid.contNews && options&linux.WCONTINUED != 0:
		w.Code, w.Value = linux.CLD_CONTINUED, int32(linux.SIGCONT)
		w.Status = 0xffff
		kid.contNews = keep
	default:
		return w, false
	}
	return w, true
}

// finalLocked is what a zombie used, its own waited children included.
func (p *Process) finalLocked() Usage {
	u := p.used()
	u.add(p.waited)
	return u
}
