package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"vkernel/internal/kernel"
)

// A launcher can ask a container that runs: to pause, for its processes, to start one. Each request has a number, which its
// answers bear; answers come in any order, in pieces of what fits a message. What a sandbox answers is bounded, and nothing waits
// for an answer for longer than the process lives.

// maxAnswer bounds what all pieces of an answer hold.
const maxAnswer = 16 << 20

// maxPiece is how much of an answer is in one message: in base64 it has to fit.
const maxPiece = 40 << 10

// Errors of a request.
var (
	ErrNotRunning = errors.New("the container is not running")
	errAnswer     = fmt.Errorf("the sandbox process has answered with more than %d bytes", maxAnswer)
)

// question is a request that has not been answered.
type question struct {
	data   []byte
	answer chan answer // with room for one
	begun  func(pid int)
	input  func()
}

// answer is how a question ended.
type answer struct {
	data []byte
	last message
	err  error
}

// questions are those of a Sandbox. Guarded by its mu.
type questions struct {
	next  uint64
	open  map[uint64]*question
	ended bool
}

// ask sends a request and waits for its answer, which is read into result.
func (s *Sandbox) ask(ctx context.Context, name string, argument, result any, files ...*os.File) error {
	q := &question{answer: make(chan answer, 1)}
	a, err := s.await(ctx, q, name, argument, files)
	if err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(a.data, result); err != nil {
		return fmt.Errorf("the answer to %q cannot be read: %w", name, err)
	}
	return nil
}

// await sends a request and waits for its last answer.
func (s *Sandbox) await(ctx context.Context, q *question, name string, argument any, files []*os.File) (answer, error) {
	id, err := s.put(q, name, argument, files)
	if err != nil {
		return answer{}, err
	}
	defer s.forget(id)
	select {
	case a := <-q.answer:
		return a, a.err
	case <-ctx.Done():
		return answer{}, fmt.Errorf("the container has not answered %q: %w", name, ctx.Err())
	}
}

// put sends a request.
func (s *Sandbox) put(q *question, name string, argument any, files []*os.File) (id uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || s.asked.ended {
		return 0, ErrNotRunning
	}
	s.asked.next++
	id = s.asked.next
	if s.asked.open == nil {
		s.asked.open = map[uint64]*question{}
	}
	s.asked.open[id] = q
	s.sendLocked(func() error {
		return s.conn.handMessage(message{Kind: kindAsk, ID: id, Name: name}, argument, files...)
	})
	return id, nil
}

// forget ends the wait for an answer.
func (s *Sandbox) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asked.open, id)
}

// answered takes a message about a request. One that nobody waits for is dropped.
func (s *Sandbox) answered(m *message) {
	s.mu.Lock()
	q := s.asked.open[m.ID]
	var call func()
	switch {
	case q == nil:
	case m.Kind == kindInput:
		call, q.input = q.input, nil
	case m.Kind == kindBegun:
		if begun := q.begun; begun != nil {
			call, q.begun = func() { begun(m.Code) }, nil
		}
	case len(q.data)+len(m.Data) > maxAnswer:
		s.closeLocked(m.ID, answer{err: errAnswer})
	default:
		q.data = append(q.data, m.Data...)
		if m.More {
			break
		}
		_, err := m.status()
		s.closeLocked(m.ID, answer{data: q.data, last: *m, err: err})
	}
	s.mu.Unlock()
	if call != nil {
		go call() // whoever it tells may take his time
	}
}

func (s *Sandbox) closeLocked(id uint64, a answer) {
	s.asked.open[id].answer <- a // the only one: it is taken out
	delete(s.asked.open, id)
}

// unanswered ends all requests: the process is gone, or says nothing more.
func (s *Sandbox) unanswered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.ended = true
	for id := range s.asked.open {
		s.closeLocked(id, answer{err: ErrNotRunning})
	}
}

// Pause stops everything in the container until Resume.
func (s *Sandbox) Pause(ctx context.Context) error { return s.ask(ctx, askPause, nil, nil) }

// Resume ends a pause.
func (s *Sandbox) Resume(ctx context.Context) error { return s.ask(ctx, askResume, nil, nil) }

// Processes lists those of the container.
func (s *Sandbox) Processes(ctx context.Context) (list []kernel.ProcessInfo, err error) {
	return list, s.ask(ctx, askProcesses, nil, &list)
}

// Save has the container save itself into a pipe or, for copies, into memory. It stands meanwhile.
func (s *Sandbox) Save(ctx context.Context, a SaveArgument, to *os.File) (saved Saved, err error) {
	return saved, s.ask(ctx, askSave, &a, &saved, to)
}

// Job is a process to be started in a container that runs. Its streams are descriptors, in the order of Start.
type Job struct {
	Start
	Files []*os.File

	Begun func(pid int) // called when it has been started
	Input func()        // called when its standard input is wanted, if that is Relayed
	// Control sends what it is told to the process while that runs.
	Control <-chan Control
}

// Control is a signal to a Job's process, or a new size of its window.
type Control struct {
	Signal        int    `json:"signal,omitempty"`
	Rows, Columns uint16 `json:",omitempty"`
}

// Exec starts a process in the container, and returns when it and its output have ended. When ctx is done it is hung up (SIGHUP),
// and nobody waits for it any more.
func (s *Sandbox) Exec(ctx context.Context, j Job) (kernel.Status, error) {
	q := &question{answer: make(chan answer, 1), begun: j.Begun, input: j.Input}
	id, err := s.put(q, askExec, &j.Start, j.Files)
	if err != nil {
		return kernel.Status{}, err
	}
	defer s.forget(id)
	for {
		select {
		case a := <-q.answer:
			if a.err != nil {
				return kernel.Status{}, a.err
			}
			return a.last.status()
		case c := <-j.Control:
			s.tell(message{Kind: kindControl, ID: id, Signal: c.Signal, Rows: c.Rows, Columns: c.Columns})
		case <-ctx.Done():
			s.tell(message{Kind: kindControl, ID: id, Signal: hangup})
			return kernel.Status{}, ctx.Err()
		}
	}
}

// hangup is SIGHUP, of a guest as of the host.
const hangup = 1
