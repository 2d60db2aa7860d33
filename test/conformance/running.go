package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// running is a container that the driver talks to while it runs.
type running struct {
	t      *trial
	cmd    *exec.Cmd
	cancel context.CancelFunc
	in     io.WriteCloser
	lines  chan string
	all    bytes.Buffer // of standard output; complete when lines is closed
	stderr bytes.Buffer
}

// launch starts a container. Its lines come by expect.
func (t *trial) launch(c container) *running {
	if c.bundle == "" {
		c.bundle = t.bundle
	}
	args := []string{"run", "-v", t.marks + ":/marks", "-e", "RACES=" + strconv.Itoa(t.races)}
	if c.key == "" {
		args = append(args, "--key", t.key+".pub")
	}
	args = append(append(append(args, c.flags...), c.bundle), c.command...)
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	r := &running{t: t, cmd: exec.CommandContext(ctx, t.vkernel, args...), cancel: cancel, lines: make(chan string, 1000)}
	r.cmd.Env = t.environment()
	r.cmd.WaitDelay = time.Second
	r.cmd.Stderr = &r.stderr
	var err error
	r.in, err = r.cmd.StdinPipe()
	t.must(err)
	out, err := r.cmd.StdoutPipe()
	t.must(err)
	t.must(r.cmd.Start())
	go func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			fmt.Fprintln(&r.all, s.Text())
			r.lines <- s.Text()
		}
	}()
	return r
}

// expect waits for a line.
func (r *running) expect(line string) {
	for {
		select {
		case l, ok := <-r.lines:
			if !ok {
				r.t.wrong("the container ended before it said %q:\n%s%.600s", line, r.all.String(), r.stderr.String())
				panic(stopped{})
			}
			if l == line {
				return
			}
		case <-time.After(timeout):
			r.t.wrong("the container did not say %q", line)
			panic(stopped{})
		}
	}
}

// say writes a line to the container's standard input.
func (r *running) say(line string) {
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		r.t.wrong("telling the container %q: %v", line, err)
	}
}

// wait waits for the container's end.
func (r *running) wait() ended {
	for range r.lines {
	}
	err := r.cmd.Wait()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		r.t.wrong("%v", err)
	}
	e := ended{status: r.cmd.ProcessState.ExitCode(), stdout: r.all.String(), stderr: r.stderr.String()}
	r.t.health(e)
	return e
}

// kill is for the end of a case, whatever came of it.
func (r *running) kill() {
	r.cancel()
	if r.cmd.ProcessState == nil {
		for range r.lines {
		}
		_ = r.cmd.Wait()
	}
}

// environment is that of vkernel.
func (t *trial) environment() []string {
	if t.mutant == "" {
		return t.env
	}
	return append(slices.Clone(t.env), "VKERNEL_MUTANT="+t.mutant)
}
