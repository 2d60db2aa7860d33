// Package kernel makes a container of the parts: it mounts the file systems, connects the
// devices and the standard streams, and starts the first process.
//
// # Model
//
// A Kernel is one container: New builds its tree of files, Run starts its first process,
// which is init, and waits until every process has ended. The status of init is the
// container's. Several kernels can live in one process; they share nothing but the host.
//
// Standard streams are either the bytes of the host (Stdin, Stdout, Stderr), each behind a
// pipe that a goroutine fills or empties, or a Console, behind a terminal that the kernel
// emulates.
//
// An error of the kernel's own (a panic in a handler) ends the container, and Run returns
// it; it does not end the host process.
package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"vkernel/internal/audit"
	"vkernel/internal/edge"
	"vkernel/internal/engine"
	"vkernel/internal/fd"
	"vkernel/internal/linux"
	"vkernel/internal/policy"
	"vkernel/internal/proc"
	"vkernel/internal/router"
	"vkernel/internal/sched"
	"vkernel/internal/sock"
	"vkernel/internal/trace"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/devfs"
	"vkernel/internal/vfs/hostio"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/pipe"
	"vkernel/internal/vfs/tty"
)

// Router tells what a content may be executed as. *router.Router is one.
type Router interface {
	Lookup(sha256 [32]byte) (router.Entry, bool)
}

// Mount is a file system to be mounted in the container.
type Mount struct {
	Target string // absolute; made if it is missing
	FS     vfs.FS
	Source string // as /proc/mounts shows it
	Flags  vfs.MountFlags
}

// Console is a terminal of the host, in raw mode: bytes typed and bytes shown.
type Console struct {
	io.ReadWriter
	// Rows and Columns are the first size of the window; see Kernel.Resize.
	Rows, Columns uint16
}

// Limits bound what a container may use. A zero field means its default.
type Limits struct {
	Processes int    // at once
	PipeBytes int64  // in all pipes
	TmpBytes  int64  // in /tmp
	Memory    uint64 // of the host, bytes; see oom.go
}

// MaxProcesses is the largest number of processes: there are no more pids.
const MaxProcesses = proc.MaxProcesses

// Defaults of Limits.
const (
	DefaultProcesses = 4096
	DefaultPipeBytes = 256 << 20
	DefaultTmpBytes  = 1 << 30
)

// Config is what a container is made of.
type Config struct {
	Code   *engine.Code
	Sched  *sched.Scheduler // what its threads take turns in; nil: one of its own
	Router Router
	// Policies are those of the manifest's entries; nil: none, all is allowed.
	Policies *policy.Set
	// Revoked says whether a content may no longer be executed, though the manifest lists it. It is
	// asked at each execve, and may change its mind while the container runs. nil: none is revoked.
	Revoked func(digest [32]byte) bool
	Audit   audit.Sink // told of what was decided about files to be executed; nil: nobody

	Root   vfs.FS  // the root file system, writable
	Mounts []Mount // beside /proc, /dev and /tmp, which are always there

	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer // nil: thrown away; if they are equal, order is kept
	Console        *Console  // instead of all three

	// Started is called when the first process has begun; nil: nobody is told.
	Started func()

	// Status is the open /proc/self/status of a process that cannot open it any more; nil
	// has Run open it.
	Status *os.File

	// Broker makes connections to other hosts; nil: there are none.
	Broker edge.Broker

	Hostname string
	Cred     proc.Cred // of the first process; the zero value is root
	Limits   Limits
	Log      *slog.Logger
	Trace    trace.Sink // nil: no trace
}

// Kernel is one container.
type Kernel struct {
	config  Config
	table   *proc.Table
	code    *programs
	warm    *warmImages
	pools   pools
	ns      *vfs.Namespace
	pipes   *pipe.Pool
	console *tty.TTY
	streams streams
	host    *hostio.Host // of the streams, and of those of other processes that were started from outside
	pts     *devfs.PTS

	generation *devfs.Generation
}

// New builds a container. Nothing runs yet.
func New(c Config) (*Kernel, error) {
	k, err := newKernel(c)
	if err != nil {
		return nil, err
	}
	if err := k.buildTree(); err != nil {
		return nil, err
	}
	return k, nil
}

// newKernel builds a container without a tree of files.
func newKernel(c Config) (*Kernel, error) {
	c.defaults()
	k := &Kernel{config: c, pipes: pipe.NewPool(c.Limits.PipeBytes)}
	var err error
	if k.code, err = newPrograms(&c); err != nil {
		return nil, err
	}
	k.warm = &warmImages{kernel: k}
	k.code.warm = k.warm
	anonymous, e := memfs.New(memfs.Options{Dev: devAnonymous, Bytes: c.Limits.TmpBytes})
	if e != 0 {
		return nil, fmt.Errorf("kernel: anonymous files: %w", e)
	}
	k.table = proc.NewTable(proc.Config{
		Programs: k.code, Audit: c.Audit, Processes: c.Limits.Processes, Pipes: k.pipes, Sockets: sock.NewStack(k.pipes), Anonymous: anonymous, Log: c.Log,
		Memory: k.memory, UTS: proc.NewUTS(c.Hostname, "(none)"), Observer: observer(c.Trace), Sched: c.Sched, Ready: k.reached, Input: k.atInput,
	})
	k.host = hostio.NewHost(k.table.Outside().RLocker())
	k.leadOutside()
	return k, nil
}

