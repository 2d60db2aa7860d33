// Package oracle runs one command line on two kernels: on Linux, which is right by
// definition, and on vkernel.
//
// Both sides see the same paths, variables and mounted directories. On Linux the root file
// system is a copy, on tmpfs, of a directory with static native programs; nothing of the
// machine's own programs can be seen. It needs root, for chroot and mounts; they live in a
// mount and a PID namespace of their own, which end with the command. There is no network.
//
// The command is a child of a shell, process 1, since process 1 ignores signals that it
// does not handle; or process 1 itself, on request.
package oracle

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

//go:embed enter.sh
var enter string

// What `make` builds; the paths are relative to the repository.
const (
	vkernel = "out/vkernel"
	log     = "out/oracle.log" // of vkernel's kernel: refused executions and the like
)

// Container is what both sides have in common.
type Container struct {
	Native string // root directory of native programs, relative to the repository
	Bundle string // the same programs for vkernel, signed
	// Mounts are directories, seen read-only: relative to the repository, and in the container.
	Mounts []Mount
	Env    []string
	Dir    string // working directory
	First  bool   // the command is process 1 itself
}

// Mount is a directory of the host in the container.
type Mount struct{ Host, Guest string }

// Result is what one command did.
type Result struct {
	Status         int // as a shell gives it: 128 and a signal's number for a killed command
	Stdout, Stderr string
	TimedOut       bool
}

// repository is the top folder, from a package's folder two levels below.
const repository = "../.."

// Built gives the absolute path of what the build left at a path in the repository.
func Built(t testing.TB, path string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join(repository, path))
	if err == nil {
		_, err = os.Stat(p)
	}
	if err != nil {
		t.Fatalf("%v\nrun these tests with: make test", err)
	}
	return p
}

// process makes a command a child of process 1, unless it is to be that.
func (c *Container) process(command []string) []string {
	if c.First {
		return command
	}
	return append([]string{"/bin/sh", "-c", `"$@"; exit $?`, "sh"}, command...)
}

// LinuxCommand is a command on Linux, not yet started.
func (c *Container) LinuxCommand(t testing.TB, command ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("the native side needs root, for chroot and mounts: sudo make test")
	}
	root := Built(t, c.Native)
	args := []string{"sh", "-c", enter, "enter.sh", root, t.TempDir(), c.Dir}
	for _, m := range c.Mounts {
		args = append(args, Built(t, m.Host)+":"+m.Guest)
	}
	args = append(args, "--", "/bin/busybox", "env", "-i")
	args = append(args, c.Env...)
	args = append(args, c.process(command)...)
	cmd := exec.Command(filepath.Join(root, "bin/busybox"), args...)
	cmd.Env = []string{fmt.Sprintf("PATH=%[1]s/bin:%[1]s/usr/bin:%[1]s/usr/sbin", root)}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS,
	}
	return cmd
}

// VKernelCommand is a command in a container of vkernel, not yet started.
func (c *Container) VKernelCommand(t testing.TB, command ...string) *exec.Cmd {
	t.Helper()
	kernelLog, err := filepath.Abs(filepath.Join(repository, log))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--log", kernelLog, "--hostname", "vkernel", "-w", c.Dir}
	for _, m := range c.Mounts {
		args = append(args, "-v", Built(t, m.Host)+":"+m.Guest+":ro")
	}
	for _, kv := range c.Env {
		args = append(args, "-e", kv)
	}
	args = append(args, Built(t, c.Bundle))
	cmd := exec.Command(Built(t, vkernel), append(args, c.process(command)...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	return cmd
}

// OnLinux runs a command natively.
func (c *Container) OnLinux(t testing.TB, limit time.Duration, command ...string) Result {
	t.Helper()
	return run(t, limit, c.LinuxCommand(t, command...))
}

// OnVKernel runs a command in a container of vkernel.
func (c *Container) OnVKernel(t testing.TB, limit time.Duration, command ...string) Result {
	t.Helper()
	return run(t, limit, c.VKernelCommand(t, command...))
}

// run runs a command in a process group of its own, without standard input, and kills the
// group when the time is over.
func run(t testing.TB, limit time.Duration, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr.Setpgid = true
	cmd.WaitDelay = 5 * time.Second // for a descendant that keeps the output open
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var timedOut atomic.Bool
	timer := time.AfterFunc(limit, func() {
		timedOut.Store(true)
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	err := cmd.Wait()
	timer.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	r := Result{Status: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String(), TimedOut: timedOut.Load()}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		r.Status = 128 + int(ws.Signal())
	}
	return r
}

// Difference says how what vkernel did differs from what Linux did; it is empty if the two
// agree.
func Difference(linux, vkernel Result) string {
	var b strings.Builder
	if vkernel.TimedOut {
		b.WriteString("vkernel: no end within the time\n")
	}
	if linux.Status != vkernel.Status {
		fmt.Fprintf(&b, "exit status: %d on Linux, %d on vkernel\n", linux.Status, vkernel.Status)
	}
	for _, s := range []struct{ name, linux, vkernel string }{
		{"standard output", linux.Stdout, vkernel.Stdout},
		{"standard error", linux.Stderr, vkernel.Stderr},
	} {
		if s.linux != s.vkernel {
			fmt.Fprintf(&b, "%s, %s", s.name, lines(s.linux, s.vkernel))
		}
	}
	return b.String()
}

// lines shows two texts from the first line that differs.
func lines(linux, vkernel string) string {
	l, v := strings.SplitAfter(linux, "\n"), strings.SplitAfter(vkernel, "\n")
	i := 0
	for i < len(l) && i < len(v) && l[i] == v[i] {
		i++
	}
	return fmt.Sprintf("from line %d:\n  Linux:\n%s  vkernel:\n%s", i+1, quote(l[i:]), quote(v[i:]))
}

// quote shows the first of some lines, control characters visible.
func quote(lines []string) string {
	const most = 8
	var b strings.Builder
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(&b, "    (%d more)\n", len(lines)-most)
			break
		}
		if line != "" {
			fmt.Fprintf(&b, "    %q\n", line)
		}
	}
	return b.String()
}
