package proc

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
)

// frame is a signal handler that runs: what was before it.
type frame struct {
	before signal.Set // the mask to return to
	call   call       // the call that it interrupted, finished or to be done again
}

// attend sees to the thread's Work and to its run slot, and finishes the call c: it returns
// what the guest gets, or alive false when the thread has ended. It is called whenever the
// guest is out and something may have happened.
func (t *Thread) attend(c call) (result uint64, alive bool) {
	for {
		switch work := t.sig.Work.Load(); {
		case work&workExit != 0:
			t.exit()
			return 0, false
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
		if t.enter(&info, &action) != 0 {
			t.process.Kill(linux.SIGSEGV) // no room for the handler: as on Linux
			return false
		}
		t.frames = append(t.frames, frame{before, *c})
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

// redZone is what compiled code uses below its __stack_pointer without lowering it.
const redZone = 128

// sizeofContext is room for a ucontext_t, of which uc_sigmask alone would mean anything
// here: registers are not in the guest's reach.
const sizeofContext = 1024

// enter begins a handler on top of what the guest did, with the siginfo and an empty
// ucontext on the guest's own stack, or on the alternate one.
func (t *Thread) enter(info *linux.SigInfo, a *signal.Action) linux.Errno {
	sp := t.inst.StackPointer()
	if sp == 0 {
		return t.inst.Call(a.Handler, uint64(info.Signo), 0, 0)
	}
	sp -= redZone
	if alt := t.sig.Stack(); a.Flags&linux.SA_ONSTACK != 0 && alt.Flags&linux.SS_DISABLE == 0 && !OnStack(alt, sp) {
		sp = alt.SP + alt.Size
	}
	context := (sp - sizeofContext) &^ 15
	siginfo := context - linux.SizeofSigInfo
	if context > sp || siginfo > context {
		return linux.EFAULT
	}
	if e := t.mem.Clear(context, sizeofContext); e != 0 {
		return e
	}
	if e := guest.Put(t.mem, siginfo, info); e != 0 {
		return e
	}
	return t.inst.CallAt(siginfo, a.Handler, uint64(info.Signo), uint64(siginfo), uint64(context))
}

// OnStack reports whether sp lies in the alternate stack.
func OnStack(s linux.Stack, sp uint32) bool {
	return s.Flags&linux.SS_DISABLE == 0 && s.Size != 0 && sp > s.SP && sp-s.SP <= s.Size
}
