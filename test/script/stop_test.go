package script_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SIGTSTP, which the terminal sends at Ctrl-Z, stops the launcher and the sandbox, and SIGCONT
// goes on with both.
func TestStop(t *testing.T) {
	bundle, err := filepath.Abs(demo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bundle, "manifest.json.sig")); err != nil {
		t.Skip("make run has not built out/demo.vk")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(filepath.Join(vkernelDir, "vkernel"), "run", bundle, "sh", "-c", "echo ready; sleep 3; echo end")
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() //nolint:errcheck // it was killed, or has ended
	defer cmd.Process.Kill()
	buf := make([]byte, 64)
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "ready\n" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	pids := []int{cmd.Process.Pid, childOf(t, cmd.Process.Pid)}
	signal := func(sig syscall.Signal, want string) {
		t.Helper()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for {
			states := state(t, pids[0]) + state(t, pids[1])
			if strings.Trim(states, want) == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %v launcher and sandbox are %q, want %q", sig, states, want)
			}
			time.Sleep(time.Millisecond)
		}
	}
	signal(syscall.SIGTSTP, "T")
	time.Sleep(3200 * time.Millisecond) // longer than the container would have run
	if got := state(t, pids[1]); got != "T" {
		t.Errorf("the sandbox went on: %q", got)
	}
	// The sleep is over by now, so both may end at once: that they go on is seen by what is printed.
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "end\n" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

// state is the letter of a process's state.
func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

// childOf is the sandbox of a launcher.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		var child int
		if _, e := fmt.Sscan(string(text), &child); err == nil && e == nil {
			return child
		}
	}
	t.Skip("this host does not list the children of a process")
	return 0
}
