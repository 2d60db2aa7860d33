package script_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// vkernel runs a command that has to succeed.
func vkernel(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(filepath.Join(vkernelDir, "vkernel"), args...).CombinedOutput(); err != nil {
		t.Fatalf("vkernel %v: %v\n%s", args, err, out)
	}
}

// TestNamedTerminal: a further process has a terminal of its own; a shell that waits at its prompt is saved, and goes on there on
// another terminal.
func TestNamedTerminal(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s := startOn(t, "run", "--name", "box", demoBundle(t))
	s.expect("# ")
	s.typed("x=kept; cd /tmp\r")
	s.expect("# ")

	e := startOn(t, "exec", "box", "sh")
	e.expect("# ")
	e.typed("tty; stty size; ps -o pid,args | grep -c '[s]h'\r")
	e.expect("/dev/pts/0\r\n30 100\r\n")
	e.typed("sh -c 'echo back; exec sleep 100'\r")
	e.expect("\nback\r\n")
	e.typed("\x03")
	e.typed("echo status $?\r")
	e.expect("status 130\r\n")
	e.typed("exit 5\r")
	e.ends("exit status 5")

	dir := filepath.Join(t.TempDir(), "snap")
	vkernel(t, "snapshot", "box", dir)
	s.typed("x=changed\r") // after it
	s.expect("# ")
	vkernel(t, "rm", "box")
	s.ends("exit status 137")

	for range 2 {
		r := startOn(t, "restore", "--name", "box", dir)
		r.typed("echo $x; pwd; tty; stty size\r")
		r.expect("kept\r\n/tmp\r\n/dev/console\r\n30 100\r\n")
		r.typed("sh -c 'echo back; exec sleep 100'\r")
		r.expect("\nback\r\n")
		r.typed("\x03")
		r.typed("echo status $?\r")
		r.expect("status 130\r\n")
		r.typed("exit 7\r")
		r.ends("exit status 7")
	}

	// On no terminal it is hung up.
	out, err := exec.Command(filepath.Join(vkernelDir, "vkernel"), "restore", dir).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() >= 125 && exit.ExitCode() < 128 {
		t.Errorf("without a terminal: %v, %s", err, out)
	}
}
