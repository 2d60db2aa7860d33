package script_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// session is a vkernel with a shell on a pseudo terminal.
type session struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	before unix.Termios
	shown  chan []byte
	text   []byte // shown and not yet expected
}

func startSession(t *testing.T) *session {
	t.Helper()
	s := startOn(t, "run", demoBundle(t))
	s.expect("# ")
	return s
}

// demoBundle is the path of the demo.
func demoBundle(t *testing.T) string {
	t.Helper()
	bundle, err := filepath.Abs(demo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bundle, "manifest.json.sig")); err != nil {
		t.Skip("make run has not built out/demo.vk")
	}
	return bundle
}

// startOn starts vkernel on a pseudo terminal.
func startOn(t *testing.T, args ...string) *session {
	t.Helper()
	master, slave := openPTY(t)
	s := &session{t: t, master: master, shown: make(chan []byte)}
	s.cmd = exec.Command(filepath.Join(vkernelDir, "vkernel"), args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.before = s.modes()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		master.Close()
		slave.Close() // held open, so that the modes stay
	})
	go s.read()
	return s
}

func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (s *session) read() {
	defer close(s.shown)
	for {
		buf := make([]byte, 4096)
		n, err := s.master.Read(buf)
		if err != nil {
			return
		}
		s.shown <- buf[:n]
	}
}

func (s *session) modes() unix.Termios {
	s.t.Helper()
	m, err := unix.IoctlGetTermios(int(s.master.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *m
}

func (s *session) typed(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits until want was shown.
func (s *session) expect(want string) {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if i := bytes.Index(s.text, []byte(want)); i >= 0 {
			s.text = s.text[i+len(want):]
			return
		}
		select {
		case p, ok := <-s.shown:
			if !ok {
				s.t.Fatalf("the terminal ended at %q, expected %q", s.text, want)
			}
			s.text = append(s.text, p...)
		case <-deadline:
			s.t.Fatalf("the terminal shows %q, expected %q", s.text, want)
		}
	}
}

// ends waits for the end, and checks the status and that the terminal is as it was.
func (s *session) ends(status string) {
	s.t.Helper()
	go func() { // a crash prints more than the terminal holds, and waits until it is read
		for range s.shown { //nolint:revive // read only
		}
	}()
	s.cmd.Wait() //nolint:errcheck // the state has it
	if got := s.cmd.ProcessState.String(); got != status {
		s.t.Errorf("ended with %s, expected %s", got, status)
	}
	for range 100 { // the guard may be at it still
		if s.modes() == s.before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Errorf("the terminal was not restored: %+v, was %+v", s.modes(), s.before)
}

func TestTerminal(t *testing.T) {
	s := startSession(t)
	if s.modes().Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		t.Error("the host's terminal is not in raw mode")
	}
	s.typed("tty; stty size\r")
	s.expect("/dev/console\r\n30 100\r\n")
	s.typed("echo go; cat\r")
	s.expect("go\r\n")
	s.typed("linx\x7fe\r") // erase, by the kernel's own line discipline
	s.expect("line\r\n")
	s.typed("\x04")                               // end of file
	s.typed("cp /bin/busybox t; echo >>t; ./t\r") // the log's line starts where it should
	s.expect("./t\r\nlevel=WARN msg=\"execve refused\" path=/t ")
	s.typed("sh -c 'echo back; exec sleep 100'\r") // said by the job itself, in the foreground
	s.expect("\nback\r\n")
	s.typed("\x03") // interrupt
	s.typed("echo status $?\r")
	s.expect("status 130\r\n")
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}); err != nil {
		t.Fatal(err)
	}
	s.typed("while ! stty size | grep '^40 120'; do :; done\r")
	s.expect("\r\n40 120\r\n")
	s.typed("exit 7\r")
	s.ends("exit status 7")
}

// TestTerminalRestored: whatever ends vkernel, the terminal is as it was before.
func TestTerminalRestored(t *testing.T) {
	for _, tt := range []struct {
		signal syscall.Signal
		status string
	}{
		{syscall.SIGHUP, "exit status 129"},
		{syscall.SIGKILL, "signal: killed"},
		{syscall.SIGSEGV, "exit status 2"}, // the Go runtime crashes
	} {
		t.Run(tt.signal.String(), func(t *testing.T) {
			s := startSession(t)
			s.typed("sleep 100\r")
			s.expect("sleep 100\r\n")
			if err := s.cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			s.ends(tt.status)
		})
	}
}
