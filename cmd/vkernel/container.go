package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"vkernel/internal/bundle"
	"vkernel/internal/engine"
	"vkernel/internal/kernel"
	"vkernel/internal/mutant"
	"vkernel/internal/sandbox"
	"vkernel/internal/verify"
)

// run verifies the bundle, runs the container in a sandbox process and gives its exit status.
// Whatever happens, the host's terminal is restored.
func (o *runOptions) run(ctx context.Context) (status int, err error) {
	mounts, err := o.mounts()
	if err != nil {
		return 0, err
	}
	cwd, err := o.workdir()
	if err != nil {
		return 0, err
	}
	name, err := o.reserve()
	if err != nil {
		return 0, err
	}
	defer name.close()
	var s *sandbox.Sandbox // starts while the bundle is verified
	var known verify.Known
	defer func() {
		if s != nil {
			s.Close()
		}
	}()
	b, err := o.open(bundle.Options{
		Trusted: func(b *bundle.Bundle) (err error) {
			s, err = o.begin(b, mounts)
			return err
		},
		Listed: func(*bundle.Bundle) error {
			known = verify.OpenKnown()
			return s.Prepare()
		},
	})
	if err != nil {
		return 0, err
	}
	defer b.Close()
	if err := o.again.belongs(b); err != nil {
		return 0, err
	}
	if err := verifyCode(b, known); err != nil {
		return 0, fmt.Errorf("%s does not start: %w", o.bundle, err)
	}
	if err := s.Load(); err != nil {
		return 0, err
	}
	tty := o.tty()
	if o.again != nil && !o.again.settings.Terminal {
		tty = nil // it has streams
	}
	env, err := o.environment(tty != nil)
	if err != nil {
		return 0, err
	}
	log, endLog, err := o.openLog()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, endLog()) }()
	sink, closeAudit, err := o.openAudit()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAudit()) }()
	watcher, err := o.follow(b, s)
	if err != nil {
		return 0, err
	}
	defer watcher.Close()
	run := sandbox.Run{
		Command: o.command, Env: env, Dir: cwd, Hostname: o.hostname, Strace: o.strace, Log: log, Audit: sink, Offline: o.offline,
	}
	t, err := o.connect(&run.Streams, tty)
	if err != nil {
		return 0, err
	}
	defer t.restore()
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	from, done := o.again.from()
	defer done()
	run.From = from
	run.Started, err = name.serve(o, b, s, kill, tty != nil)
	if err != nil {
		return 0, err
	}
	return supervise(ctx, s, t, func(ctx context.Context) (kernel.Status, error) { return s.Run(ctx, run) })
}

// verifyCode verifies the native code of a bundle, whose digest was checked, unless this
// vkernel remembers that it has verified code of this digest.
func verifyCode(b *bundle.Bundle, known verify.Known) error {
	digest := b.Native.SHA256.String()
	if known.Has(digest) || mutant.Off("native.verify") {
		return nil
	}
	if _, err := engine.Verify(b.Code); err != nil {
		return fmt.Errorf("native code: %w", err)
	}
	known.Add(digest)
	return nil
}

// begin starts the sandbox process of a bundle whose manifest has been verified.
func (o *runOptions) begin(b *bundle.Bundle, mounts []mount) (*sandbox.Sandbox, error) {
	c := sandbox.Config{Bundle: b, Memory: uint64(o.memory), Processes: o.processes, Disk: int64(o.disk)}
	if len(o.command) > 0 {
		c.First = o.command[0]
	}
	for _, m := range mounts {
		if err := m.allow(b.Manifest); err != nil {
			return nil, err
		}
		opened, err := m.open()
		if err != nil {
			return nil, err
		}
		defer opened.Dir.Close()
		c.Mounts = append(c.Mounts, opened)
	}
	return sandbox.Begin(c)
}

// tty is the host's terminal, if the container has it.
func (o *runOptions) tty() *os.File {
	in, ok := isTerminal(o.std.in)
	if _, both := isTerminal(o.std.out); ok && both {
		return in
	}
	return nil
}

// connect gives the container its streams, and sets the terminal to raw mode if it is one
// of them. The terminal is nil if not.
func (o *runOptions) connect(s *sandbox.Streams, tty *os.File) (*terminal, error) {
	s.Err = o.std.err
	if tty == nil {
		s.In, s.Out = o.std.in, o.std.out
		return nil, nil
	}
	if _, ok := isTerminal(o.std.err); ok {
		s.Err = nil
	}
	t, err := openTerminal(tty)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	s.Rows, s.Columns, _ = t.size()
	s.Console = console{o.std.in, o.std.out}
	return t, nil
}

// console is the terminal's two directions.
type console struct {
	io.Reader
	io.Writer
}
