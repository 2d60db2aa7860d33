package session_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vkernel/test/oracle"
)

// terminal is a person at a terminal in which a container's shell runs.
type terminal struct {
	t      *testing.T
	pty    *os.File // master side
	cmd    *exec.Cmd
	ended  chan struct{}
	mu     sync.Mutex // guards what follows
	screen *screen
	raw    []byte
}

const patience = 20 * time.Second

// openTerminal starts a command on a new pseudo terminal.
func openTerminal(t *testing.T, rows, cols int, cmd *exec.Cmd) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, pty: master, cmd: cmd, ended: make(chan struct{})}
	term.screen = newScreen(rows, cols, func(s string) { master.WriteString(s) })
	term.resize(rows, cols)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go term.watch()
	t.Cleanup(term.close)
	return term
}

// watch shows what is printed until the last program has let go of the terminal.
func (x *terminal) watch() {
	defer close(x.ended)
	buf := make([]byte, 4096)
	for {
		n, err := x.pty.Read(buf)
		x.mu.Lock()
		x.raw = append(x.raw, buf[:n]...)
		x.screen.Write(buf[:n])
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) close() {
	syscall.Kill(-x.cmd.Process.Pid, syscall.SIGKILL)
	x.cmd.Wait()
	x.pty.Close()
}

func (x *terminal) resize(rows, cols int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.screen.resize(rows, cols)
	w := unix.Winsize{Row: uint16(rows), Col: uint16(cols)}
	if err := unix.IoctlSetWinsize(int(x.pty.Fd()), unix.TIOCSWINSZ, &w); err != nil {
		x.t.Fatal(err)
	}
}

// wait waits until what is on the screen satisfies a condition.
func (x *terminal) wait(what string, seen func(*screen) bool) {
	x.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		x.mu.Lock()
		ok, text := seen(x.screen), x.screen.String()
		x.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(end) {
			x.t.Fatalf("waited in vain for %s; the screen is\n%s\nlast bytes: %q", what, text, x.raw[max(0, len(x.raw)-300):])
		}
	}
}

// run does the steps of a script; see scripts.
func (x *terminal) run(steps string) {
	x.t.Helper()
	for step := range strings.Lines(steps) {
		verb, arg, _ := strings.Cut(strings.TrimRight(step, "\n"), " ")
		switch verb {
		case "type":
			x.pty.WriteString(keys.Replace(arg))
		case "prompt": // an empty line of the shell, whose number is arg
			x.wait("prompt "+arg, func(s *screen) bool { return s.line() == arg+"> " })
		case "see":
			x.wait(fmt.Sprintf("%q", arg), func(s *screen) bool { return strings.Contains(s.String(), arg) })
		case "twice":
			x.wait(fmt.Sprintf("two times %q", arg), func(s *screen) bool { return strings.Count(s.String(), arg) >= 2 })
		case "line":
			x.wait(fmt.Sprintf("the cursor after %q", arg), func(s *screen) bool { return s.line() == arg })
		case "below":
			x.wait(fmt.Sprintf("the cursor below %q", arg), func(s *screen) bool { return s.line() == "" && s.above() == arg })
		case "size":
			var rows, cols int
			fmt.Sscan(arg, &rows, &cols)
			x.resize(rows, cols)
		case "pause":
			time.Sleep(500 * time.Millisecond)
		case "":
		default:
			x.t.Fatalf("no such step: %s", step)
		}
	}
}

// end waits for the end of the command, and gives the last screen and the exit status.
func (x *terminal) end() string {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(patience):
		x.t.Fatalf("does not end; the screen is\n%s", x.screen)
	}
	x.cmd.Wait()
	return fmt.Sprintf("%sexit status %d\n", x.screen, x.cmd.ProcessState.ExitCode())
}

// keys gives names to what cannot be seen.
var keys = strings.NewReplacer(
	"<enter>", "\r", "<esc>", "\x1b", "<tab>", "\t", "<bs>", "\x7f", "<space>", " ",
	"<up>", "\x1b[A", "<down>", "\x1b[B", "<right>", "\x1b[C", "<left>", "\x1b[D",
	"<^A>", "\x01", "<^C>", "\x03", "<^D>", "\x04", "<^E>", "\x05", "<^K>", "\x0b", "<^L>", "\x0c",
	"<^U>", "\x15", "<^V>", "\x16", "<^W>", "\x17", "<^Z>", "\x1a", `<^\>`, "\x1c", "<^R>", "\x12",
)

// TestTerminal types the same keys at shells on both kernels and compares the screens that
// are left at the end.
func TestTerminal(t *testing.T) {
	c := container
	// Each prompt has its number, so that a script can wait for it.
	c.Env = append(c.Env[:len(c.Env):len(c.Env)], "TERM=vt100", "PS1=$((n=n+1))> ", "HISTFILE=/dev/null")
	for _, first := range []bool{true, false} {
		c.First = first
		t.Run(map[bool]string{true: "process 1", false: "child"}[first], func(t *testing.T) {
			for _, script := range scripts {
				t.Run(script.name, func(t *testing.T) {
					t.Parallel()
					compareScreens(t, c, script.steps)
				})
			}
		})
	}
}

func compareScreens(t *testing.T, c oracle.Container, steps string) {
	screens := map[string]string{}
	for side, command := range map[string]func(testing.TB, ...string) *exec.Cmd{"linux": c.LinuxCommand, "vkernel": c.VKernelCommand} {
		t.Run(side, func(t *testing.T) {
			x := openTerminal(t, 24, 80, command(t, "/bin/sh"))
			x.run(steps)
			screens[side] = x.end()
		})
	}
	if screens["linux"] != screens["vkernel"] {
		t.Errorf("the screens differ\nLinux:\n%s\nvkernel:\n%s", screens["linux"], screens["vkernel"])
	}
}
