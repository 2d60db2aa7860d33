package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/broker"
	"vkernel/internal/bundle"
	"vkernel/internal/engine"
	"vkernel/internal/kernel"
	"vkernel/internal/mutant"
	"vkernel/internal/trust"
)

// Config is what a launcher makes a sandbox of: an open bundle, and what the container may use.
type Config struct {
	Bundle    *bundle.Bundle
	Mounts    []Mount
	First     string // the file that will probably be executed first, if it is known: it is then verified early
	Memory    uint64 // most bytes of the host's memory; 0: the kernel's default
	Processes int    // most at once
	Disk      int64  // most bytes written to the root file system; 0: the default

	without lacks    // what the host has and a test wants it not to have
	env     []string // for the process of a test
}

// Mount is a directory of the host to be seen in a container.
type Mount struct {
	Dir *os.File // opened with O_PATH; the caller's to close
	MountPoint
}

// lacks are features of the host that are not used.
type lacks struct{ namespaces, emptyRoot, ownMounts, landlock, mdwe, scan bool }

// environment is that of a sandbox process.
func environment() []string {
	return append(mutant.Env(),
		"GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)), // Go would look for control groups below a root that is empty
		"GODEBUG=decoratemappings=0",                      // no prctl
		"GLIBC_TUNABLES=glibc.pthread.rseq=0",             // no rseq
	)
}

// Sandbox is a sandbox process, seen from its launcher.
type Sandbox struct {
	conn    *conn
	cmd     *exec.Cmd
	crash   *crash
	ended   chan struct{} // closed when the process has been waited for
	private bool          // it has namespaces of its own
	bundle  *bundle.Bundle
	spec    *Spec // what to load, without the list of the root file system
	ready   func() (Confinements, error)
	broker  *broker.Broker // nil: no connections to outside
	dials   atomic.Int32   // that were asked for and not answered

	mu sync.Mutex

	// guarded by mu
	started bool
	early   []message // that came before the start
	revoked trust.Update
	asked   questions
}

// patience is how long a launcher waits for what a sandbox process that works does at once: end when
// it has said so, let go of its standard error, read messages. One that was taken over may do
// none of it, or leave a descriptor in flight that nobody closes.
const patience = 5 * time.Second

// ErrNotSealed says that a sandbox did not come up.
var ErrNotSealed = errors.New("the sandbox process could not be sealed")

