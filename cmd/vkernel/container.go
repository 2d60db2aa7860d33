package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"vkernel/internal/bundle"
	"vkernel/internal/engine"
	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
	"vkernel/internal/policy"
	"vkernel/internal/router"
	"vkernel/internal/sched"
	"vkernel/internal/trace"
	"vkernel/internal/trust"
	"vkernel/internal/verify"
	"vkernel/internal/vfs/memfs"
	"vkernel/internal/vfs/rootfs"
)

// Device numbers (st_dev) of the file systems that run adds to the kernel's own.
const (
	devRoot  = 0x20
	devMount = 0x30 // the first -v, and so on
)

// run verifies the bundle, runs the container and gives its exit status. Whatever happens,
// the host's terminal is restored.
func (o *runOptions) run(ctx context.Context) (status int, err error) {
	mounts, err := o.mounts()
	if err != nil {
		return 0, err
	}
	cwd, err := o.workdir()
	if err != nil {
		return 0, err
	}
	b, err := o.open()
	if err != nil {
		return 0, err
	}
	defer b.Close()
	s := o.streams()
	env, err := o.environment(s.tty != nil)
	if err != nil {
		return 0, err
	}
	log, closeLog, err := o.openLog(s.messages)
	if err != nil {
		return 0, err
	}
	defer closeLog()
	config, err := o.config(b, mounts, log)
	if err != nil {
		return 0, err
	}
	revoked := new(trust.Revoked)
	watcher, err := o.follow(b, log, revoked.Apply)
	if err != nil {
		return 0, err
	}
	defer watcher.Close()
	config.Revoked = revoked.Has
	sink, closeAudit, err := o.openAudit()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAudit()) }()
	config.Audit = sink
	if o.strace {
		config.Trace = trace.Writer(s.messages)
	}
	t, err := s.connect(config)
	if err != nil {
		return 0, err
	}
	defer t.restore()
	k, err := kernel.New(*config)
	if err != nil {
		return 0, err
	}
	if m, ok := s.messages.(*crlf); ok {
		m.flush = k.Flush
	}
	command := o.command
	if len(command) == 0 {
		command = b.Manifest.Command
	}
	return supervise(ctx, k, t, func(ctx context.Context) (kernel.Status, error) {
		return k.Run(ctx, command, env, cwd)
	})
}

// load maps the native code of a bundle, whose digest was checked. It is verified first, unless
// this vkernel remembers that it has verified code of this digest.
func load(b *bundle.Bundle) (*engine.Code, error) {
	known, digest := verify.OpenKnown(), b.Native.SHA256.String()
	if known.Has(digest) {
		return engine.LoadVerified(b.Code)
	}
	code, err := engine.Load(b.Code)
	if err == nil {
		known.Add(digest)
	}
	return code, err
}

// config makes the container of a verified bundle, without its streams.
func (o *runOptions) config(b *bundle.Bundle, mounts []mount, log *slog.Logger) (*kernel.Config, error) {
	code, err := load(b)
	if err != nil {
		return nil, fmt.Errorf("%s does not start: native code: %w", o.bundle, err)
	}
	if err := b.CheckPrograms(code.Meta().Programs); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", o.bundle, err)
	}
	tree := rootfs.New(rootfs.Options{
		List: b.Root, Content: b.Content,
		Refused: func(n *manifest.Node, err error) { log.Error("file refused", "path", n.Path, "reason", err) },
	})
	root, e := tree.Layer(memfs.Options{Dev: devRoot, Bytes: int64(o.disk)})
	if e != 0 {
		return nil, fmt.Errorf("root file system: %w", e)
	}
	policies, err := policy.New(b.Manifest)
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", o.bundle, err)
	}
	c := &kernel.Config{Code: code, Policies: policies, Router: router.New(b.Manifest), Root: root, Hostname: o.hostname, Log: log, Sched: scheduler()}
	c.Limits.Memory, c.Limits.Processes = uint64(o.memory), o.processes
	if c.Hostname == "" {
		c.Hostname = b.Manifest.Name
	}
	for i, m := range mounts {
		if err := addMount(c, m, devMount+uint64(i)); err != nil {
			return nil, err
		}
	}
	return c, nil
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

// streams are the host's ends of a container's standard streams.
type streams struct {
	stdio
	tty      *os.File  // the host's terminal if the container has it
	messages io.Writer // for the log and traces, beside what the container writes
}

func (o *runOptions) streams() *streams {
	s := &streams{stdio: o.std, messages: o.std.err}
	in, ok := isTerminal(o.std.in)
	if _, both := isTerminal(o.std.out); ok && both {
		s.tty = in
		if _, ok := isTerminal(o.std.err); ok {
			s.messages = &crlf{w: o.std.err}
		}
	}
	return s
}

// connect gives the container its streams, and sets the terminal to raw mode if it is one
// of them. The terminal is nil if not.
func (s *streams) connect(c *kernel.Config) (*terminal, error) {
	if s.tty == nil {
		c.Stdin, c.Stdout, c.Stderr = s.in, s.out, s.err
		return nil, nil
	}
	t, err := openTerminal(s.tty)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	rows, columns, _ := t.size()
	c.Console = &kernel.Console{ReadWriter: console{s.in, s.out}, Rows: rows, Columns: columns}
	return t, nil
}

// console is the terminal's two directions.
type console struct {
	io.Reader
	io.Writer
}
