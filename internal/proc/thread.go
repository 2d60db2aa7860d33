package proc

import (
	"sync/atomic"
	"time"

	"vkernel/internal/engine"
	"vkernel/internal/fd"
	"vkernel/internal/futex"
	"vkernel/internal/guest"
	"vkernel/internal/linux"
	"vkernel/internal/mm"
	"vkernel/internal/sched"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Bits of signal.Thread.Work beside signal.Pending.
const (
	workExit   = 2 << iota // the thread ends
	workStop               // the process is stopped
	workFreeze             // the container is, see freeze.go
)

// Thread is a thread of a process: the goroutine that runs its guest.
type Thread struct {
	tid     atomic.Int32 // the process's id if it is the leader
	process *Process
	sig     *signal.Thread
	waiter  *wait.Waiter
	cpu     *sched.Thread                   // its run slot and CPU time
	kick    atomic.Pointer[engine.Instance] // whose run an alarm ends
	name    atomic.Pointer[string]          // comm

	inst     *engine.Instance
	mem      guest.Memory
	space    *mm.Space
	program  *Program
	frames   []frame    // signal handlers that are running, one per activation but the first
	vfork    *loan      // of the instance that it runs in, if that is its parent's
	deadline time.Time  // see Deadline
	again    bool       // the call is done again after a signal
	cut      bool       // the next call does not sleep, see contextCut
	entry    uint32     // thunk to enter when the start function has returned, 0 if entered
	index    int        // import of the current call, for messages
	clearTID guest.Addr // set_tid_address
	robust   Robust
	futex    futex.Waiter
	status   int  // wait status, if it is the last thread that ends
	spawned  bool // by Spawn: the end of its first activation is its own end

	pending  *call    // while it is parked in a call
	lending  *lending // while it waits for its vfork child
	borrowed loan     // what vfork points to, if it was a vfork child itself
	lent     lending  // what lending points to
	progress int64    // see Progress

	halted bool // guarded by Table.mu: it has seen that the process stops
}

// wholeThread is a thread with what it consists of, in one piece.
type wholeThread struct {
	Thread
	waiter wait.Waiter
	cpu    sched.Thread
	sig    signal.Thread
}

// newThread makes the thread of p. alarm works from now on.
func newThread(p *Process, tid int, blocked signal.Set, stack linux.Stack) *Thread {
	w := new(wholeThread)
	w.begin(p, tid, blocked, stack)
	return &w.Thread
}

// begin makes a zero value a thread.
func (w *wholeThread) begin(p *Process, tid int, blocked signal.Set, stack linux.Stack) {
	t := &w.Thread
	t.process, t.waiter, t.cpu, t.sig = p, &w.waiter, &w.cpu, &w.sig
	w.waiter.Init()
	t.tid.Store(int32(tid))
	p.table.sched.Init(t.cpu, t.waiter, (*preempted)(t))
	t.cpu.SetNice(int(p.nice.Load()))
	p.cpu.Add(t.cpu)
	p.sig.StartIn(t.sig, blocked, stack, (*alarmed)(t))
}

// preempted is a thread as its scheduler sees it, alarmed one as those see it who send it signals.
type (
	preempted Thread
	alarmed   Thread
)

func (t *preempted) Kick() { (*Thread)(t).preempt() }
func (t *alarmed) Alarm()  { (*Thread)(t).alarm() }

// alarm ends a sleep or a run in compiled code. Any goroutine calls it.
func (t *Thread) alarm() {
	t.waiter.Wake()
	t.preempt()
}

// preempt makes the thread leave compiled code. Any goroutine calls it.
func (t *Thread) preempt() {
	if inst := t.kick.Load(); inst != nil {
		inst.Kick()
	}
}

// enterSpace makes the thread run in an instance.
func (t *Thread) enterSpace(space *mm.Space, inst *engine.Instance, program *Program) {
	t.inst, t.space, t.program = inst, space, program
	t.mem = inst.Memory()
	t.kick.Store(inst)
}

// TID is the thread's id.
func (t *Thread) TID() int { return int(t.tid.Load()) }

// Process is the thread's process.
func (t *Thread) Process() *Process { return t.process }

// Table is the table of the thread's container.
func (t *Thread) Table() *Table { return t.process.table }

// Mem is the guest's memory.
func (t *Thread) Mem() guest.Memory { return t.mem }

// Space is the guest's address space.
func (t *Thread) Space() *mm.Space { return t.space }

// Files are the process's descriptors.
func (t *Thread) Files() *fd.Table { return t.process.files }

// FS is the process's root, working directory and umask.
func (t *Thread) FS() *vfs.Context { return t.process.fs }

// Signals is the thread's signal state.
func (t *Thread) Signals() *signal.Thread { return t.sig }

// Limit is the soft limit of a resource.
func (t *Thread) Limit(resource int) uint64 { return t.process.Limit(resource) }

// Cred gives the process's credentials.
func (t *Thread) Cred() *Cred { return t.process.Cred() }

// Arg is argument i of the current call, of which Args has the first six only.
func (t *Thread) Arg(i int) uint64 { return t.inst.Arg(i) }

// StackPointer is the guest's __stack_pointer.
func (t *Thread) StackPointer() uint32 { return t.inst.StackPointer() }

// Name is the thread's name, at most 15 bytes.
func (t *Thread) Name() string {
	if n := t.name.Load(); n != nil {
		return *n
	}
	return ""
}

// SetName sets it, cut to 15 bytes.
func (t *Thread) SetName(name string) {
	name = name[:min(len(name), 15)]
	t.name.Store(&name)
}

// CPU is what the scheduler knows of the thread.
func (t *Thread) CPU() *sched.Thread { return t.cpu }

// SetClearTID sets the word that is cleared, and woken, at the thread's end.
func (t *Thread) SetClearTID(a guest.Addr) { t.clearTID = a }

// Robust is the robust list as set by SetRobust.
func (t *Thread) Robust() Robust { return t.robust }

// SetRobust sets it.
func (t *Thread) SetRobust(r Robust) { t.robust = r }

// Sleeping reports whether the thread sleeps.
func (t *Thread) Sleeping() bool { return t.cpu.Sleeps() }

// Raise sends the thread a signal that its own call caused (SIGPIPE, SIGXFSZ).
func (t *Thread) Raise(sig linux.Signal) {
	t.Signal(linux.InfoFrom(sig, linux.SI_USER, t.process.pid, t.Cred().UID))
}
