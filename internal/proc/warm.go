package proc

import (
	"slices"
	"sync/atomic"

	"vkernel/internal/engine"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/mutant"
	"vkernel/internal/policy"
	"vkernel/internal/signal"
)

// A program that takes long to get ready calls vkernel.ready when it is, and execve of it may start
// from there: with a copy of a process that was frozen in that call. To everybody else, and to the
// program as far as it asks after its call, the copy is a process that has just executed the program.
// Package kernel makes the frozen processes, and keeps them.

// Warmth says whether a target may start warm. It belongs to one target: a content, its entry and a policy.
type Warmth interface {
	// Warm gives the image that a process may start from, with a use that the caller ends (Release);
	// nil if it has to start cold.
	Warm(s Start) *Warm
	// Reached is told that a process that started cold has called vkernel.ready.
	Reached(p *Process)
}

// Start is what a process brings along that executes a program.
type Start struct {
	Name       string // path of the program's file; "": the image's
	Argv, Env  []string
	Ignored    signal.Set // signals that stay ignored
	Securebits uint32     // as they are in the program
	Confined   bool       // its root directory is not the container's
	Stack      uint64     // RLIMIT_STACK
}

// Warm is a process frozen in its call of vkernel.ready. It is immutable.
type Warm struct {
	space      *mm.Frozen
	program    *engine.Program
	actions    *signal.Actions
	asked      signal.Set // signals whose action has mattered to it
	stack      linux.Stack
	robust     Robust
	securebits uint32
	entry      string
	policy     *policy.Policy
	name       string     // of the file, for copies that no execve starts
	via        [][32]byte // scripts that it has read, see Image
	again      *call      // in which it was frozen, for copies to make again; nil: vkernel.ready

	users atomic.Int32 // who may make copies, and the owner
	made  atomic.Int64 // copies
}

// Suits tells why a process cannot start from the image: empty, if it can.
func (w *Warm) Suits(s Start) string {
	switch {
	case s.Name != "" && s.Name != w.name:
		return "another name" // a program may look for its files beside its own, where others can put theirs
	case s.Securebits != w.securebits && !mutant.Off("warm.securebits"):
		return "other secure bits"
	case s.Ignored&w.asked != 0:
		return "signals are ignored"
	case s.Confined && !mutant.Off("warm.root"):
		return "another root directory"
	case s.Stack < w.space.Stack()+2*leastWarmStack:
		return "a small stack"
	}
	return ""
}

// begins tells why a copy cannot be started as target, which the hash rule gave for the file of the
// image just now; if it is empty, there is one use more.
func (w *Warm) begins(target *Target, s Start) string {
	switch {
	case target.Program == nil || target.Program.Code != w.program || target.Entry != w.entry:
		return "another program than the image's"
	case target.Program.Policy != w.policy:
		return "another policy than the image's"
	}
	if why := w.Suits(s); why != "" {
		return "the image does not suit: " + why
	}
	if !w.Use() {
		return "the image is gone"
	}
	return ""
}

// leastWarmStack is what a copy finds free of its native stack, twice.
const leastWarmStack = 128 << 10

