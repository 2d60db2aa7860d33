package main

import (
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is the host's terminal while a container has it: in raw mode, so that every
// byte reaches the terminal that the kernel emulates, and that one alone edits lines,
// echoes and makes signals.
type terminal struct {
	file  *os.File
	state *term.State
	guard *guard
	once  sync.Once
}

// isTerminal reports whether v is a file that is a terminal.
func isTerminal(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// openTerminal sets a terminal to raw mode. The caller must call restore on every way
// out; ways out that run no code of ours are the guard's.
func openTerminal(f *os.File) (*terminal, error) {
	g, err := startGuard(f)
	if err != nil {
		return nil, err
	}
	state, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		g.stop()
		return nil, err
	}
	return &terminal{file: f, state: state, guard: g}, nil
}

// restore sets the terminal's modes back. Calling it again does nothing.
func (t *terminal) restore() {
	if t == nil {
		return
	}
	t.once.Do(func() {
		if term.Restore(int(t.file.Fd()), t.state) == nil {
			t.guard.stop()
		}
	})
}

// size is the size of the window in characters.
func (t *terminal) size() (rows, columns uint16, ok bool) {
	w, err := unix.IoctlGetWinsize(int(t.file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	return w.Row, w.Col, true
}

// watchSize calls resized with the size now, and again whenever it changes, until stop.
func (t *terminal) watchSize(resized func(rows, columns uint16)) (stop func()) {
	changed := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(changed, unix.SIGWINCH)
	tell := func() {
		if rows, columns, ok := t.size(); ok {
			resized(rows, columns)
		}
	}
	tell()
	go func() {
		for {
			select {
			case <-changed:
				tell()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(changed)
		close(done)
	}
}
