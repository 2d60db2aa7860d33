package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// trial is one case while it runs.
type trial struct {
	*suite
	ctx   context.Context
	dir   string // of this case, on the host
	marks string // /marks of its containers

	mu       sync.Mutex
	problems []string
}

// stopped is how a case ends early.
type stopped struct{}

// attempt runs the case's function.
func (t *trial) attempt(c *testCase) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	c.attack(t)
}

// wrong notes what differs from what is expected.
func (t *trial) wrong(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.problems) < 20 {
		t.problems = append(t.problems, fmt.Sprintf(format, args...))
	}
}

// must ends the case if a step before the attack fails.
func (t *trial) must(err error) {
	if err != nil {
		t.wrong("step: %v", err)
		panic(stopped{})
	}
}

// executed are the marks that unlisted code left.
func (t *trial) executed() []string {
	var marks []string
	files, _ := os.ReadDir(t.marks)
	for _, f := range files {
		data, _ := os.ReadFile(filepath.Join(t.marks, f.Name()))
		marks = append(marks, strings.Fields(strings.ReplaceAll(string(data), " ", "_"))...)
	}
	if len(files) > 0 && len(marks) == 0 {
		marks = append(marks, "an empty mark")
	}
	return marks
}

// container is one `vkernel run`.
type container struct {
	bundle  string   // default: the suite's
	flags   []string // of run
	key     string   // public; default: the signer's; "none": no --key
	command []string
	stdin   string
}

// ended is what was seen of a container.
type ended struct {
	status         int
	stdout, stderr string
}

// timeout is how long a case's container may take.
const timeout = 120 * time.Second

// start runs a container to its end. A runtime that dies is a problem whatever the case is.
func (t *trial) start(c container) ended {
	if c.bundle == "" {
		c.bundle = t.bundle
	}
	args := []string{"run", "-v", t.marks + ":/marks", "-e", "RACES=" + strconv.Itoa(t.races)}
	switch c.key {
	case "":
		args = append(args, "--key", t.key+".pub")
	case "none":
	default:
		args = append(args, "--key", c.key)
	}
	return t.vkernelRun(append(append(append(args, c.flags...), c.bundle), c.command...), c.stdin)
}

// vkernelRun runs vkernel with the arguments.
func (t *trial) vkernelRun(args []string, stdin string) ended {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.vkernel, args...)
	cmd.Env = t.environment()
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	e := ended{stdout: stdout.String(), stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.wrong("it took longer than %s", timeout)
	case errors.As(err, &exit):
		if e.status = exit.ExitCode(); e.status < 0 {
			t.wrong("vkernel ended by %s", exit)
		}
	case err != nil:
		t.wrong("%v", err)
	}
	t.health(e)
	return e
}

// health looks for a runtime that died.
func (t *trial) health(e ended) {
	for _, sign := range []string{"panic:", "fatal error:", "SIGSEGV:", "DATA RACE"} {
		if i := strings.Index(e.stderr, sign); i >= 0 {
			t.wrong("the kernel died: %.400s", e.stderr[i:])
		}
	}
}

// guest runs a case of the guest's program, and takes over what it reports.
func (t *trial) guest(name string, flags ...string) {
	t.judge(t.start(container{flags: flags, command: []string{"/bin/attack", name}}))
}

// judge reads the report of the guest's program.
func (t *trial) judge(e ended) {
	verdict := ""
	for _, line := range strings.Split(strings.TrimSpace(e.stdout), "\n") {
		if text, ok := strings.CutPrefix(line, "wrong "); ok {
			t.wrong("%s", text)
		} else if line == "passed" || line == "failed" {
			verdict = line
		}
	}
	if verdict == "" {
		t.wrong("the case did not come to its end: status %d\n%s%.600s", e.status, e.stdout, e.stderr)
	}
}

// refused expects that vkernel does not start the container, and says why.
func (t *trial) refused(e ended, status int, why ...string) {
	if e.status != status {
		t.wrong("status %d, expected %d: %.300s", e.status, status, e.stderr)
	}
	for _, w := range why {
		if !strings.Contains(e.stderr, w) {
			t.wrong("the message does not contain %q: %.300s", w, e.stderr)
		}
	}
}
