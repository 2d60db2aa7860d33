package sandbox

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
)

// A sandbox process that was taken over does not do what ours does. These are some that do
// something else; they are sealed, and speak to the launcher themselves.
var hostile = map[string]func(c *conn){
	"says that it has ended, and goes on": func(c *conn) {
		begin(c)
		c.send(message{Kind: kindExit, Code: 7}) //nolint:errcheck // then the test fails
		for {
			time.Sleep(time.Second)
		}
	},
	"leaves its streams in flight": func(c *conn) {
		files := append(begin(c), os.Stderr)
		c.send(message{Kind: kindExit, Code: 7})         //nolint:errcheck // likewise
		c.send(message{Kind: kindInput}, files...)       //nolint:errcheck // likewise
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0) // without giving up anything
	},
	"does not listen": func(c *conn) {
		begin(c)
		for {
			time.Sleep(time.Second)
		}
	},
}

// begin does what every sandbox does first, and gives the streams of the start.
func begin(c *conn) []*os.File {
	c.send(message{Kind: kindReady, Confinements: &Confinements{}}) //nolint:errcheck // then the test fails
	_, files, err := c.receive()
	if err != nil {
		exit(1)
	}
	return files[1:]
}

// hostileSandbox starts one of them.
func hostileSandbox(t *testing.T, name string) *Sandbox {
	return start(t, Config{Bundle: guestBundle(t), Processes: 10, env: []string{"HOSTILE=" + name}})
}

// inTime fails if something takes longer than a launcher waits.
func inTime(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(3*patience + 5*time.Second):
		t.Fatalf("%s: the launcher hangs", what)
	}
}

// A launcher comes to its end, whatever the sandbox does after its last message.
func TestHostileEnd(t *testing.T) {
	for _, name := range []string{"says that it has ended, and goes on", "leaves its streams in flight"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hostileSandbox(t, name)
			inTime(t, name, func() {
				var out strings.Builder
				st, err := s.Run(context.Background(), Run{Streams: Streams{Out: &out, Err: &out}})
				if err != nil || st.Code != 7 {
					t.Errorf("%+v, %v", st, err)
				}
			})
		})
	}
}

// A sandbox that reads no messages does not stop the launcher: it is killed when one does not fit.
func TestDoesNotListen(t *testing.T) {
	t.Parallel()
	s := hostileSandbox(t, "does not listen")
	ended := make(chan error, 1)
	go func() {
		_, err := s.Run(context.Background(), Run{})
		ended <- err
	}()
	inTime(t, "messages", func() {
		for range 5000 {
			s.Resize(1, 1)
		}
		s.Signal(linux.SIGTERM)
	})
	inTime(t, "the end", func() {
		if err := <-ended; err == nil {
			t.Error("it ended well")
		}
	})
}

