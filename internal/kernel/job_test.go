package kernel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"vkernel/internal/audit"
	"vkernel/internal/linux"
	"vkernel/internal/router"
)

// running starts a shell that waits for the end of its input, which comes with the test's.
func running(t *testing.T, edit func(*Config)) *container {
	t.Helper()
	in, hold := io.Pipe()
	started := make(chan struct{})
	c := newContainer(t, func(config *Config) {
		config.Stdin, config.Started = in, func() { close(started) }
		if edit != nil {
			edit(config)
		}
	})
	c.addGuests()
	ended := make(chan error, 1)
	go func() {
		_, err := c.kernel.Run(context.Background(), []string{"/bin/dash", "-c", "read line"}, c.env, "/")
		ended <- err
	}()
	t.Cleanup(func() {
		hold.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-started:
	case err := <-ended:
		t.Fatal(err)
	}
	return c
}

// decisions keeps what was decided about files.
type decisions struct{ all chan audit.Record }

func (d decisions) Decided(r audit.Record) { d.all <- r }

// A process that is started in a running container has its streams, its status, and goes by the rule of all.
func TestExecInContainer(t *testing.T) {
	log := decisions{make(chan audit.Record, 100)}
	c := running(t, func(config *Config) { config.Audit = log })
	for _, test := range []struct {
		script, in, want string
		status           Status
	}{
		{"cat; echo err >&2; echo $0 $A; pwd; exit 7", "typed\n", "typed\nerr\nsh a\n/tmp\n", Status{Code: 7}},
		{"echo $PPID; kill -TERM $$", "", "0\n", Status{Signal: linux.SIGTERM}},
		{"tty; :", "", "not a tty\n", Status{}},
	} {
		var out bytes.Buffer
		p, err := c.kernel.Exec(Job{
			Argv: []string{"dash", "-c", test.script, "sh"}, Env: []string{"A=a", "PATH=/bin"}, Dir: "/tmp",
			Stdin: strings.NewReader(test.in), Stdout: &out, Stderr: &out,
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, err := p.Wait(t.Context())
		if err != nil || status != test.status || out.String() != test.want {
			t.Errorf("%s: %+v, %v, %q", test.script, status, err, &out)
		}
	}
	for len(log.all) > 0 {
		if r := <-log.all; r.Path == "/bin/dash" && r.PID != 1 {
			return
		}
	}
	t.Error("no decision about the second process was told")
}

// What the rule refuses is refused here too, and nothing is left of it.
func TestExecRefused(t *testing.T) {
	c := running(t, nil)
	c.file("/root/unlisted", "no program", router.Entry{})
	delete(c.routes, sha256.Sum256([]byte("no program")))
	before := len(c.kernel.table.All())
	for name, want := range map[string]linux.Errno{"/root/unlisted": linux.EACCES, "nothing": linux.ENOENT} {
		var refused *CommandError
		_, err := c.kernel.Exec(Job{Argv: []string{name}, Env: c.env}, nil)
		if !errors.As(err, &refused) || refused.Errno != want {
			t.Errorf("%s: %v", name, err)
		}
		s := newScreen(t)
		if _, err = c.kernel.Exec(Job{Argv: []string{name}, Env: c.env}, &Console{ReadWriter: s}); !errors.As(err, &refused) || refused.Errno != want {
			t.Errorf("%s with a terminal: %v", name, err)
		}
	}
	if _, err := c.kernel.Exec(Job{Argv: []string{"dash"}, Dir: "/nothing"}, nil); !errors.Is(err, linux.ENOENT) {
		t.Errorf("in no directory: %v", err)
	}
	if after := len(c.kernel.table.All()); after != before {
		t.Errorf("%d processes, %d before", after, before)
	}
}

// With a console it has a terminal of its own, with job control.
func TestExecTerminal(t *testing.T) {
	c := running(t, nil)
	s := newScreen(t)
	p, err := c.kernel.Exec(Job{Argv: []string{"dash", "-i"}, Env: append(c.env, "PS1=> ")}, &Console{ReadWriter: s, Rows: 11, Columns: 33})
	if err != nil {
		t.Fatal(err)
	}
	s.typeKeys("tty\r", "/dev/pts/0")
	s.typeKeys("stty size\r", "11 33")
	p.Resize(12, 34)
	s.typeKeys("stty size\r", "12 34")
	s.typeKeys("sh -c 'echo up; exec sleep 100'\r", "\r\nup\r\n")
	s.typeKeys("\x03", "> ")
	s.typeKeys("echo status $?\r", "status 130\r\n")
	s.typeKeys("echo after; exit 5\r", "after")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if status, err := p.Wait(ctx); err != nil || status.Code != 5 {
		t.Errorf("%+v, %v", status, err)
	}
	if list := c.kernel.Processes(); len(list) != 1 || list[0].PID != 1 || list[0].Name != "dash" || list[0].State != "S" {
		t.Errorf("processes: %+v", list)
	}
}
