package proc

import (
	"slices"
	"sync/atomic"
	"time"

	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/sched"
	"vkernel/internal/signal"
	"vkernel/internal/vfs"
	"vkernel/internal/wait"
)

// Process is one process: what its parts have in common.
type Process struct {
	pid    int
	table  *Table
	files  *fd.Table
	fs     *vfs.Context
	sig    *signal.State
	limits *Limits
	timers timers
	memory memory
	leader atomic.Pointer[Thread] // whose id is the process's; it may have ended before the others

	cred     atomic.Pointer[Cred]
	started  time.Time
	image    atomic.Pointer[Image]    // what it executes
	scripts  atomic.Pointer[[]script] // that its interpreter has still to open; immutable
	foreign  atomic.Pointer[Foreign]
	parent   atomic.Pointer[Process] // changes under table.mu; nil for the first process
	maxRSS   atomic.Uint64
	cpu      sched.Account // CPU time of its threads
	children wait.Queue    // told when a child's state changes
	ended    wait.Queue    // told when the process is a zombie, and when it has been waited for
	inherited

	// guarded by table.mu
	kids       []*Process // in the order of their births
	group      *Group
	state      State
	status     int          // wait status, once it is a zombie
	stopSignal linux.Signal // that stopped it
	stopNews   bool         // the stop has not been waited for
	contNews   bool         // nor has the continue
	continues  uint64       // how often it was continued
	execed     bool         // has executed a program since its fork: setpgid is EACCES
	exitSignal linux.Signal // sent to the parent at its end
	waited     Usage        // of children that were waited for
	exiting    bool         // exitStatus is decided
	exitStatus int
	crowd

	awaitsInput atomic.Bool // somebody wants to know when it reads its standard input
}

// crowd is the threads of a process. Guarded by table.mu.
type crowd struct {
	threads  []*Thread  // that have not ended, in the order of their start
	alone    [1]*Thread // room for that
	exec     *Thread    // executes a program, and waits for the end of the others
	stopping int        // a stop is complete when so many more have halted
}

// inherited is what a child simply has from its parent.
type inherited struct {
	nice        atomic.Int32
	personality atomic.Uint32
	noNewPrivs  atomic.Bool
	subreaper   atomic.Bool  // not inherited
	deathSignal atomic.Int32 // not inherited: sent to this process when its parent dies
	dumpable    atomic.Int32
	timerSlack  atomic.Int64
	securebits  Securebits
}

// from takes over a parent's.
func (i *inherited) from(parent *inherited) {
	i.nice.Store(parent.nice.Load())
	i.personality.Store(parent.personality.Load())
	i.noNewPrivs.Store(parent.noNewPrivs.Load())
	i.dumpable.Store(parent.dumpable.Load())
	i.timerSlack.Store(parent.timerSlack.Load())
	i.securebits.bits.Store(parent.securebits.Get())
}

// Nice is the process's nice value.
func (p *Process) Nice() int { return int(p.nice.Load()) }

// SetNice sets it, for all its threads.
func (p *Process) SetNice(n int) {
	p.nice.Store(int32(n))
	p.cpu.SetNice(n)
}

// State is where a process is in its life.
type State uint8

// States.
const (
	Running State = iota
	Stopped
	Zombie
	Dead // waited for
)

// PID is the process's id.
func (p *Process) PID() int { return p.pid }

// Table is the table that the process is in.
func (p *Process) Table() *Table { return p.table }

// Files are the process's descriptors.
func (p *Process) Files() *fd.Table { return p.files }

// FS is its root, working directory and umask.
func (p *Process) FS() *vfs.Context { return p.fs }

// Signals is its signal state. To send a signal use Signal.
func (p *Process) Signals() *signal.State { return p.sig }

// Thread is its first thread, which may have ended before the process.
func (p *Process) Thread() *Thread { return p.leader.Load() }

// Parent is its parent's id, 0 for the first process.
func (p *Process) Parent() int {
	if parent := p.parent.Load(); parent != nil {
		return parent.pid
	}
	return 0
}

// Foreign is what another ABI than Linux's keeps of a process (package wasi).
type Foreign interface {
	Fork() Foreign // for a child
}

// Foreign is nil if the program has no such ABI.
func (p *Process) Foreign() Foreign {
	if f := p.foreign.Load(); f != nil {
		return *f
	}
	return nil
}

// SetForeign sets it.
func (p *Process) SetForeign(f Foreign) { p.foreign.Store(&f) }

// Image is what it executes.
func (p *Process) Image() *Image { return p.image.Load() }

// State is its state.
func (p *Process) State() State {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return p.state
}

// Sleeping reports whether all its threads sleep.
func (p *Process) Sleeping() bool {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	return !slices.ContainsFunc(p.threads, func(t *Thread) bool { return !t.Sleeping() })
}

// Attributes that prctl, personality and setpriority keep.

func (p *Process) Personality() *atomic.Uint32 { return &p.personality }
func (p *Process) NoNewPrivs() *atomic.Bool    { return &p.noNewPrivs }
func (p *Process) Subreaper() *atomic.Bool     { return &p.subreaper }
func (p *Process) DeathSignal() *atomic.Int32  { return &p.deathSignal }
func (p *Process) Dumpable() *atomic.Int32     { return &p.dumpable }
func (p *Process) Securebits() *Securebits     { return &p.securebits }
func (p *Process) TimerSlack() *atomic.Int64   { return &p.timerSlack }
