package proc

import "vkernel/internal/linux"

// stop stops the process because of sig, unless it was continued since the signal was
// taken: then the number of continues is no longer the given one. The process is stopped
// when all its threads have halted; t has.
func (t *Thread) stop(sig linux.Signal, continues uint64) {
	p := t.process
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if p.continues != continues || p.state != Running || p.stopping != 0 || p.exiting {
		return
	}
	if sig != linux.SIGSTOP && p.group.orphanedLocked(nil) {
		return
	}
	p.stopSignal, p.stopping = sig, len(p.threads)
	for _, o := range p.threads {
		o.halted = false
		o.sig.Raise(workStop)
	}
	t.haltedLocked()
}

// halt sleeps while the process is stopped, or until somebody wants something else.
func (t *Thread) halt() {
	t.process.table.mu.Lock()
	t.haltedLocked()
	t.process.table.mu.Unlock()
	t.rest(-1)
}

// haltedLocked counts t as halted, once in each stop.
func (t *Thread) haltedLocked() {
	p := t.process
	if t.halted || p.stopping == 0 {
		return
	}
	t.halted = true
	if p.stopping--; p.stopping == 0 && p.state == Running {
		p.state, p.stopNews, p.contNews = Stopped, true, false
		p.tellParentLocked(linux.CLD_STOPPED, int32(p.stopSignal))
	}
}

// joinStopLocked makes a new thread take part in a stop of its process.
func (t *Thread) joinStopLocked() {
	p := t.process
	switch {
	case p.state == Stopped:
		t.halted = true
	case p.stopping != 0:
		p.stopping++
	default:
		return
	}
	t.sig.Raise(workStop)
}

// continueLocked lets a stopped process run. byCont tells SIGCONT from SIGKILL.
func (p *Process) continueLocked(byCont bool) {
	p.continues++
	if p.state != Stopped && p.stopping == 0 {
		return
	}
	for _, t := range p.threads {
		t.sig.Work.And(^uint32(workStop))
		t.waiter.Wake()
	}
	p.stopping = 0
	if p.state != Stopped {
		return // it was not yet complete
	}
	p.state, p.stopNews = Running, false
	if byCont {
		p.contNews = true
		p.tellParentLocked(linux.CLD_CONTINUED, int32(linux.SIGCONT))
	}
}
