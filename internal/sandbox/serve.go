package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/trust"
)

// exitFailed is the status of a sandbox process that had to give up. What it has written to
// standard error says why.
const exitFailed = 125

// Main is the sandbox process: it loads, seals itself, tells the launcher, and runs what that
// starts. It gives the status of the process.
func Main() int { return serve(hooks{}) }

// hooks are called at two points of Main, for tests.
type hooks struct{ loaded, sealed func(c *conn) }

func serve(h hooks) int {
	c := newConn(fdControl)
	if err := run(c, h); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return 0
}

func run(c *conn, h hooks) error {
	files, err := expect(c, kindPrepare)
	if err != nil || files == nil {
		return err // what was to be loaded was refused
	}
	l, err := prepare(files)
	if err != nil {
		return err
	}
	if files, err = expect(c, kindLoad); err != nil || files == nil {
		return err // likewise
	}
	if err := l.load(files); err != nil {
		return err
	}
	if h.loaded != nil {
		h.loaded(c)
	}
	held, err := seal(&l.spec, len(l.manifest.Network) > 0)
	if err != nil {
		return err
	}
	if h.sealed != nil {
		h.sealed(c)
	}
	if err := c.send(message{Kind: kindReady, Confinements: &held}); err != nil {
		return err
	}
	if files, err = expect(c, kindStart); err != nil || files == nil {
		return err // a spare that was not needed
	}
	var s Start
	if err := readMemory(files[0], &s); err != nil {
		return fmt.Errorf("what to start: %w", err)
	}
	l.revoked.Apply(s.Revoked)
	return c.send(l.run(c, &s, files[1:]))
}

// expect receives a message that has to be of a kind, with the descriptors that every message before the
// start has. There are none if the launcher wants no more of this process.
func expect(c *conn, kind string) ([]*os.File, error) {
	m, files, err := c.receive()
	if errors.Is(err, os.ErrClosed) {
		return nil, nil
	}
	if err != nil || m.Kind != kind || len(files) == 0 {
		return nil, fmt.Errorf("expected a message %q with descriptors, got %q with %d, %w", kind, m.Kind, len(files), err)
	}
	return files, nil
}

// run runs the container and gives the launcher's message about its end.
func (l *loaded) run(c *conn, s *Start, files []*os.File) message {
	k, err := l.build(s, files, c)
	if err != nil {
		return exitMessage(kernel.Status{}, err)
	}
	l.note(&s.Note)
	command := s.Command
	if len(command) == 0 {
		command = l.manifest.Command
	}
	ctx, kill := context.WithCancel(context.Background())
	go l.obey(&live{conn: c, kernel: k}, kill)
	if s.Restore != Fresh {
		k.Resume()
		c.send(message{Kind: kindStarted}) //nolint:errcheck // see obey
		return exitMessage(k.Wait(ctx))
	}
	return exitMessage(k.Run(ctx, command, s.Env, s.Dir))
}

// obey does what the launcher says, until it is gone: then the process has nobody to run for.
func (l *loaded) obey(at *live, kill func()) {
	for {
		m, files, err := at.conn.receive()
		if err != nil {
			os.Exit(exitFailed)
		}
		switch m.Kind {
		case kindRevoked:
			l.revoke(files)
		case kindNote:
			l.note(&m)
		case kindSignal:
			at.outside(func() { at.kernel.Signal(linux.Signal(m.Signal)) })
		case kindResize:
			at.outside(func() { at.kernel.Resize(m.Rows, m.Columns) })
		case kindKill:
			kill()
			at.kill()
		case kindAsk:
			go at.serve(&m, files)
		case kindControl:
			at.control(&m)
		case kindDialled:
			l.dialler.dialled(&m, files)
		}
	}
}

// note writes a line to the log, if there is something to say.
func (l *loaded) note(m *message) {
	level := slog.LevelInfo
	if m.Warn {
		level = slog.LevelWarn
	}
	if m.Text != "" {
		l.log.Log(context.Background(), level, m.Text)
	}
}

// revoke takes over what may not be started any more. What cannot be read ends the process.
func (l *loaded) revoke(files []*os.File) {
	var u trust.Update
	if len(files) != 1 || readMemory(files[0], &u) != nil {
		fmt.Fprintln(os.Stderr, "what was revoked cannot be read")
		os.Exit(exitFailed)
	}
	l.revoked.Apply(u)
}

// maxText bounds an error in a message: paths and names are in it.
const maxText = 8 << 10

// exitMessage says how a container ended.
func exitMessage(s kernel.Status, err error) message {
	m := message{Kind: kindExit, Code: s.Code, Signal: int(s.Signal)}
	var c *kernel.CommandError
	switch {
	case errors.As(err, &c):
		m.Command, m.Errno = c.Name, int(c.Errno)
	case err != nil:
		m.Text = err.Error()
		m.Text = m.Text[:min(len(m.Text), maxText)]
	}
	return m
}

// status is exitMessage read back.
func (m *message) status() (kernel.Status, error) {
	switch {
	case m.Errno != 0:
		return kernel.Status{}, &kernel.CommandError{Name: m.Command, Errno: linux.Errno(m.Errno)}
	case m.Text != "":
		return kernel.Status{}, errors.New(m.Text)
	}
	return kernel.Status{Code: m.Code & 0xff, Signal: linux.Signal(m.Signal & 0x7f)}, nil
}
