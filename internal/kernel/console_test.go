package kernel

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a console that a test types on.
type screen struct {
	t    *testing.T
	keys *io.PipeWriter
	in   *io.PipeReader

	mu    sync.Mutex
	shown strings.Builder // guarded by mu
	seen  int             // how much of it expect has passed
}

func newScreen(t *testing.T) *screen {
	r, w := io.Pipe()
	return &screen{t: t, keys: w, in: r}
}

func (s *screen) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(p)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// typeKeys types, then waits until the text appears after what was seen before.
func (s *screen) typeKeys(keys, want string) {
	s.t.Helper()
	io.WriteString(s.keys, keys)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if i := strings.Index(s.text()[s.seen:], want); i >= 0 {
			s.seen += i + len(want)
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("after %q: no %q in %q", keys, want, s.text()[s.seen:])
		}
	}
}

// TestConsole is a session at a terminal: editing, job control, interrupts, end of file.
func TestConsole(t *testing.T) {
	s := newScreen(t)
	c := newContainer(t, func(c *Config) { c.Console = &Console{ReadWriter: s, Rows: 24, Columns: 80} })
	done := make(chan Status, 1)
	go func() {
		status, err := c.kernel.Run(context.Background(), []string{"/bin/sh"}, []string{"PATH=/bin", "PS1=% ", "HOME=/root"}, "/")
		if err != nil {
			t.Error(err)
		}
		done <- status
	}()
	for _, step := range []struct{ keys, want string }{
		{"", "% "},
		{"echo on\x7f\x7fyes\r", "\r\nyes\r\n"},
		{"stty size\r", "24 80\r\n"},
		{"tty\r", "/dev/console\r\n"},
		// What runs says so, since keys typed before it has the terminal go to the shell.
		{"sh -c 'echo up; exec sleep 100'\r", "\r\nup\r\n"},
		{"\x03", "% "},
		{"echo status $?\r", "status 130\r\n"},
		{"sh -c 'echo up; exec sleep 100'\r", "\r\nup\r\n"},
		{"\x1a", "Stopped"},
		{"jobs\r", "Stopped"},
		{"bg\r", "sleep 100"},
		{"kill %1; wait\r", "Terminated"},
		{"echo up; cat\r", "\r\nup\r\n"},
		{"line\r", "line\r\nline\r\n"},
		{"\x04", "% "},
		{"cat &\r", "% "},
		{"sleep 0.3; jobs\r", "Stopped (tty input)"},
		{"kill %1; kill -CONT %1\r", "% "},
		{"sleep 0.1; jobs\r", "Terminated"},
	} {
		s.typeKeys(step.keys, step.want)
	}
	c.kernel.Resize(50, 100)
	s.typeKeys("stty size\r", "50 100\r\n")
	io.WriteString(s.keys, "exit 7\r")
	select {
	case status := <-done:
		if status != (Status{Code: 7}) {
			t.Errorf("status %+v, want 7", status)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("the shell does not exit; screen: %q", s.text())
	}
}
