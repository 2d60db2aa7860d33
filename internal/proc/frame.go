package proc

import (
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/signal"
)

// frame is a signal handler that runs: what was before it.
type frame struct {
	before  signal.Set // the mask to return to, unless the handler changes uc_sigmask
	call    call       // the call that it interrupted, finished or to be done again
	context guest.Addr // of the ucontext, 0 if there is none
	cut     bool       // the first call after it is cut short
}

// redZone is what compiled code uses below its __stack_pointer without lowering it.
const redZone = 128

// sizeofContext is room for a ucontext_t.
const sizeofContext = 1024

// ucontext is the beginning of ucontext_t. Registers are not in the guest's reach.
type ucontext struct {
	Flags   uint64
	Link    uint32
	Stack   linux.Stack
	Machine [256]byte
	Mask    signal.Set
}

// contextCut is a bit of ucontext.Flags that a handler sets to cut short what it interrupted,
// whatever SA_RESTART says: a call, which then is not done again but EINTR, or the next call
// if the guest was between two, which then does not sleep. It is how a C library cancels a
// thread at the moment before a call that would block.
const contextCut = 1 << 31

// enter begins a handler on top of what the guest did, with the siginfo and the ucontext on
// the guest's own stack, or on the alternate one.
func (t *Thread) enter(info *linux.SigInfo, a *signal.Action, f *frame) linux.Errno {
	sp := t.inst.StackPointer()
	if sp == 0 {
		return t.inst.Call(a.Handler, uint64(info.Signo), 0, 0)
	}
	sp -= redZone
	alt := t.sig.Stack()
	if a.Flags&linux.SA_ONSTACK != 0 && alt.Flags&linux.SS_DISABLE == 0 && !OnStack(alt, sp) {
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
	if e := guest.Put(t.mem, context, &ucontext{Stack: alt, Mask: f.before}); e != 0 {
		return e
	}
	if e := guest.Put(t.mem, siginfo, info); e != 0 {
		return e
	}
	f.context = context
	return t.inst.CallAt(siginfo, a.Handler, uint64(info.Signo), uint64(siginfo), uint64(context))
}

// leaveHandler takes down the frame of a handler that has returned. It gives what the handler
// interrupted.
func (t *Thread) leaveHandler() call {
	last := len(t.frames) - 1
	f := t.frames[last]
	mask := f.before
	if f.context != 0 {
		if u, e := guest.Get[ucontext](t.mem, f.context); e == 0 {
			mask = u.Mask
			if u.Flags&contextCut != 0 {
				t.cutFrames()
				f = t.frames[last]
			}
		}
	}
	t.frames = t.frames[:last]
	t.sig.SetMask(mask)
	t.cut = t.cut || f.cut
	return f.call
}

// cutFrames cuts short what all handlers that run have interrupted.
func (t *Thread) cutFrames() {
	for i := range t.frames {
		if f := &t.frames[i]; f.call.index == none.index {
			f.cut = true
		} else {
			f.call.cut()
		}
	}
}

// cut makes a call that was interrupted end, if it may.
func (c *call) cut() {
	c.settleFor()
	if restarts(c.e) && c.e != ERESTARTNOINTR {
		c.e = linux.EINTR
	}
}

// OnStack reports whether sp lies in the alternate stack.
func OnStack(s linux.Stack, sp uint32) bool {
	return s.Flags&linux.SS_DISABLE == 0 && s.Size != 0 && sp > s.SP && sp-s.SP <= s.Size
}
