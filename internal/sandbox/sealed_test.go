package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// outcome makes an attempt in a process of its own and says how it ended.
func outcome(t *testing.T, c Config, name string, sealed bool) string {
	t.Helper()
	c.env = []string{"ATTEMPT=" + name}
	if sealed {
		c.env = append(c.env, "SEALED=1")
	}
	s, err := New(c)
	must(t, err)
	defer s.Close()
	if _, err := s.Wait(); err == nil {
		return "nothing was tried"
	}
	switch w := s.cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case w.Signaled() && w.Signal() == syscall.SIGSYS:
		return killed
	case w.Exited() && w.ExitStatus() == 0:
		if strings.Contains(s.crash.text(), "DATA RACE") {
			t.Errorf("%s", s.crash.text())
		}
		lines := strings.Split(s.crash.text(), "\n") // the race detector misses /proc, and says so first
		return lines[len(lines)-1]
	}
	return s.why()
}

// Each forbidden thing is tried from inside a sealed process, and before it is sealed: there it
// must end otherwise, or it would not be the seal that forbids it.
func TestForbidden(t *testing.T) {
	b := guestBundle(t)
	for name, a := range attempts {
		t.Run(strings.ReplaceAll(name, "/", "|"), func(t *testing.T) {
			if got := outcome(t, Config{Bundle: b, Processes: 10}, name, true); !a.is(got) {
				t.Errorf("sealed: %s, want %s", got, a.want)
			}
			if a.always {
				return
			}
			if got := outcome(t, Config{Bundle: b, Processes: 10}, name, false); a.is(got) || got == "nothing was tried" {
				t.Errorf("before the seal: %s as well", got)
			}
		})
	}
}

// Every thread of a sandbox process is sealed, those that Go makes later too.
func TestEveryThread(t *testing.T) {
	s := start(t, Config{Bundle: guestBundle(t), Processes: 10})
	_, err := s.Wait()
	must(t, err)
	check := func(when string) {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.PID()))
		if err != nil {
			t.Error(err)
		}
		if when == "before a guest" && len(tasks) < 2 {
			t.Errorf("%s: %d threads", when, len(tasks))
		}
		for _, file := range tasks {
			status, err := os.ReadFile(file)
			if err != nil {
				continue // it has ended
			}
			caps := "0000000000000000"
			if os.Getuid() == 0 {
				caps = "0000000000000004" // CAP_DAC_READ_SEARCH, for contents that are others'
			}
			for _, line := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapEff:\t" + caps + "\n", "CapPrm:\t" + caps + "\n", "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n"} {
				if !strings.Contains(string(status), line) {
					t.Errorf("%s: %s has not %q:\n%s", when, file, line, status)
				}
			}
		}
	}
	check("before a guest")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			check("with guests")
			if tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", s.PID())); len(tasks) == 0 || i == 20 {
				return
			}
		}
	}()
	if out, _ := shell(t, s, "for i in 1 2 3; do for j in 1 2 3 4; do sleep 0.05 & done; wait; done; echo done"); out != "done" {
		t.Errorf("printed %q", out)
	}
	<-done
}
