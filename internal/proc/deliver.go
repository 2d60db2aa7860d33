package proc

import (
	"vkernel/internal/linux"
	"vkernel/internal/signal"
)

// attend sees to the thread's Work and to its run slot, and finishes the call c: it returns
// what the guest gets, or alive false when the thread has ended. It is called whenever the
// guest is out and something may have happened.
func (t *Thread) attend(c call) (result uint64, alive bool) {
	if t.cut && c.index != none.index {
		t.cut = false
		c.cut()
	}
	for {
		switch work := t.sig.Work.Load(); {
		case work&workExit != 0:
			t.exit()
			return 0, false
		case work&workFreeze != 0:
			c = t.parkCall(c)
			continue
		case work&workStop != 0:
			t.halt()
			continue
		case work&signal.Pending != 0:
			if t.deliver(&c) {
				c = none // what the handler interrupted is in its frame
			}
			continue
		}
		if restarts(c.e) {
			c = t.redo(c)
		} else if t.cpu.Enter(&t.sig.Work) {
			return uint64(c.e.Result(c.n)), true
		}
	}
}

// deliver takes one signal and does what its action says. It reports whether a handler is
// to run.
func (t *Thread) deliver(c *call) (entered bool) {
	continues := t.process.continued()
	info, action, before, ok := t.sig.Next()
	if !ok {
		return false
	}
	sig := linux.Signal(info.Signo)
	if o := t.Table().config.Observer; o != nil {
		o.Signal(t, &info)
	}
	switch action.Disposition(sig) {
	case signal.Handle:
		c.interruptedBy(action.Flags)
		f := frame{before: before, call: *c}
		if t.enter(&info, &action, &f) != 0 {
			t.process.Kill(linux.SIGSEGV) // no room for the handler: as on Linux
			return false
		}
		t.frames = append(t.frames, f)
		return true
	case signal.Stop:
		t.stop(sig, continues)
	case signal.Terminate:
		t.process.Kill(sig)
	}
	return false
}

func (p *Process) continued() uint64 {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.continues
}
