package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
)

// maxStart bounds the command and the environment of a process.
const maxStart = 8 << 20

// exec starts a process, and stays until it has ended or the client has gone.
func (c *Call) exec() {
	j, err := c.job()
	if err != nil {
		c.fail(err)
		return
	}
	ctx, leave := context.WithCancel(c.server.ctx)
	defer leave()
	orders := make(chan sandbox.Control)
	j.Control = orders
	go func() {
		defer leave()
		c.orders(ctx, orders)
	}()
	var mu sync.Mutex // keeps the last event last
	over := false
	tell := func(e event) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			over = c.send(e) != nil
		}
	}
	j.Begun = func(pid int) { tell(event{Event: eventBegun, PID: pid}) }
	j.Input = func() { tell(event{Event: eventInput}) }
	status, err := c.server.config.Container.Exec(ctx, j)
	mu.Lock()
	defer mu.Unlock()
	over = true
	if err != nil {
		c.fail(err)
		return
	}
	c.send(event{Done: true, Code: status.Code, Signal: int(status.Signal)}) //nolint:errcheck // the client may be gone
}

// Events of exec.
const (
	eventBegun = "begun"
	eventInput = "input"
)

// job reads what to start. Its streams are the client's, and end with the connection.
func (c *Call) job() (j sandbox.Job, err error) {
	if len(c.files) == 0 {
		return j, errors.New("a request to start a process has no descriptors")
	}
	memory := c.files[0]
	c.files = c.files[1:]
	data, err := packet.ReadSealed(memory, maxStart)
	if err == nil {
		err = strict(data, &j.Start)
	}
	if err != nil {
		return j, fmt.Errorf("what to start: %w", err)
	}
	j.Files = c.files
	for i, f := range j.Files {
		if err := checkStream(f, j.Console && i == 0); err != nil {
			return j, fmt.Errorf("stream %d: %w", i, err)
		}
	}
	return j, nil
}

// checkStream refuses what no sandbox may get: by a socket it could reach others. A console is a socket without a name, of
// which the client has the other end.
func checkStream(f *os.File, console bool) error {
	if !console {
		if !sandbox.Plain(f) {
			return errors.New("it is neither a pipe nor a regular file")
		}
		return nil
	}
	fd := int(f.Fd())
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return fmt.Errorf("a console has to be a socket: %w", err)
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return err
	}
	for _, ask := range []func(int) (unix.Sockaddr, error){unix.Getsockname, unix.Getpeername} {
		a, err := ask(fd)
		if err != nil {
			return fmt.Errorf("a console has to be connected: %w", err)
		}
		if u, ok := a.(*unix.SockaddrUnix); !ok || u.Name != "" && u.Name != unnamed || domain != unix.AF_UNIX || kind != unix.SOCK_STREAM {
			return errors.New("a console has to be one of a pair of sockets")
		}
	}
	return nil
}

// unnamed is how package unix gives the address of a socket that has none.
const unnamed = "@"

// orders passes on what the client wants its process to be told, until it leaves.
func (c *Call) orders(ctx context.Context, to chan<- sandbox.Control) {
	for {
		data, files, err := c.conn.Receive()
		packet.CloseAll(files)
		var o sandbox.Control
		if err != nil || strict(data, &o) != nil {
			return
		}
		select {
		case to <- o:
		case <-ctx.Done():
			return
		}
	}
}

// Exec is a process to be started in a container that runs.
type Exec struct {
	Command, Env []string
	Pool         int // of which to start a copy, with Command as its arguments; 0: Command is executed
	Dir          string
	Streams      sandbox.Streams
	Control      <-chan sandbox.Control // signals for it, and sizes of its window; nil: none
}

// Exec starts a process and returns when it, and its output, have ended. When ctx is done it is hung up, and nobody waits for it.
func (c *Client) Exec(ctx context.Context, e Exec) (kernel.Status, error) {
	start := sandbox.Start{Command: e.Command, Pool: e.Pool, Env: e.Env, Dir: e.Dir}
	relay, err := e.Streams.Relay(&start)
	if err != nil {
		return kernel.Status{}, err
	}
	defer relay.Close()
	data, err := json.Marshal(&start)
	if err != nil {
		return kernel.Status{}, err
	}
	memory, err := packet.Seal("exec", data)
	if err != nil {
		return kernel.Status{}, err
	}
	defer memory.Close()
	conn, err := c.call("exec", nil, append([]*os.File{memory}, relay.Files()...)...)
	if err != nil {
		return kernel.Status{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Close)()
	relay.Begin(start.Console)
	over := make(chan struct{})
	defer close(over)
	go order(conn, e.Control, over)
	for {
		ev, err := receive(conn)
		switch {
		case ctx.Err() != nil:
			return kernel.Status{}, ctx.Err()
		case err != nil:
			return kernel.Status{}, fmt.Errorf("%s has ended: %w", c.name, err)
		case ev.Event == eventInput:
			relay.WantInput()
		case ev.Done:
			if err := ev.failure(); err != nil {
				var refused *kernel.CommandError
				if !errors.As(err, &refused) {
					err = fmt.Errorf("%s: %w", c.name, err)
				}
				return kernel.Status{}, err
			}
			relay.Drain()
			return kernel.Status{Code: ev.Code & 0xff, Signal: linux.Signal(ev.Signal & 0x7f)}, nil
		}
	}
}

// order sends what the process is to be told, until it is over.
func order(conn *packet.Conn, from <-chan sandbox.Control, over <-chan struct{}) {
	for {
		select {
		case o := <-from:
			if sendJSON(conn, o) != nil {
				return
			}
		case <-over:
			return
		}
	}
}
