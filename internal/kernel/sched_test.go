package kernel

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// slots is how many guests run at once in these tests. Go's scheduler has twice as many, as
// in cmd/vkernel.
var slots = runtime.GOMAXPROCS(0)

func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(2 * slots)
	os.Exit(m.Run())
}

// session is a shell that a test types into.
type session struct {
	*container
	in     *io.PipeWriter
	lines  chan string
	ended  chan Status
	cancel context.CancelFunc
}

// lineWriter gives each line to a channel.
type lineWriter struct {
	rest  string
	lines chan string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest += string(p)
	for {
		line, rest, ok := strings.Cut(w.rest, "\n")
		if !ok {
			return len(p), nil
		}
		w.rest = rest
		w.lines <- line
	}
}

func newSession(t *testing.T, edit func(*Config)) *session {
	t.Helper()
	s := &session{lines: make(chan string, 10000), ended: make(chan Status, 1)}
	r, w := io.Pipe()
	s.in = w
	s.container = newContainer(t, func(c *Config) {
		c.Stdin, c.Stdout, c.Stderr = r, &lineWriter{lines: s.lines}, &lineWriter{lines: s.lines}
		if edit != nil {
			edit(c)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		status, _ := s.kernel.Run(ctx, []string{"/bin/dash"}, s.env, "/")
		s.ended <- status
	}()
	t.Cleanup(func() {
		cancel()
		w.Close()
		select {
		case <-s.ended:
		case <-time.After(20 * time.Second):
			t.Error("the container does not end")
		}
	})
	return s
}

// answer types a command and gives the lines up to one that is "end", and the time that took.
func (s *session) answer(command string) ([]string, time.Duration) {
	s.t.Helper()
	begin := time.Now()
	fmt.Fprintf(s.in, "%s\necho end\n", command)
	var lines []string
	for {
		select {
		case line := <-s.lines:
			if line == "end" {
				return lines, time.Since(begin)
			}
			lines = append(lines, line)
		case <-time.After(30 * time.Second):
			s.t.Fatalf("%s: no answer; so far %q", command, lines)
		}
	}
}

// spinners starts n loops that make no call, all at once, and gives the pid of the last.
func (s *session) spinners(n int) int {
	s.answer("mkfifo /gate")
	lines, took := s.answer(fmt.Sprintf("i=0; while [ $i -lt %d ]; do (read x </gate; while :; do :; done) & i=$((i+1)); done; echo $!", n))
	s.t.Logf("%d processes started in %v", n, took)
	pid, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		s.t.Fatal(lines)
	}
	_, took = s.answer(": >/gate")
	s.t.Logf("released in %v", took)
	return pid
}

// settle waits until the spinners have used up what they had earned while they slept.
func (s *session) settle() {
	end := time.Now().Add(40 * time.Second)
	for quick := 0; quick < 10 && time.Now().Before(end); quick++ {
		if _, took := s.answer("ls /bin | wc -l"); took > 50*time.Millisecond {
			quick = -1
		}
	}
}

func threads() int {
	all, _ := os.ReadDir("/proc/self/task")
	return len(all)
}

// A shell answers although a thousand processes spin; they are few threads of the host, and
// Go collects garbage meanwhile.
func TestShellAnswersBesideSpinners(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a thousand processes")
	}
	s := newSession(t, nil)
	before := threads()
	s.spinners(1000)
	s.settle()
	var took, collected []time.Duration
	for range 20 {
		lines, d := s.answer("echo hello; ls /bin | wc -l")
		if len(lines) != 2 || lines[0] != "hello" {
			t.Fatal(lines)
		}
		took = append(took, d)
		begin := time.Now()
		runtime.GC()
		collected = append(collected, time.Since(begin))
	}
	slices.Sort(took)
	slices.Sort(collected)
	t.Logf("echo; ls | wc: median %v, worst %v; garbage collection: median %v, worst %v", took[10], took[19], collected[10], collected[19])
	if took[10] > 100*time.Millisecond {
		t.Errorf("the shell answers in %v", took)
	}
	if collected[10] > 200*time.Millisecond {
		t.Errorf("Go's garbage collection takes %v beside spinning guests", collected)
	}
	if n := threads(); n > before+40 {
		t.Errorf("%d threads of the host for 1,000 spinners, %d before", n, before)
	}
}

// A process that makes no call dies from SIGKILL, alone or as one of many.
func TestKillSpinner(t *testing.T) {
	for _, n := range []int{1, 100} {
		s := newSession(t, nil)
		last := s.spinners(n)
		var took []time.Duration
		for pid := last; pid > last-min(n, 10); pid-- {
			p, ok := s.kernel.table.Find(pid)
			if !ok {
				t.Fatalf("no process %d", pid)
			}
			begin := time.Now()
			p.Signal(linux.Info(linux.SIGKILL, linux.SI_KERNEL))
			for p.State() < proc.Zombie && time.Since(begin) < 10*time.Second {
				time.Sleep(50 * time.Microsecond)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		t.Logf("of %d: median %v, worst %v", n, took[len(took)/2], took[len(took)-1])
		if d := took[len(took)/2]; d > 10*time.Millisecond {
			t.Errorf("a spinner of %d lives for %v after SIGKILL", n, d)
		}
	}
}

// Ctrl-C ends a loop of the shell's own, and of a program that it runs.
func TestInterruptSpinner(t *testing.T) {
	s := newScreen(t)
	c := newContainer(t, func(c *Config) { c.Console = &Console{ReadWriter: s, Rows: 24, Columns: 80} })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go c.kernel.Run(ctx, []string{"/bin/sh"}, []string{"PATH=/bin", "PS1=% ", "HOME=/root"}, "/")
	for _, step := range []struct{ keys, want string }{
		{"", "% "},
		{"lua -e 'print(\"up\") while true do end'\r", "\r\nup\r\n"},
		{"\x03", "interrupted!"}, // lua handles the signal
		{"sh -c 'echo up; while :; do :; done'\r", "\r\nup\r\n"},
		{"\x03", "% "},
		{"echo status $?\r", "status 130\r\n"},
	} {
		s.typeKeys(step.keys, step.want)
	}
}
