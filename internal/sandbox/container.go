package sandbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"runtime"
	"sync"
	"time"

	"vkernel/internal/audit"
	"vkernel/internal/bundle"
	"vkernel/internal/engine"
	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
	"vkernel/internal/router"
	"vkernel/internal/sched"
	"vkernel/internal/trace"
	"vkernel/internal/trust"
	"vkernel/internal/vfs"
	"vkernel/internal/vfs/hostfs"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/rootfs"
)

// Device numbers (st_dev) of the file systems that a container has beside the kernel's own.
const (
	devRoot  = 0x20
	devMount = 0x30 // the first host mount, and so on
)

// loaded is what a sandbox has before it is sealed.
type loaded struct {
	spec     Spec
	parsed   chan error // what follows, up to the code, is there when it has been received from
	manifest *manifest.Manifest
	policies *policy.Set
	router   *router.Router
	contents *bundle.Contents
	root     vfs.FS

	code    *engine.Code
	mounts  []*hostfs.FS
	status  *os.File
	revoked trust.Revoked
	log     *slog.Logger
	dialler dialler
}

// prepare takes over a Spec, and begins to make ready what can be without the code.
func prepare(files []*os.File) (*loaded, error) {
	l := &loaded{parsed: make(chan error, 1)}
	if err := readMemory(files[0], &l.spec); err != nil {
		return nil, fmt.Errorf("what to prepare: %w", err)
	}
	time.Local = time.FixedZone(l.spec.Zone, l.spec.Offset) // before anything below looks at a file's times
	go func() { l.parsed <- l.parse() }()
	return l, nil
}

// load maps the code. Nothing executable is mapped after it.
func (l *loaded) load(files []*os.File) (err error) {
	if len(files) != 1 {
		return fmt.Errorf("what to load: %d descriptors, expected 1", len(files))
	}
	code := files[0]
	defer code.Close()
	host := engine.Host{Pagemap: os.NewFile(fdPagemap, "pagemap"), Mappings: l.spec.Mappings, NoScan: l.spec.NoScan}
	l.code, err = engine.LoadVerifiedIn(code, host)
	if err := errors.Join(<-l.parsed, err); err != nil {
		return err
	}
	if err := bundle.CheckPrograms(l.manifest, l.code.Meta().Programs); err != nil {
		return err
	}
	for i, m := range l.spec.Mounts {
		fs, err := hostfs.New(fdMounts+i, hostfs.Options{Dev: devMount + uint64(i), ReadOnly: m.ReadOnly})
		if err != nil {
			return fmt.Errorf("mount at %s: %w", m.Target, err)
		}
		l.mounts = append(l.mounts, fs)
	}
	l.status = os.NewFile(fdStatus, "status")
	return nil
}

// parse makes of the manifest and the list of the root file system what the kernel needs, while the code is
// verified, and begins to verify the file that will probably be executed first: its first open then has less to do.
func (l *loaded) parse() (err error) {
	if l.manifest, err = manifest.Parse(l.spec.Manifest); err != nil {
		return err
	}
	list, err := manifest.ParseRoot(l.spec.Root)
	if err != nil {
		return err
	}
	l.contents = bundle.NewContents(os.NewFile(fdRoot, "root"))
	first := l.spec.First
	if first == "" && len(l.manifest.Command) > 0 {
		first = l.manifest.Command[0]
	}
	if n := fileAt(list, first); n != nil {
		go func() {
			if f, err := l.contents.Open(n); err == nil { // else the open that counts will say so
				f.Close()
			}
		}()
	}
	if l.policies, err = policy.New(l.manifest); err != nil {
		return err
	}
	l.router = router.New(l.manifest)
	tree := rootfs.New(rootfs.Options{
		List: list, Digest: l.manifest.Rootfs.SHA256, Content: l.contents.Open,
		Refused: func(n *manifest.Node, err error) { l.log.Error("file refused", "path", n.Path, "reason", err) },
	})
	var e linux.Errno
	if l.root, e = tree.Layer(memfs.Options{Dev: devRoot, Bytes: l.spec.Disk}); e != 0 {
		return fmt.Errorf("root file system: %w", e)
	}
	return nil
}