// Use takes a use of the image. It reports false if the owner has let go of it.
func (w *Warm) Use() bool {
	for {
		n := w.users.Load()
		if n == 0 {
			return false
		}
		if w.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends a use. With the last one the image's memory is free; copies go on.
func (w *Warm) Release() {
	if w != nil && w.users.Add(-1) == 0 {
		w.space.Drop()
	}
}

// Bytes is how much memory the image holds.
func (w *Warm) Bytes() uint64 { return w.space.Bytes() }

// Made counts the processes that were made from it.
func (w *Warm) Made() int64 { return w.made.Load() }

// Trim gives up memory that only makes the next copies faster.
func (w *Warm) Trim() { w.space.Trim() }

// Copied tells which copy of a frozen process it is, or was forked from; 0: of none.
func (p *Process) Copied() uint64 {
	if i := p.Image(); i != nil {
		return i.copied
	}
	return 0
}

// copy makes the memory of a process that starts from the image.
func (w *Warm) copy(p *Process) (Memory, linux.Errno) {
	space, inst, e := w.space.New(1, p.spaceLimits())
	if e != 0 {
		return Memory{}, e
	}
	w.made.Add(1)
	if w.again != nil {
		inst.Unanswered()
	}
	return newMemory(space, inst), 0
}

// start gives what the hash rule has to know of t to let it start a program warm.
func (t *Thread) start(f *ExecFile, target *Target, name string) Start {
	_, ignored, _ := t.process.sig.Sets()
	return Start{
		Name: name, Argv: f.argv, Env: f.env, Ignored: ignored, Securebits: t.process.securebits.after(target.Securebits),
		Confined: t.FS().Root() != t.FS().Namespace().Root(), Stack: t.Limit(linux.RLIMIT_STACK),
	}
}

// resumeWarm makes the thread, whose memory is a copy, go on from the image.
func (t *Thread) resumeWarm(w *Warm) {
	t.process.sig.Adopt(w.actions)
	t.sig.SetStack(w.stack)
	t.robust = w.robust
	t.entry = 0
	if w.again != nil {
		c := *w.again
		t.pending = &c
	}
}

// Ready is vkernel.ready of a process that has started cold.
func (t *Thread) Ready() {
	if f := t.Table().config.Ready; f != nil {
		f(t)
	}
}

// AwaitInput makes the table's Input be called when the process is about to read its standard input, or
// waits for it by now; or no more.
func (p *Process) AwaitInput(yes bool) {
	p.awaitsInput.Store(yes)
	if !yes {
		return
	}
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	for _, t := range p.threads {
		t.sig.Raise(workFreeze) // it leaves its call, finds no cut, and makes the call again
	}
}

// AtInput is told that a call of t is about to wait for file n, or to read it.
func (t *Thread) AtInput(n int32) {
	if n == 0 && t.process.awaitsInput.Load() {
		t.Table().config.Input(t)
	}
}

// FreezeInCall makes an image of the process of t, which is in a call that copies make again. See Freeze.
func (t *Thread) FreezeInCall() (*Warm, string) {
	w, refused := t.Freeze(^signal.Set(0)) // it may have asked about any signal
	if w != nil {
		w.again = &call{index: t.index, args: Args(t.inst.Args()[:6]), e: ERESTARTNOINTR}
	}
	return w, refused
}

// Reached tells the target of t that a process of its own is where an image can be made.
func (t *Thread) Reached() {
	if i := t.process.Image(); i != nil && i.Target.Warmth != nil {
		i.Target.Warmth.Reached(t.process)
	}
}

// Freeze makes an image of the process of t, which is in its call of vkernel.ready. asked are the
// signals about whose action it has asked. It is refused, with the reason, if the process has
// anything that a copy could not have: what a process has that has executed a program a moment ago, it may have.
func (t *Thread) Freeze(asked signal.Set) (w *Warm, refused string) {
	if refused = t.unfit(); refused != "" {
		return nil, refused
	}
	p := t.process
	space, e := t.space.Freeze()
	switch e {
	case 0:
	case linux.ENOTSUP:
		return nil, "it shares memory, or keeps some that nobody can read"
	default:
		return nil, "no memory: " + e.Error()
	}
	w = &Warm{
		space: space, program: t.program.Code, actions: p.sig.Actions(), asked: asked, stack: t.sig.Stack(),
		robust: t.robust, securebits: p.securebits.Get(), policy: t.program.Policy,
	}
	if i := p.Image(); i != nil {
		w.entry, w.name, w.via = i.Target.Entry, t.FS().PathString(i.Exe), i.via
	}
	w.users.Store(1)
	return w, ""
}

// unfit says what a process has that copies of it cannot have.
func (t *Thread) unfit() string {
	p := t.process
	pending, _, _ := p.sig.Sets()
	p.table.mu.Lock()
	threads, kids := len(p.threads), len(p.kids)
	p.table.mu.Unlock()
	switch {
	case threads != 1:
		return "it has threads"
	case kids != 0:
		return "it has children"
	case t.vfork != nil:
		return "it runs in its parent's memory"
	case len(t.frames) != 0 || t.spawned || t.entry != 0:
		return "it is in a signal handler, or in its start function"
	case pending != 0 || t.sig.Work.Load()&signal.Pending != 0:
		return "a signal is pending"
	case t.sig.Mask() != 0:
		return "it blocks signals"
	case p.timers.any():
		return "it has a timer"
	case p.Foreign() != nil:
		return "it is a program of WASI, which has looked at its directories"
	case !slices.Equal(p.files.Numbers(), []int32{0, 1, 2}):
		return "it has other files open than the standard ones"
	}
	return ""
}