func (c *Config) defaults() {
	l := &c.Limits
	if l.Processes == 0 {
		l.Processes = DefaultProcesses
	}
	if l.PipeBytes == 0 {
		l.PipeBytes = DefaultPipeBytes
	}
	if l.Memory == 0 {
		l.Memory = DefaultMemory()
	}
	if l.TmpBytes == 0 {
		l.TmpBytes = min(DefaultTmpBytes, int64(l.Memory/8))
	}
	if c.Hostname == "" {
		c.Hostname = "vkernel"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// observer passes on a trace, if there is one, without making a nil pointer an interface.
func observer(s trace.Sink) proc.Observer {
	if s == nil {
		return nil
	}
	return trace.Observer{Sink: s}
}

// Status is how a container ended.
type Status struct {
	Code   int          // exit code
	Signal linux.Signal // that killed init; 0 if it exited
}

// ExitCode is the status as a shell gives it: 128 and the signal.
func (s Status) ExitCode() int {
	if s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return s.Code
}

// ErrStarted says that Run was called before.
var ErrStarted = errors.New("kernel: already started")

// CommandError says that the first process could not execute its program.
type CommandError struct {
	Name  string // argv[0]
	Errno linux.Errno
}

func (e *CommandError) Error() string { return fmt.Sprintf("command %s: %v", e.Name, e.Errno) }

func (e *CommandError) Unwrap() error { return e.Errno }

// Run starts argv[0] as the first process and waits until all have ended. It is looked up
// in PATH of env if it has no slash. When ctx is done, every process is killed.
func (k *Kernel) Run(ctx context.Context, argv, env []string, cwd string) (Status, error) {
	if k.table.Init() != nil {
		return Status{}, ErrStarted
	}
	if len(argv) == 0 {
		return Status{}, errors.New("kernel: no command to run")
	}
	if e := vfs.NewContext(k.ns, vfs.Root(), nil).Chdir(vfs.Path{}, cwd, 0); e != 0 {
		return Status{}, fmt.Errorf("working directory %s: %w", cwd, e)
	}
	files := fd.NewTable()
	if err := k.openStreams(files); err != nil {
		return Status{}, err
	}
	_, e := k.table.Start(proc.First{
		Files: files, Namespace: k.ns, Cwd: cwd, Cred: k.config.Cred,
		Argv: argv, Env: env, Search: searchPath(env), Terminal: k.console,
	})
	if e != 0 {
		k.streams.drain(ctx)
		return Status{}, &CommandError{Name: argv[0], Errno: e}
	}
	if f := k.config.Started; f != nil {
		f()
	}
	return k.Wait(ctx)
}

// Wait is the rest of Run: it waits until all processes have ended. When ctx is done, every process is killed. A
// container that was restored is run by Resume and Wait.
func (k *Kernel) Wait(ctx context.Context) (Status, error) {
	defer k.warm.close()
	defer k.pools.close()
	watched, unwatch := context.WithCancel(ctx)
	defer unwatch()
	go k.reaper().watch(watched)
	go k.table.Scheduler().WatchLoad(watched)
	go k.tidier().watch(watched, k)
	stop := context.AfterFunc(ctx, k.table.Kill)
	defer stop()
	status, err := k.table.Wait()
	if err != nil {
		brief, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		k.streams.drain(brief)
		return Status{}, err
	}
	k.streams.drain(ctx)
	if sig := linux.Signal(status & 0x7f); sig != 0 {
		return Status{Signal: sig}, nil
	}
	return Status{Code: status >> 8 & 0xff}, nil
}

// Pause stops all threads, wherever they are, and everything that comes from outside, until Resume: what
// the container is does not change meanwhile. If ctx is done before that is reached, the container runs on.
// A container that is paused is not ended by the context of Run before Resume.
func (k *Kernel) Pause(ctx context.Context) error {
	if err := k.table.Freeze(ctx); err != nil {
		return fmt.Errorf("kernel: pause: %w", err)
	}
	return nil
}

// Resume ends a pause. No guest can tell that there was one, but by the clock.
func (k *Kernel) Resume() { k.table.Thaw() }

// Resize tells the console that the window has a new size.
func (k *Kernel) Resize(rows, columns uint16) {
	if k.console != nil {
		defer k.outside()()
		k.console.SetWinsize(linux.Winsize{Row: rows, Col: columns})
	}
}

// Flush returns once all that the console has shown is with the host: a log that goes to
// the same terminal then keeps the order.
func (k *Kernel) Flush() {
	if c := k.streams.console; c != nil {
		c.Flush()
	}
}

// outside begins something that comes from outside, which waits while the container is paused, and gives what ends it.
func (k *Kernel) outside() (end func()) {
	o := k.table.Outside()
	o.RLock()
	return o.RUnlock
}

// Signal sends a signal to the first process, from outside.
func (k *Kernel) Signal(sig linux.Signal) {
	if p := k.table.Init(); p != nil {
		defer k.outside()()
		p.Signal(linux.Info(sig, linux.SI_KERNEL))
	}
}