// No socket of the host gets into a sandbox: by one it could pass descriptors, and send to others.
func TestSocketStreams(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	theirs, ours := os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket")
	defer ours.Close()
	streams := Streams{In: theirs, Out: theirs, Err: theirs}
	r, err := streams.connect(&Start{})
	must(t, err)
	for _, f := range r.theirs {
		st, err := f.Stat()
		must(t, err)
		if st.Mode()&os.ModeSocket != 0 {
			t.Error("the sandbox is handed a socket")
		}
	}
	r.close()
	s := start(t, Config{Bundle: guestBundle(t), Processes: 10})
	_, err = ours.WriteString("by a socket\n")
	must(t, err)
	must(t, unix.Shutdown(fds[1], unix.SHUT_WR))
	_, err = s.Run(context.Background(), Run{Command: []string{"/bin/cat"}, Env: []string{"PATH=/bin"}, Dir: "/", Streams: streams})
	must(t, err)
	theirs.Close()
	if out, err := io.ReadAll(ours); err != nil || string(out) != "by a socket\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// furtherAttempts are made in sandboxes that tests make for them.
var furtherAttempts = map[string]func() error{
	"make a setuid file": func() error {
		fd, _, e := syscall.RawSyscall6(unix.SYS_OPENAT2, fdMounts, text("made"), words(unix.O_CREAT|unix.O_RDWR, 0o4755, 0), 24, 0, 0)
		if e != 0 {
			return errors.New(unix.ErrnoName(e))
		}
		return do(unix.SYS_WRITE, fd, text("#!"), 2)
	},
	"write to a setuid file": func() error {
		fd, _, e := syscall.RawSyscall6(unix.SYS_OPENAT2, fdMounts, text("there"), words(unix.O_RDWR, 0, 0), 24, 0, 0)
		if e != 0 {
			return errors.New(unix.ErrnoName(e))
		}
		return do(unix.SYS_WRITE, fd, text("#!"), 2)
	},
	"a leaked descriptor": func() error {
		var st unix.Stat_t
		return do(unix.SYS_FSTAT, leaked, uintptr(unsafe.Pointer(&st)))
	},
	"write to its own code": func() error {
		fd, _, e := syscall.RawSyscall6(unix.SYS_OPENAT2, fdMounts, text("proc/self/mem"), words(unix.O_RDWR, 0, 0), 24, 0, 0)
		if e != 0 {
			return errors.New(unix.ErrnoName(e))
		}
		return do(unix.SYS_CLOSE, fd)
	},
}

// A sandbox leaves no setuid file with a content of its own on the host, also where it is the host's root.
func TestNoSetuidFiles(t *testing.T) {
	b := guestBundle(t)
	for _, lack := range []lacks{{}, {namespaces: true}} {
		for attempt, name := range map[string]string{"make a setuid file": "made", "write to a setuid file": "there"} {
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, "there"), nil, 0o755))
			must(t, os.Chmod(filepath.Join(dir, "there"), 0o755|os.ModeSetuid))
			c := Config{Bundle: b, Processes: 10, without: lack, Mounts: []Mount{mountOf(t, dir, "/m", false)}}
			if got := outcome(t, c, attempt, true); got != "done" {
				t.Errorf("%s: %s", attempt, got)
			}
			st, err := os.Stat(filepath.Join(dir, name))
			must(t, err)
			if st.Size() == 0 || st.Mode()&os.ModeSetuid != 0 {
				t.Errorf("without %+v: %s: %d bytes, %v", lack, attempt, st.Size(), st.Mode())
			}
		}
	}
}

// leaked is the number of a descriptor that somebody left open when he started vkernel.
const leaked = 50

// Descriptors that are open by mistake do not get into a sandbox, also where Linux cannot close them
// all at once.
func TestLeakedDescriptor(t *testing.T) {
	b := guestBundle(t)
	if os.Getenv("LEAKED") == "" {
		again(t, "TestLeakedDescriptor", func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "LEAKED=1", "SANDBOX_BUNDLE="+b.Dir) })
		return
	}
	must(t, unix.Dup2(1, leaked))
	c := Config{Bundle: b, Processes: 10}
	for _, host := range []string{"any", "without close_range"} {
		if host != "any" {
			must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			must(t, install(append(append([]bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 4}},
				when(unix.SYS_CLOSE_RANGE, []bpf.Instruction{bpf.RetConstant{Val: nosys}})...), bpf.RetConstant{Val: allow})))
		}
		if got := outcome(t, c, "a leaked descriptor", true); got != "EBADF" {
			t.Errorf("%s: %s", host, got)
		}
	}
}

// A directory below which the host has a procfs is no mount for a sandbox that would see it there.
func TestProcBelow(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	b := guestBundle(t)
	dir := filepath.Join(t.TempDir(), "with a blank")
	must(t, os.MkdirAll(filepath.Join(dir, "proc"), 0o755))
	if err := unix.Mount("proc", filepath.Join(dir, "proc"), "proc", 0, ""); err != nil {
		t.Skip(err)
	}
	defer unix.Unmount(filepath.Join(dir, "proc"), unix.MNT_DETACH) //nolint:errcheck // the directory's removal tells
	for _, lack := range []lacks{{}, {ownMounts: true}, {namespaces: true}} {
		c := Config{Bundle: b, Processes: 10, without: lack, Mounts: []Mount{mountOf(t, dir, "/m", false)}}
		s := start(t, c)
		held, err := s.Wait()
		if reach := outcome(t, c, "write to its own code", true) == "done"; reach != (err != nil) {
			t.Errorf("without %+v: it reaches its code: %v, held by %+v, %v", lack, reach, held, err)
		}
		if err != nil && !strings.Contains(err.Error(), "(proc)") {
			t.Error(err)
		}
	}
}
