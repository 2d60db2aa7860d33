package sandbox

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/audit"
	"vkernel/internal/broker"
	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/trust"
)

// Run is what a sandbox is to run, and where its streams lead.
type Run struct {
	Command, Env  []string // no command: what the bundle names
	Dir, Hostname string   // no name: the bundle's
	Strace        bool     // to standard error
	Streams       Streams
	Log           *os.File   // nil: standard error
	Audit         audit.Sink // nil: nobody is told
	From          *From      // what it begins with instead of Command; nil: that
	Offline       bool       // no connections to outside, whatever the manifest allows
	Started       func()     // called when the first process has begun; nil: nobody is told
}

// Run starts the container and waits for its end. When ctx is done, everything in it is
// killed. It is called once.
func (s *Sandbox) Run(ctx context.Context, r Run) (kernel.Status, error) {
	start := &Start{
		Command: r.Command, Env: r.Env, Dir: r.Dir, Hostname: r.Hostname,
		Strace: r.Strace, Audit: r.Audit != nil, Log: r.Log != nil,
	}
	if rules := s.bundle.Manifest.Network; len(rules) > 0 && !r.Offline {
		start.Network = true
		s.broker = broker.New(rules, func(text string) { s.tell(message{Kind: kindNote, Text: text, Warn: true}) })
		defer s.broker.Close()
	}
	relay, err := r.Streams.connect(start)
	if err != nil {
		return kernel.Status{}, err
	}
	defer relay.close()
	held, err := s.Wait()
	if err != nil {
		return kernel.Status{}, err
	}
	start.Note = held.note()
	files := relay.theirs
	if r.Log != nil {
		files = append(files, r.Log)
	}
	from, err := r.From.connect(start)
	if err != nil {
		return kernel.Status{}, err
	}
	defer from.close()
	files = append(files, from.theirs...)
	if err := s.start(start, files); err != nil {
		return kernel.Status{}, err
	}
	relay.begin(start.Console)
	from.begin()
	stop := context.AfterFunc(ctx, func() { s.tell(message{Kind: kindKill}) })
	defer stop()
	end, err := s.follow(&r, relay)
	if err != nil {
		return kernel.Status{}, err
	}
	defer time.AfterFunc(patience, func() { s.cmd.Process.Kill() }).Stop() //nolint:errcheck // it may be gone
	<-s.ended
	s.conn.close() // with descriptors of its streams that it may have sent and nobody received
	relay.drain()
	if err := from.failure(); err != nil && end.Text != "" {
		return kernel.Status{}, err
	}
	return end.status()
}

// start hands over what to start, and then what came before.
func (s *Sandbox) start(start *Start, files []*os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	start.Revoked = s.revoked
	if err := s.conn.hand(kindStart, start, files...); err != nil {
		return fmt.Errorf("starting the container: %w", err)
	}
	s.started = true
	for _, m := range s.early {
		s.sendLocked(func() error { return s.conn.send(m) })
	}
	s.early = nil
	return nil
}

// follow does what the sandbox asks for until it says how the container has ended.
func (s *Sandbox) follow(r *Run, relay *relay) (message, error) {
	defer s.unanswered()
	var once sync.Once
	for {
		m, files, err := s.conn.receive()
		closeAll(files)
		if err != nil {
			s.Close()
			return m, fmt.Errorf("the sandbox process has ended: %s", s.why())
		}
		switch {
		case m.Kind == kindAnswer || m.Kind == kindBegun || m.Kind == kindInput && m.ID != 0:
			s.answered(&m)
			continue
		}
		switch m.Kind {
		case kindInput:
			relay.wantInput()
		case kindDial:
			s.dial(&m)
		case kindStarted:
			if r.Started != nil {
				once.Do(r.Started)
			}
		case kindAudit:
			if r.Audit != nil && m.Record != nil {
				r.Audit.Decided(*m.Record)
			}
		case kindExit:
			return m, nil
		}
	}
}

// Signal sends a signal to the container's first process.
func (s *Sandbox) Signal(sig linux.Signal) { s.tell(message{Kind: kindSignal, Signal: int(sig)}) }

// Stop stops the process, until Continue.
func (s *Sandbox) Stop() { s.cmd.Process.Signal(unix.SIGSTOP) } //nolint:errcheck // it may be gone

// Continue ends Stop.
func (s *Sandbox) Continue() { s.cmd.Process.Signal(unix.SIGCONT) } //nolint:errcheck // it may be gone

// Resize tells the console that the window has a new size.
func (s *Sandbox) Resize(rows, columns uint16) {
	s.tell(message{Kind: kindResize, Rows: rows, Columns: columns})
}

// Note writes a line to the container's log.
func (s *Sandbox) Note(text string) { s.tell(message{Kind: kindNote, Text: text, Warn: true}) }

// Revoke says what may not be started any more. It replaces what was said before.
func (s *Sandbox) Revoke(u trust.Update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = u
	if s.started {
		s.sendLocked(func() error { return s.conn.hand(kindRevoked, u) })
	}
}

// tell sends a message, after the start.
func (s *Sandbox) tell(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.early = append(s.early, m)
		return
	}
	s.sendLocked(func() error { return s.conn.send(m) })
}

// sendLocked sends something to a process that runs. One that does not take it, though it has not ended,
// is killed: it would go on without what was revoked, and the launcher would wait for it.
func (s *Sandbox) sendLocked(send func() error) {
	s.conn.File.SetWriteDeadline(time.Now().Add(patience)) //nolint:errcheck // it is a socket, or closed
	if send() != nil {
		s.cmd.Process.Kill() //nolint:errcheck // it may be gone; Run notices
	}
}
