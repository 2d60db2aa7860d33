package sandbox

import (
	"errors"
	"sync"
)

// Spare keeps one sandbox process of a bundle ready: it is loaded and sealed before there is
// anything to run, so that a container starts in the time of a message. It costs the memory of
// a process that has not run anything.
type Spare struct {
	config Config
	next   chan made
	closed chan struct{}
	once   sync.Once
	done   sync.WaitGroup
}

// made is a sandbox that is sealed, or why there is none.
type made struct {
	sandbox *Sandbox
	err     error
}

// ErrClosed says that a Spare is closed.
var ErrClosed = errors.New("there are no more spare sandboxes: closed")

// NewSpare begins to make one. The bundle and the mounts stay open until Close.
func NewSpare(c Config) *Spare {
	s := &Spare{config: c, next: make(chan made), closed: make(chan struct{})}
	s.done.Go(s.fill)
	return s
}

// fill makes the next one when the last was taken.
func (s *Spare) fill() {
	for {
		m := made{}
		if m.sandbox, m.err = New(s.config); m.err == nil {
			if _, m.err = m.sandbox.Wait(); m.err != nil {
				m.sandbox.Close()
				m.sandbox = nil
			}
		}
		select {
		case s.next <- m:
		case <-s.closed:
			if m.sandbox != nil {
				m.sandbox.Close()
			}
			return
		}
	}
}

// Take gives a sealed sandbox, which the caller runs and closes.
func (s *Spare) Take() (*Sandbox, error) {
	select {
	case <-s.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case m := <-s.next:
		return m.sandbox, m.err
	case <-s.closed:
		return nil, ErrClosed
	}
}

// Close ends the one that is ready.
func (s *Spare) Close() {
	s.once.Do(func() { close(s.closed) })
	s.done.Wait()
}
