package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/internal/kernel"
	"vkernel/internal/linux"
	"vkernel/internal/packet"
	"vkernel/internal/sandbox"
)

// TestMain is also a launcher that reserves a name and waits to be killed.
func TestMain(m *testing.M) {
	if name := os.Getenv("RESERVE"); name != "" {
		if _, err := Reserve(name); err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString("reserved")
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runtimeDir makes a runtime directory for the test, whose path does not fit the address of a socket.
func runtimeDir(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	must(t, os.MkdirAll(dir, 0o700))
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return filepath.Join(dir, "vkernel")
}

// fake is a container of a test.
type fake struct {
	mu     sync.Mutex
	paused bool
	exec   func(ctx context.Context, j sandbox.Job) (kernel.Status, error)
	list   []kernel.ProcessInfo
}

func (f *fake) turn(to bool, why string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused == to {
		return errors.New(why)
	}
	f.paused = to
	return nil
}

func (f *fake) Pause(context.Context) error  { return f.turn(true, "it is paused") }
func (f *fake) Resume(context.Context) error { return f.turn(false, "it is not paused") }

func (f *fake) Processes(context.Context) ([]kernel.ProcessInfo, error) { return f.list, nil }

func (f *fake) Exec(ctx context.Context, j sandbox.Job) (kernel.Status, error) {
	f.mu.Lock()
	do := f.exec
	f.mu.Unlock()
	return do(ctx, j)
}

// does says what Exec does.
func (f *fake) does(do func(ctx context.Context, j sandbox.Job) (kernel.Status, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exec = do
}

func (f *fake) Save(_ context.Context, a sandbox.SaveArgument, to *os.File) (sandbox.Saved, error) {
	n, err := to.Write(append([]byte("state"), a.Known...))
	return sandbox.Saved{Bytes: int64(n)}, err
}

// served serves a fake container under a name.
func served(t *testing.T, name string, c *fake) {
	t.Helper()
	n, err := Reserve(name)
	must(t, err)
	var s *Server
	end := sync.OnceFunc(func() {
		s.Close()
		n.Close()
	})
	s, err = n.Serve(Config{Container: c, Info: Info{Bundle: "b.vk", Command: []string{"a", "b"}}, Remove: func() { go end() }})
	must(t, err)
	t.Cleanup(end)
}

func TestControl(t *testing.T) {
	dir := runtimeDir(t)
	long := strings.Repeat("x", 300)
	c := &fake{}
	for pid := range 3000 { // more than fits one event
		c.list = append(c.list, kernel.ProcessInfo{PID: pid, Command: []string{long}})
	}
	served(t, "one", c)
	served(t, "two", &fake{})
	list, err := List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "one" || list[0].State != Running || list[0].PID != os.Getpid() || list[0].Command[1] != "b" {
		t.Errorf("%+v, %v", list, err)
	}
	one, err := Open("one")
	must(t, err)
	must(t, one.Pause(t.Context()))
	if err := one.Pause(t.Context()); err == nil || err.Error() != "one: it is paused" {
		t.Error(err)
	}
	if i, err := one.Info(t.Context()); err != nil || i.State != Paused {
		t.Errorf("%+v, %v", i, err)
	}
	must(t, one.Resume(t.Context()))
	if i, err := one.Info(t.Context()); err != nil || i.State != Running {
		t.Errorf("%+v, %v", i, err)
	}
	if got, err := one.Processes(t.Context()); err != nil || len(got) != 3000 || got[2999].PID != 2999 || got[7].Command[0] != long {
		t.Errorf("%d processes, %v", len(got), err)
	}
	must(t, one.Remove(t.Context()))
	if err := one.Pause(t.Context()); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := Open("one"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "one*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestSave(t *testing.T) {
	runtimeDir(t)
	served(t, "c", &fake{})
	client, err := Open("c")
	must(t, err)
	to, err := packet.Memory("x")
	must(t, err)
	defer to.Close()
	known := bytes.Repeat([]byte("k"), 1<<20)
	saved, err := client.Save(t.Context(), sandbox.SaveArgument{Known: known}, to)
	if err != nil || saved.Bytes != 1<<20+5 {
		t.Errorf("%+v, %v", saved, err)
	}
	dir, err := os.Open(".")
	must(t, err)
	defer dir.Close()
	if _, err := client.Save(t.Context(), sandbox.SaveArgument{}, dir); err == nil || !strings.Contains(err.Error(), "pipe or memory") {
		t.Error(err)
	}
}

func TestExec(t *testing.T) {
	runtimeDir(t)
	c := &fake{}
	served(t, "c", c)
	client, err := Open("c")
	must(t, err)
	c.does(func(ctx context.Context, j sandbox.Job) (kernel.Status, error) {
		j.Begun(5)
		j.Files[1].WriteString(j.Command[0] + j.Env[0] + j.Dir) //nolint:errcheck // the test sees it
		return kernel.Status{Code: (<-j.Control).Signal}, nil
	})
	orders := make(chan sandbox.Control, 1)
	orders <- sandbox.Control{Signal: 15}
	var out bytes.Buffer
	st, err := client.Exec(t.Context(), Exec{
		Command: []string{"cmd "}, Env: []string{strings.Repeat("E", 200<<10)}, Dir: " /d", Streams: sandbox.Streams{Out: &out}, Control: orders,
	})
	if err != nil || st.Code != 15 || out.Len() != 200<<10+7 {
		t.Errorf("%+v, %v, %d bytes", st, err, out.Len())
	}
	c.does(func(context.Context, sandbox.Job) (kernel.Status, error) {
		return kernel.Status{}, &kernel.CommandError{Name: "x", Errno: linux.ENOENT}
	})
	var refused *kernel.CommandError
	if _, err = client.Exec(t.Context(), Exec{Command: []string{"x"}}); !errors.As(err, &refused) || refused.Errno != linux.ENOENT || refused.Name != "x" {
		t.Error(err)
	}
	var shown bytes.Buffer
	c.does(func(_ context.Context, j sandbox.Job) (kernel.Status, error) {
		_, err := fmt.Fprintf(j.Files[0], "%d streams, %v, %d rows", len(j.Files), j.Console, j.Rows)
		return kernel.Status{}, err
	})
	screen := struct {
		io.Reader
		io.Writer
	}{strings.NewReader(""), &shown}
	_, err = client.Exec(t.Context(), Exec{Command: []string{"x"}, Streams: sandbox.Streams{Console: screen, Rows: 7, Err: &out}})
	if err != nil || shown.String() != "1 streams, true, 7 rows" {
		t.Errorf("%q, %v", &shown, err)
	}
	left := make(chan struct{})
	began := make(chan struct{})
	c.does(func(ctx context.Context, j sandbox.Job) (kernel.Status, error) {
		close(began)
		<-ctx.Done()
		close(left)
		return kernel.Status{}, ctx.Err()
	})
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-began; leave() }()
	if _, err = client.Exec(ctx, Exec{Command: []string{"x"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-left // the server has noticed
}

// Of many who want a name at once, one gets it, whatever others look for meanwhile; and one who was killed does not keep it.
func TestReserve(t *testing.T) {
	dir := runtimeDir(t)
	for range 20 {
		var got, taken int
		var mu sync.Mutex
		var all sync.WaitGroup
		var winner *Name
		for i := range 16 {
			all.Go(func() {
				if i%4 == 0 {
					List(t.Context()) //nolint:errcheck // it is in the way
					return
				}
				n, err := Reserve("n")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					got, winner = got+1, n
				case errors.Is(err, ErrTaken):
					taken++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got != 1 || taken != 11 {
			t.Fatalf("%d have the name, %d were refused", got, taken)
		}
		winner.Close()
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "RESERVE=n")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	word := make([]byte, 8)
	_, err = out.Read(word)
	must(t, err)
	if _, err := Reserve("n"); !errors.Is(err, ErrTaken) {
		t.Errorf("a name that another process has: %v", err)
	}
	client, err := Open("n")
	must(t, err)
	if err := client.Pause(t.Context()); err == nil || !strings.Contains(err.Error(), "being started") {
		t.Error(err)
	}
	if list, err := List(t.Context()); err != nil || len(list) != 1 || list[0].State != Starting {
		t.Errorf("%+v, %v", list, err)
	}
	must(t, cmd.Process.Kill())
	cmd.Wait() //nolint:errcheck // it was killed
	if list, err := List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	n, err := Reserve("n")
	must(t, err)
	n.Close()
}

func TestRefusedNamesAndDirectories(t *testing.T) {
	dir := runtimeDir(t)
	for _, name := range []string{"", ".", "..", "-x", "a/b", "a\x00b", "a b", strings.Repeat("a", 65), "ü"} {
		if _, err := Reserve(name); err == nil {
			t.Errorf("%q is a name", name)
		}
		if _, err := Open(name); err == nil || errors.Is(err, ErrUnknown) {
			t.Errorf("%q was looked for", name)
		}
	}
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.Chmod(dir, 0o750))
	if _, err := Reserve("n"); err == nil || !strings.Contains(err.Error(), "others can enter it") {
		t.Error(err)
	}
	must(t, os.Remove(dir))
	must(t, os.Symlink(t.TempDir(), dir))
	if _, err := Reserve("n"); err == nil {
		t.Error("a link is a runtime directory")
	}
	t.Setenv("XDG_RUNTIME_DIR", "relative")
	if _, err := Reserve("n"); err == nil {
		t.Error("a relative directory is a runtime directory")
	}
}

// raw connects without a Client.
func raw(t *testing.T, name string) *packet.Conn {
	t.Helper()
	d, err := openDir()
	must(t, err)
	defer d.file.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: d.at(name + socketSuffix)}))
	c := packet.New(fd)
	t.Cleanup(c.Close)
	return c
}

// What is no request is an error, and hurts nobody else.
func TestHostileClient(t *testing.T) {
	runtimeDir(t)
	var started atomic.Bool
	served(t, "c", &fake{exec: func(context.Context, sandbox.Job) (kernel.Status, error) {
		started.Store(true)
		return kernel.Status{}, nil
	}})
	for text, want := range map[string]string{
		"{}":                          "is of version 0",
		"\xff":                        "cannot be read",
		`{"version":1}`:               "no command",
		`{"version":2,"command":"x"}`: "use the vkernel that started it",
		`{"version":1,"command":"info","more":1}`:  "unknown field",
		`{"version":1,"command":"info"} {}`:        "more behind it",
		`{"version":1,"command":"exec"}`:           "no descriptors",
		`{"version":1,"command":"../../etc/motd"}`: "no command",
	} {
		c := raw(t, "c")
		must(t, c.Send([]byte(text)))
		ev, err := receive(c)
		if err != nil || !ev.Done || !strings.Contains(ev.Error, want) {
			t.Errorf("%s: %+v, %v", text, ev, err)
		}
	}
	pipe, w, err := os.Pipe()
	must(t, err)
	defer pipe.Close()
	defer w.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	socket := os.NewFile(uintptr(pair[0]), "socket")
	defer socket.Close()
	defer unix.Close(pair[1])
	dir, err := os.Open(".")
	must(t, err)
	defer dir.Close()
	start := func(console bool) *os.File {
		text := `{"Command":["x"]}`
		if console {
			text = `{"Command":["x"],"Console":true}`
		}
		f, err := packet.Seal("x", []byte(text))
		must(t, err)
		return f
	}
	odd, err := packet.Seal("x", []byte(`{"Command":["x"],"Root":true}`))
	must(t, err)
	for what, files := range map[string][]*os.File{
		"no memory":             {pipe},
		"unknown field":         {odd, pipe, w, w},
		"neither a pipe":        {start(false), socket, w, w},
		"nor a regular":         {start(false), pipe, dir, w},
		"has to be a socket":    {start(true), pipe},
		"one of a pair of sock": {start(true), raw(t, "c").File},
	} {
		c := raw(t, "c")
		must(t, c.Send([]byte(`{"version":1,"command":"exec"}`), files...))
		ev, err := receive(c)
		if err != nil || !ev.Done || !strings.Contains(ev.Error, what) {
			t.Errorf("%s: %+v, %v", what, ev, err)
		}
	}
	if started.Load() {
		t.Error("something was started")
	}
	for range 3 * maxClients { // who connects and leaves, and who says nothing
		raw(t, "c").Close()
	}
	client, err := Open("c")
	must(t, err)
	_, err = client.Info(t.Context())
	must(t, err)
}

// One that does not answer does not stop a list, nor its own end.
func TestSilent(t *testing.T) {
	runtimeDir(t)
	n, err := Reserve("silent")
	must(t, err)
	defer n.Close()
	l, err := n.listen()
	must(t, err)
	defer l.Close()
	served(t, "speaks", &fake{})
	list, err := List(t.Context())
	if err != nil || len(list) != 2 || list[0].State != Silent || list[1].State != Running {
		t.Errorf("%+v, %v", list, err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"version":1,"command":"exec","argument":{"a":[1,2]}}`))
	f.Add([]byte(`{"version":1,"command":"info"}`))
	f.Add([]byte(`{"event":"begun","pid":1,"data":"AAAA","done":true,"errno":-1,"code":70000}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := parseRequest(data); err == nil && (r.Version != Version || len(r.Argument) > len(data)) {
			t.Errorf("%+v", r)
		}
		if e, err := parseEvent(data); err == nil && (e.failure() == nil) != (e.Errno == 0 && e.Error == "") {
			t.Errorf("%+v", e)
		}
	})
}
