package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
)

// Container is what a server needs of the container that it serves. *sandbox.Sandbox is one.
type Container interface {
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	Processes(ctx context.Context) ([]kernel.ProcessInfo, error)
	Exec(ctx context.Context, j sandbox.Job) (kernel.Status, error)
	Save(ctx context.Context, a sandbox.SaveArgument, to *os.File) (sandbox.Saved, error)
	MakePool(ctx context.Context, r sandbox.PoolRequest) (kernel.PoolState, error)
	Pools(ctx context.Context) ([]kernel.PoolState, error)
	RemovePool(ctx context.Context, id int) error
}

// States of a container.
const (
	Starting = "starting" // the launcher has not begun to serve
	Running  = "running"
	Paused   = "paused"
	Silent   = "silent" // its launcher does not answer: it may be stopped
)

// Info is what is known of a container.
type Info struct {
	Name     string    `json:"name"`
	State    string    `json:"state"`
	PID      int       `json:"pid"` // of the launcher, on the host
	Bundle   string    `json:"bundle,omitempty"`
	Manifest string    `json:"manifest,omitempty"` // digest of the manifest
	Command  []string  `json:"command,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	ID       string    `json:"id,omitempty"`     // of this container and no other, 32 hexadecimal digits
	Parent   string    `json:"parent,omitempty"` // the snapshot that it was made of, or the container

	Code     string   `json:"code,omitempty"` // digest of the native code
	CPU      string   `json:"cpu,omitempty"`  // what that needs
	Memory   uint64   `json:"memory,omitempty"`
	Settings Settings `json:"settings"`
}

// Settings are what a container was started with beside its bundle: what is needed to start it again from a snapshot, or a copy
// of it. They are the launcher's, not the container's.
type Settings struct {
	Command   []string `json:"command,omitempty"`  // that it was started with
	Terminal  bool     `json:"terminal,omitempty"` // it has a console
	Hostname  string   `json:"hostname,omitempty"`
	Volumes   []string `json:"volumes,omitempty"` // as run takes them, the directories absolute
	Memory    int64    `json:"memory,omitempty"`
	Disk      int64    `json:"disk,omitempty"`
	Processes int      `json:"processes,omitempty"`
	Offline   bool     `json:"offline,omitempty"` // no connections to outside, whatever the manifest allows

	Flags []string `json:"flags,omitempty"` // whom to trust and where to log: for copies on this machine, not in a snapshot
}

// Config is what a server needs.
type Config struct {
	Container Container
	Info      Info // Name, State and PID are the server's
	Remove    func()
}

// Server serves the requests about one container.
type Server struct {
	name     *Name
	config   Config
	listener *net.UnixListener
	stop     context.CancelFunc
	ctx      context.Context
	slots    chan struct{}
	done     sync.WaitGroup

	cut    sync.Mutex // held while it is paused, resumed or saved
	paused atomic.Bool
}

// Limits of a server.
const (
	maxClients  = 64
	requestTime = 5 * time.Second // for a client to say what it wants
)

// Serve begins to serve. The caller closes it before the name.
func (n *Name) Serve(c Config) (*Server, error) {
	l, err := n.listen()
	if err != nil {
		return nil, err
	}
	c.Info.Name, c.Info.PID = n.name, os.Getpid()
	s := &Server{name: n, config: c, listener: l, slots: make(chan struct{}, maxClients)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.done.Go(s.accept)
	return s, nil
}

// Close ends all requests.
func (s *Server) Close() {
	s.stop()
	s.listener.Close()
	s.done.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.listener.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select { // too many descriptors: others may be closed
			case <-time.After(50 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return
			}
		}
		select {
		case s.slots <- struct{}{}:
		case <-s.ctx.Done():
			c.Close()
			return
		}
		s.done.Go(func() {
			defer func() { <-s.slots }()
			s.serve(c)
		})
	}
}

// serve answers one client.
func (s *Server) serve(accepted *net.UnixConn) {
	conn, err := adopt(accepted)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(s.ctx, func() { conn.File.SetDeadline(time.Unix(1, 0)) })() //nolint:errcheck // it is a socket
	if cred, err := peer(conn); err != nil || !trusted(cred) {
		return
	}
	conn.File.SetReadDeadline(time.Now().Add(requestTime)) //nolint:errcheck // it is a socket
	data, files, err := conn.Receive()
	if err != nil {
		return
	}
	conn.File.SetReadDeadline(time.Time{}) //nolint:errcheck // likewise
	call := &Call{server: s, conn: conn, files: files}
	defer func() { packet.CloseAll(call.files) }()
	r, err := parseRequest(data)
	if err != nil {
		call.fail(err)
		return
	}
	call.argument = r.Argument
	do := commands[r.Command]
	if do == nil {
		call.fail(fmt.Errorf("the container's launcher has no command %q: it may be of another version of vkernel", r.Command))
		return
	}
	do(call)
}

// adopt makes a Conn of a connection.
func adopt(c *net.UnixConn) (*packet.Conn, error) {
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	if err := raw.Control(func(open uintptr) { fd, failed = unix.FcntlInt(open, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return packet.New(fd), nil
}

// Call is a request that is being served.
type Call struct {
	server   *Server
	conn     *packet.Conn
	argument json.RawMessage
	files    []*os.File
}

// commands are what can be asked for.
var commands = map[string]func(*Call){
	"info":      answer(func(c *Call, _ context.Context) (any, error) { return c.server.info(), nil }),
	"processes": answer(func(c *Call, ctx context.Context) (any, error) { return c.server.config.Container.Processes(ctx) }),
	"pause":     answer(func(c *Call, ctx context.Context) (any, error) { return nil, c.server.pause(ctx) }),
	"resume":    answer(func(c *Call, ctx context.Context) (any, error) { return nil, c.server.resume(ctx) }),
	"remove":    (*Call).remove,
	"exec":      (*Call).exec,
	"save":      (*Call).save,

	"make pool":   answer(makePool),
	"pools":       answer(pools),
	"remove pool": answer(removePool),
}

// answerTime is how long a container may take for an answer.
const answerTime = 30 * time.Second

// answer makes a command of a function that gives a result.
func answer(do func(c *Call, ctx context.Context) (any, error)) func(*Call) {
	return func(c *Call) {
		ctx, cancel := context.WithTimeout(c.server.ctx, answerTime)
		defer cancel()
		result, err := do(c, ctx)
		if err != nil {
			c.fail(err)
			return
		}
		c.result(result)
	}
}

// Argument reads the argument of the request.
func (c *Call) Argument(v any) error {
	if err := strict(c.argument, v); err != nil {
		return fmt.Errorf("the argument of the request: %w", err)
	}
	return nil
}

// result sends a result in pieces.
func (c *Call) result(v any) {
	data, err := json.Marshal(v)
	if err == nil && len(data) > maxResult {
		err = fmt.Errorf("the answer has %d bytes, at most %d can be sent", len(data), maxResult)
	}
	if err != nil {
		c.fail(err)
		return
	}
	for len(data) > maxPiece {
		if c.send(event{Data: data[:maxPiece], More: true}) != nil {
			return
		}
		data = data[maxPiece:]
	}
	c.send(event{Data: data, Done: true}) //nolint:errcheck // the client may be gone
}

// fail sends an error.
func (c *Call) fail(err error) {
	e := event{Done: true}
	var command *kernel.CommandError
	if errors.As(err, &command) {
		e.Command, e.Errno = command.Name, int(command.Errno)
	} else {
		e.Error = err.Error()
		e.Error = e.Error[:min(len(e.Error), maxError)]
	}
	c.send(e) //nolint:errcheck // the client may be gone
}

// maxError bounds the text of an error.
const maxError = 8 << 10

// send sends an event. A client that does not read loses its request.
func (c *Call) send(e event) error {
	c.conn.File.SetWriteDeadline(time.Now().Add(requestTime)) //nolint:errcheck // it is a socket
	return sendJSON(c.conn, e)
}

func (s *Server) info() Info {
	i := s.config.Info
	i.State = Running
	if s.paused.Load() {
		i.State = Paused
	}
	return i
}

func (s *Server) pause(ctx context.Context) error {
	s.cut.Lock()
	defer s.cut.Unlock()
	err := s.config.Container.Pause(ctx)
	if err == nil {
		s.paused.Store(true)
	}
	return err
}

func (s *Server) resume(ctx context.Context) error {
	s.cut.Lock()
	defer s.cut.Unlock()
	err := s.config.Container.Resume(ctx)
	if err == nil {
		s.paused.Store(false)
	}
	return err
}

// remove kills the container. The connection ends with its launcher.
func (c *Call) remove() {
	c.server.config.Remove()
	<-c.server.ctx.Done()
}
