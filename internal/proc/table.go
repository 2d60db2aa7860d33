package proc

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"vkernel/internal/audit"
	"vkernel/internal/engine"
	"vkernel/internal/futex"
	"vkernel/internal/linux"
	"vkernel/internal/sched"
	"vkernel/internal/sock"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/epoll"
	"vkernel/internal/vfs/inotify"
	"vkernel/internal/vfs/lock"
	"vkernel/internal/vfs/pipe"
)

// pidMax is the number of the last pid plus one, as on Linux by default. Pids are given in
// turn, so that one is used again only after all others were.
const (
	pidMax     = 32768
	pidRestart = 300 // after the first round
)

// MaxProcesses is how many processes there can be: one for each pid.
const MaxProcesses = pidMax - pidRestart

// Config is what a table needs to know.
type Config struct {
	Programs  Programs     // what may be executed
	Audit     audit.Sink   // of what was decided; nil: nobody
	Processes int          // how many there may be at once, zombies and threads included
	Pipes     *pipe.Pool   // memory of the pipes that they make
	Sockets   *sock.Stack  // that they make
	Anonymous vfs.FS       // of files without a name (memfd_create)
	Log       *slog.Logger // of refused executions and failures
	Memory    func() (total, free uint64)
	UTS       *UTS
	Observer  Observer // nil: nobody
	// Ready is called when a process calls vkernel.ready.
	Ready func(t *Thread)
	// Input is called when a process of which that was asked for (AwaitInput) is about to read its standard input.
	Input func(t *Thread)
	Sched *sched.Scheduler // nil: one of its own
}

// Table is the processes of one container.
type Table struct {
	config  Config
	sched   *sched.Scheduler
	started time.Time
	digests digests
	Futexes futex.Crossing
	done    chan struct{}  // closed when the last process is gone
	locks   *lock.Registry // of files
	epolls  epoll.Registry
	inotify inotify.Registry
	ticking atomic.Int64  // periodic timers that are armed
	copies  atomic.Uint64 // of frozen processes that were made

	refusals  refusals
	Arguments Arguments // of all processes
	crew      crew
	outside   sync.RWMutex // held while something comes from outside; above mu, see freeze.go

	mu sync.Mutex

	// guarded by mu
	processes map[int]*Process // zombies included; nil for an id that is reserved, or a thread's
	threads   map[int]*Thread  // that have not ended
	groups    map[int]*Group
	sessions  map[int]*Session
	next      int // pid to try next
	count     int // processes, threads beyond the first of each, and reservations
	born      uint64
	init      *Process
	closing   bool        // init has ended: no new processes
	living    int         // that have not exited
	failure   error       // of the kernel itself
	ended     sched.Times // of processes that have ended
	freezer   freezer
}

// NewTable makes an empty table.
func NewTable(c Config) *Table {
	done := make(chan struct{})
	if c.Sched == nil {
		c.Sched = sched.New(0)
	}
	return &Table{
		config: c, sched: c.Sched, started: time.Now(), done: done, crew: newCrew(done), locks: new(lock.Registry),
		processes: map[int]*Process{}, threads: map[int]*Thread{}, groups: map[int]*Group{}, sessions: map[int]*Session{}, next: 1,
	}
}

// Pipes is the memory of pipes.
func (t *Table) Pipes() *pipe.Pool { return t.config.Pipes }

// Sockets are the container's.
func (t *Table) Sockets() *sock.Stack { return t.config.Sockets }

// Anonymous is the file system of files that never have a name.
func (t *Table) Anonymous() vfs.FS { return t.config.Anonymous }

// Epolls is what the container's epoll sets have in common.
func (t *Table) Epolls() *epoll.Registry { return &t.epolls }

// Inotify is what its inotify instances have in common.
func (t *Table) Inotify() *inotify.Registry { return &t.inotify }

// Locks are the advisory locks on files.
func (t *Table) Locks() *lock.Registry { return t.locks }

// Find gives the process with the id, zombies included.
func (t *Table) Find(pid int) (*Process, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.processes[pid]
	return p, p != nil
}

// All lists the processes, in no order.
func (t *Table) All() []*Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Process, 0, len(t.processes))
	for _, p := range t.processes {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

// Init is the first process.
func (t *Table) Init() *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.init
}

// Born counts the processes since the start (/proc/stat).
func (t *Table) Born() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.born
}

// Scheduler is what lets the threads run.
func (t *Table) Scheduler() *sched.Scheduler { return t.sched }

// Busy is the CPU time of all processes since the start.
func (t *Table) Busy() sched.Times {
	t.mu.Lock()
	defer t.mu.Unlock()
	busy := t.ended
	for _, p := range t.processes {
		if p != nil && p.state < Zombie {
			busy = busy.Plus(p.cpu.Times())
		}
	}
	return busy
}

// Started is when the table was made: boot.
func (t *Table) Started() time.Time { return t.started }

// LastPID is the id given last (/proc/loadavg).
func (t *Table) LastPID() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next - 1
}

// reserve takes an id for a child or a thread of parent: EAGAIN if there are too many.
func (t *Table) reserve(parent *Process) (int, linux.Errno) {
	pid, full, e := t.tryReserve(parent)
	if full {
		by := 0
		if parent != nil {
			by = parent.pid
		}
		t.refused(engine.Refusal{Limit: "processes", Detail: fmt.Sprintf("%d processes and threads exist", t.config.Processes)}, by, e)
	}
	return pid, e
}

// tryReserve also tells whether the container's own limit is in the way.
func (t *Table) tryReserve(parent *Process) (pid int, full bool, e linux.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return 0, false, linux.EAGAIN
	}
	if t.count >= t.config.Processes {
		return 0, true, linux.EAGAIN
	}
	if parent != nil && !parent.Cred().Super() && t.ofUserLocked(parent.Cred().UID) >= parent.Limit(linux.RLIMIT_NPROC) {
		return 0, false, linux.EAGAIN
	}
	for range pidMax {
		pid := t.next
		if t.next++; t.next >= pidMax {
			t.next = pidRestart
		}
		if _, used := t.processes[pid]; !used && t.groups[pid] == nil && t.sessions[pid] == nil {
			t.processes[pid] = nil
			t.count++
			return pid, false, 0
		}
	}
	return 0, true, linux.EAGAIN
}

// release gives back a reservation, or the place of a dead process.
func (t *Table) releaseLocked(pid int) {
	delete(t.processes, pid)
	t.count--
}

func (t *Table) cancel(pid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.releaseLocked(pid)
}

// ofUserLocked counts a user's threads; a zombie counts as one.
func (t *Table) ofUserLocked(uid uint32) (n uint64) {
	for _, p := range t.processes {
		if p != nil && p.Cred().UID == uid {
			n += uint64(max(1, len(p.threads)))
		}
	}
	return n
}

// Fail ends the container because of an error of the kernel's own.
func (t *Table) Fail(err error) {
	t.mu.Lock()
	if t.failure == nil {
		t.failure = err
	}
	t.closing = true
	t.mu.Unlock()
	t.killAll()
}

// killAll sends SIGKILL to everybody.
func (t *Table) killAll() {
	for _, p := range t.All() {
		p.Signal(linux.Info(linux.SIGKILL, linux.SI_KERNEL))
	}
}

// Wait waits until every process has ended, and gives the wait status of the first one.
func (t *Table) Wait() (status int, err error) {
	<-t.done
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure != nil {
		return 0, fmt.Errorf("kernel: %w", t.failure)
	}
	return t.init.status, nil
}

// Kill ends the container.
func (t *Table) Kill() {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
	t.killAll()
}
