package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
)

// live is a container that runs, in the sandbox process: what the launcher's messages and requests are about.
type live struct {
	conn   *conn
	kernel *kernel.Kernel

	mu sync.Mutex

	// guarded by mu
	paused bool
	killed bool                    // and does not stay paused
	busy   bool                    // it is being saved, and stays paused until that is done
	held   []func()                // what comes from outside while it is paused
	jobs   map[uint64]*kernel.Copy // of requests that have not ended
}

// Requests, by name. Each has the argument that it reads from descriptor 0 of its message; its result is sent back as JSON.
const (
	askPause     = "pause"
	askResume    = "resume"
	askProcesses = "processes"
	askExec      = "exec"
	askSave      = "save"
)

// requests are what a launcher can ask for.
var requests = map[string]func(*live, *request) (any, error){
	askPause:     func(l *live, _ *request) (any, error) { return nil, l.pause() },
	askResume:    func(l *live, _ *request) (any, error) { return nil, l.resume() },
	askProcesses: func(l *live, _ *request) (any, error) { return l.kernel.Processes(), nil },
	askSave:      (*live).save,

	askMakePool:   (*live).makePool,
	askPools:      func(l *live, _ *request) (any, error) { return l.kernel.Pools(), nil },
	askRemovePool: (*live).removePool,
}

// request is one. Who serves it closes the files.
type request struct {
	id       uint64
	argument *os.File
	files    []*os.File
}

// pauseTime is how long a pause may take: a thread that is busy in the kernel is awaited.
const pauseTime = 4 * time.Second

var (
	errPaused    = errors.New("the container is paused")
	errNotPaused = errors.New("the container is not paused")
	errBusy      = errors.New("a snapshot of the container is being taken")
)

// pause stops everything. What comes from outside meanwhile is held, in its order, so that whoever brings it does not wait.
func (l *live) pause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		return errBusy
	}
	if l.paused {
		return errPaused
	}
	return l.pauseLocked()
}

func (l *live) pauseLocked() error {
	ctx, cancel := context.WithTimeout(context.Background(), pauseTime)
	defer cancel()
	if err := l.kernel.Pause(ctx); err != nil {
		return err
	}
	l.paused = true
	return nil
}

// resume ends a pause.
func (l *live) resume() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.busy:
		return errBusy
	case !l.paused:
		return errNotPaused
	}
	l.resumeLocked()
	return nil
}

// kill has it go on if it is paused, or soon, so that it can end.
func (l *live) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.killed = true
	if l.paused && !l.busy {
		l.resumeLocked()
	}
}

func (l *live) resumeLocked() {
	l.kernel.Resume()
	l.paused = false
	for _, do := range l.held {
		do()
	}
	l.held = nil
}

// maxHeld bounds what is held: keys and windows are the launcher's user's.
const maxHeld = 1024

// outside does something that comes from outside, now or when the pause has ended.
func (l *live) outside(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.paused {
		do()
	} else if len(l.held) < maxHeld {
		l.held = append(l.held, do)
	}
}

// serve answers a request.
func (l *live) serve(m *message, files []*os.File) {
	if len(files) == 0 {
		l.answer(m.ID, nil, fmt.Errorf("request %q has no argument", m.Name))
		return
	}
	r := &request{m.ID, files[0], files[1:]}
	if m.Name == askExec {
		l.exec(r)
		return
	}
	do := requests[m.Name]
	if do == nil {
		closeAll(files)
		l.answer(m.ID, nil, fmt.Errorf("there is no request %q", m.Name))
		return
	}
	result, err := do(l, r)
	closeAll(files)
	l.answer(m.ID, result, err)
}

// answer sends a result in pieces, or an error.
func (l *live) answer(id uint64, result any, err error) {
	var data []byte
	if err == nil {
		data, err = json.Marshal(result)
	}
	if err == nil && len(data) > maxAnswer {
		err = errAnswer
	}
	if err != nil {
		m := exitMessage(kernel.Status{}, err)
		m.Kind, m.ID = kindAnswer, id
		l.conn.send(m) //nolint:errcheck // see obey
		return
	}
	for {
		n := min(len(data), maxPiece)
		l.conn.send(message{Kind: kindAnswer, ID: id, Data: data[:n], More: n < len(data)}) //nolint:errcheck // likewise
		if data = data[n:]; len(data) == 0 {
			return
		}
	}
}

// exec starts a process and answers when it has ended.
func (l *live) exec(r *request) {
	var s Start
	err := readMemory(r.argument, &s)
	var st streams
	if err == nil {
		st, err = s.split(r.files)
	}
	var c *kernel.Copy
	if err == nil {
		c, err = l.start(r.id, &s, &st)
	}
	if err == nil {
		l.conn.send(message{Kind: kindBegun, ID: r.id, Code: c.PID()}) //nolint:errcheck // see obey
		var status kernel.Status
		status, err = c.Wait(context.Background())
		l.mu.Lock()
		delete(l.jobs, r.id)
		l.mu.Unlock()
		if err == nil {
			closeAll(r.files)
			m := exitMessage(status, nil)
			m.Kind, m.ID = kindAnswer, r.id
			l.conn.send(m) //nolint:errcheck // likewise
			return
		}
	}
	closeAll(r.files)
	l.answer(r.id, nil, err)
}

// start starts the process of a request, which is not done in a pause.
func (l *live) start(id uint64, s *Start, st *streams) (*kernel.Copy, error) {
	j := kernel.Job{Argv: s.Command, Env: s.Env, Dir: s.Dir}
	var console *kernel.Console
	if s.Console {
		console = &kernel.Console{ReadWriter: st.console, Rows: s.Rows, Columns: s.Columns}
	} else {
		j.Stdin, j.Stdout, j.Stderr = io.Reader(st.in), st.out, st.err
		if s.Relayed {
			j.Stdin = &asked{r: st.in, ask: func() { l.conn.send(message{Kind: kindInput, ID: id}) }} //nolint:errcheck // see obey
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused {
		return nil, errPaused
	}
	c, err := l.begin(s, j, console)
	if err != nil {
		return nil, err
	}
	if l.jobs == nil {
		l.jobs = map[uint64]*kernel.Copy{}
	}
	l.jobs[id] = c
	return c, nil
}

// control passes a signal or the size of a window on to the process of a request.
func (l *live) control(m *message) {
	l.mu.Lock()
	c := l.jobs[m.ID]
	l.mu.Unlock()
	switch {
	case c == nil:
	case m.Signal != 0:
		l.outside(func() { c.Signal(linux.Signal(m.Signal)) })
	default:
		l.outside(func() { c.Resize(m.Rows, m.Columns) })
	}
}