// New starts a sandbox process for a verified bundle whose code has been verified. It loads the code and seals itself; Wait
// returns when that is done. Close ends it.
func New(c Config) (*Sandbox, error) {
	s, err := Begin(c)
	if err != nil {
		return nil, err
	}
	if err = s.Prepare(); err == nil {
		err = s.Load()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Begin starts a sandbox process for a bundle of which only the manifest has been verified: what takes time
// is done while the parts are. It has the directory of the contents and those of the mounts, for Landlock, but
// reads nothing in them before Prepare, and maps and runs nothing before Load.
func Begin(c Config) (*Sandbox, error) {
	control, theirs, err := connPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	files := []*os.File{theirs, c.Bundle.ContentDir(), nil, nil}
	for _, m := range c.Mounts {
		files = append(files, m.Dir)
	}
	s := &Sandbox{conn: control, ended: make(chan struct{}), bundle: c.Bundle}
	bad := c.nothingBelow() // asked now: the caller may close the mounts' directories
	s.ready = sync.OnceValues(func() (Confinements, error) {
		held, err := s.wait()
		if err == nil && !held.OwnMounts {
			err = bad
		}
		return held, err
	})
	if err := s.spawn(&c, files); err != nil {
		control.close()
		return nil, err
	}
	go func() {
		s.cmd.Wait() //nolint:errcheck // ProcessState says it
		close(s.ended)
	}()
	s.spec = c.spec()
	return s, nil
}

// Prepare hands over the manifest and the list of the root file system, which has been verified by now: the process
// makes ready what it can without the code. It is called once, before Load.
func (s *Sandbox) Prepare() error {
	s.spec.Root = s.bundle.RootBytes()
	return loading(s.conn.hand(kindPrepare, s.spec))
}

// Load hands over the native code: all of the bundle that a container needs has been verified by now, its code too. It is
// called once.
func (s *Sandbox) Load() error {
	return loading(s.conn.send(message{Kind: kindLoad}, s.bundle.Code))
}

// loading is the error of handing something over.
func loading(err error) error {
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return nil // it has ended; Wait says why
	}
	if err != nil {
		return fmt.Errorf("loading the sandbox process: %w", err)
	}
	return nil
}

func (c *Config) spec() *Spec {
	s := &Spec{
		Manifest: c.Bundle.ManifestBytes(), First: c.First,
		Memory: c.Memory, Processes: c.Processes, Disk: c.Disk,
		Mappings: engine.MaxMapCount(), NoScan: c.without.scan, NoMDWE: c.without.mdwe,
	}
	if s.Memory == 0 {
		s.Memory = kernel.DefaultMemory()
	}
	s.Zone, s.Offset = time.Now().Zone()
	for _, m := range c.Mounts {
		s.Mounts = append(s.Mounts, m.MountPoint)
	}
	return s
}

// spawn starts the process with as much of its own namespaces as the host gives.
func (s *Sandbox) spawn(c *Config, files []*os.File) (err error) {
	for _, ns := range namespaces(c.without.namespaces) {
		s.crash = new(crash)
		s.private = ns.flags != 0
		s.cmd = c.command(ns)
		s.cmd.ExtraFiles, s.cmd.Stderr, s.cmd.WaitDelay = files, s.crash, patience
		if err = s.cmd.Start(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("starting the sandbox process: %w", err)
}

// command is the sandbox process in some namespaces.
func (c *Config) command(ns namespace) *exec.Cmd {
	wanted := 0
	if ns.flags&unix.CLONE_NEWNS != 0 && !c.without.emptyRoot {
		wanted |= wantEmptyRoot
	}
	if ns.flags&unix.CLONE_NEWNS != 0 && !c.without.ownMounts {
		wanted |= wantOwnMounts
	}
	if !c.without.landlock {
		wanted |= wantLandlock
	}
	if os.Geteuid() == 0 && len(c.Mounts) > 0 {
		wanted |= wantFileCaps
	}
	letters := make([]byte, 0, len(c.Mounts))
	for _, m := range c.Mounts {
		if m.ReadOnly {
			letters = append(letters, 'r')
		} else {
			letters = append(letters, 'w')
		}
	}
	return &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        []string{"vkernel", word, strconv.Itoa(wanted), string(letters)},
		Env:         append(environment(), c.env...),
		SysProcAttr: ns.attr(),
	}
}

// Wait returns when the process is sealed, and says what holds it.
func (s *Sandbox) Wait() (Confinements, error) { return s.ready() }

func (s *Sandbox) wait() (Confinements, error) {
	m, files, err := s.conn.receive()
	closeAll(files)
	if err != nil || m.Kind != kindReady || m.Confinements == nil {
		s.conn.close()
		<-s.ended
		return Confinements{}, fmt.Errorf("%w: %s", ErrNotSealed, s.why())
	}
	m.Namespaces = s.private
	return *m.Confinements, nil
}

// why says how the process ended.
func (s *Sandbox) why() string {
	if text := s.crash.text(); text != "" {
		return text
	}
	if w, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGSYS {
		return "it made a system call that its seal forbids, and was killed (SIGSYS)"
	}
	return s.cmd.ProcessState.String()
}

// Close ends the process, and returns when it is gone.
func (s *Sandbox) Close() {
	s.cmd.Process.Kill() //nolint:errcheck // it may be gone
	<-s.ended
	s.conn.close()
}

// PID is the process's id on the host.
func (s *Sandbox) PID() int { return s.cmd.Process.Pid }

// crash keeps the beginning of what a sandbox process writes to standard error: nothing,
// unless it fails.
type crash struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxCrash = 64 << 10

func (c *crash) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(p[:min(len(p), maxCrash-c.buf.Len())])
	return len(p), nil
}

func (c *crash) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(bytes.TrimSpace(c.buf.Bytes()))
}

var _ io.Writer = (*crash)(nil)