// fileAt finds the regular file at an absolute path, through symbolic links in its last place.
func fileAt(root *manifest.Root, name string) *manifest.Node {
	const most = 8 // links; one that has more is not verified early
	for range most {
		n, ok := root.Lookup(name)
		switch {
		case !ok || n.Type == manifest.TypeDir:
			return nil
		case n.Type == manifest.TypeFile:
			return n
		case path.IsAbs(n.Target):
			name = path.Clean(n.Target)
		default:
			name = path.Join(path.Dir(name), n.Target)
		}
	}
	return nil
}

// config is the container of what was loaded, without its streams.
func (l *loaded) config(s *Start) *kernel.Config {
	c := &kernel.Config{
		Code: l.code, Router: l.router, Policies: l.policies, Root: l.root,
		Hostname: s.Hostname, Log: l.log, Sched: scheduler(), Status: l.status, Revoked: l.revoked.Has,
	}
	c.Limits.Memory, c.Limits.Processes = l.spec.Memory, l.spec.Processes
	if c.Hostname == "" {
		c.Hostname = l.manifest.Name
	}
	for i, m := range l.spec.Mounts {
		flags := vfs.NoSUID | vfs.NoDev
		if m.ReadOnly {
			flags |= vfs.ReadOnly
		}
		if m.NoExec {
			flags |= vfs.NoExec
		}
		c.Mounts = append(c.Mounts, kernel.Mount{Target: m.Target, FS: l.mounts[i], Source: "host", Flags: flags})
	}
	return c
}

// scheduler gives the container a run slot for each processor, and Go's own scheduler as many
// again: a guest that runs long keeps one of Go's, and what the kernel has to do meanwhile
// (a timer, an answer to another guest) must not wait until Go takes it back, which can last
// 10 ms.
func scheduler() *sched.Scheduler {
	slots := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(2 * slots)
	return sched.New(slots)
}

// build makes the kernel of a start, with the descriptors that came with it.
func (l *loaded) build(s *Start, files []*os.File, c *conn) (*kernel.Kernel, error) {
	st, err := s.split(files)
	if err != nil {
		return nil, err
	}
	var messages io.Writer = st.err
	var onConsole *crlf
	if st.err == nil {
		onConsole = &crlf{w: st.console}
		messages = onConsole
	}
	logged := messages
	if st.log != nil {
		logged = st.log
	}
	l.log = newLog(logged, st.log != nil)
	config := l.config(s)
	if s.Network {
		l.dialler.conn = c
		config.Broker = &l.dialler
	}
	if s.Strace {
		config.Trace = trace.Writer(messages)
	}
	if s.Audit {
		config.Audit = told{c}
	}
	config.Started = func() { c.send(message{Kind: kindStarted}) } //nolint:errcheck // see obey
	if s.Console {
		config.Console = &kernel.Console{ReadWriter: st.console, Rows: s.Rows, Columns: s.Columns}
	} else {
		config.Stdin, config.Stdout, config.Stderr = st.in, st.out, st.err
		if s.Relayed {
			config.Stdin = &asked{r: st.in, ask: func() { c.send(message{Kind: kindInput}) }} //nolint:errcheck // see obey
		}
	}
	var k *kernel.Kernel
	if s.Restore == Fresh {
		k, err = kernel.New(*config)
	} else {
		k, err = restore(config, s, &st)
	}
	if err == nil && onConsole != nil {
		onConsole.flush = k.Flush
	}
	return k, err
}

// told is the launcher, which writes the audit file.
type told struct{ c *conn }

func (t told) Decided(r audit.Record) {
	t.c.send(message{Kind: kindAudit, Record: &r}) //nolint:errcheck // see obey
}

// asked is standard input that the launcher sends when it is wanted: what a guest does not
// read is left to who reads the terminal after it.
type asked struct {
	r    io.Reader
	ask  func()
	once sync.Once
}

func (a *asked) Read(p []byte) (int, error) {
	a.once.Do(a.ask)
	return a.r.Read(p)
}
