package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/packet"
)

// Client asks about one container. Each of its methods is a connection of its own, and several goroutines may call them.
type Client struct{ name string }

// Open finds a container by its name. ErrUnknown: there is none.
func Open(name string) (*Client, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	d, err := openDir()
	if err != nil {
		return nil, err
	}
	defer d.file.Close()
	if !d.alive(name) {
		return nil, fmt.Errorf("%s: %w", name, ErrUnknown)
	}
	return &Client{name}, nil
}

// List tells of all containers of this user, in the order of their names. One that does not answer in time is Silent.
func List(ctx context.Context) ([]Info, error) {
	d, err := openDir()
	if err != nil {
		return nil, err
	}
	defer d.file.Close()
	all, err := d.containers()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	list := []Info{}
	var asked sync.WaitGroup
	for _, name := range all {
		if !d.alive(name) {
			continue
		}
		asked.Go(func() {
			i := (&Client{name}).state(ctx)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, i)
		})
	}
	asked.Wait()
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// listTime is how long a launcher that is asked for a list has.
const listTime = 2 * time.Second

// state is Info of a container that may not answer.
func (c *Client) state(ctx context.Context) Info {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	i, err := c.Info(ctx)
	switch {
	case err == nil:
		return i
	case errors.Is(err, errStarting):
		return Info{Name: c.name, State: Starting}
	}
	return Info{Name: c.name, State: Silent}
}

// Info tells what the container is.
func (c *Client) Info(ctx context.Context) (i Info, err error) { return i, c.ask(ctx, "info", nil, &i) }

// Processes lists those in it.
func (c *Client) Processes(ctx context.Context) (list []kernel.ProcessInfo, err error) {
	return list, c.ask(ctx, "processes", nil, &list)
}

// Pause stops everything in it until Resume.
func (c *Client) Pause(ctx context.Context) error { return c.ask(ctx, "pause", nil, nil) }

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context) error { return c.ask(ctx, "resume", nil, nil) }

// removeTime is how long a container has to end when everything in it was killed. Then its launcher is killed, and with that the
// sandbox.
const removeTime = 10 * time.Second

// Remove kills everything in it, and returns when its name is free.
func (c *Client) Remove(ctx context.Context) error {
	d, err := openDir()
	if err != nil {
		return err
	}
	defer d.file.Close()
	conn, err := c.call("remove", nil)
	if errors.Is(err, errStarting) {
		return fmt.Errorf("%s: %w: it may be asked to end in a moment", c.name, err)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	cred, err := peer(conn)
	if err != nil {
		return err
	}
	for end := time.Now().Add(removeTime); d.alive(c.name); {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(end) {
			unix.Kill(int(cred.Pid), unix.SIGKILL) //nolint:errcheck // it may be gone
		}
		conn.File.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) //nolint:errcheck // it is a socket
		ev, err := receive(conn)
		if err == nil && ev.failure() != nil {
			return ev.failure()
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			time.Sleep(time.Millisecond) // its launcher is about to end
		}
	}
	return nil
}

// errStarting says that a container has a name and no socket yet.
var errStarting = errors.New("the container is being started")

// call sends a request.
func (c *Client) call(command string, argument any, files ...*os.File) (*packet.Conn, error) {
	d, err := openDir()
	if err != nil {
		return nil, err
	}
	defer d.file.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	conn := packet.New(fd)
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: d.at(c.name + socketSuffix)})
	if err == nil {
		err = c.begin(conn, command, argument, files)
	} else if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) {
		err = ErrUnknown
		if d.alive(c.name) {
			err = errStarting
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return conn, nil
}

func (c *Client) begin(conn *packet.Conn, command string, argument any, files []*os.File) error {
	if cred, err := peer(conn); err != nil || !trusted(cred) {
		return errors.Join(errors.New("what listens there is another user's"), err)
	}
	r := request{Version: Version, Command: command}
	if argument != nil {
		data, err := json.Marshal(argument)
		if err != nil {
			return err
		}
		r.Argument = data
	}
	return sendJSON(conn, r, files...)
}

// ask sends a request and reads its result.
func (c *Client) ask(ctx context.Context, command string, argument, result any) error {
	conn, err := c.call(command, argument)
	if err != nil {
		return err
	}
	defer conn.Close()
	return c.await(ctx, conn, result)
}

// await reads the result of a request.
func (c *Client) await(ctx context.Context, conn *packet.Conn, result any) error {
	defer context.AfterFunc(ctx, conn.Close)()
	var data []byte
	for {
		ev, err := receive(conn)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s does not answer: %w", c.name, ctx.Err())
		case err != nil:
			return fmt.Errorf("%s has ended: %w", c.name, err)
		case len(data)+len(ev.Data) > maxResult:
			return fmt.Errorf("%s has answered with more than %d bytes", c.name, maxResult)
		}
		data = append(data, ev.Data...)
		if !ev.Done {
			continue
		}
		if err := ev.failure(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(data, result)
	}
}

// receive reads an event.
func receive(conn *packet.Conn) (event, error) {
	data, files, err := conn.Receive()
	packet.CloseAll(files)
	if err != nil {
		return event{}, err
	}
	return parseEvent(data)
}

// failure is the error that an event tells of.
func (e *event) failure() error {
	switch {
	case e.Errno != 0:
		return &kernel.CommandError{Name: e.Command, Errno: linux.Errno(e.Errno)}
	case e.Error != "":
		return errors.New(e.Error)
	}
	return nil
}
