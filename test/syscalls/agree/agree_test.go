// Package agree_test runs the C tests of test/syscalls and test/threads on Linux and on vkernel
// and compares what they print. Linux is the oracle.
package agree_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The build (make) leaves these; the paths are relative to the repository.
const (
	vkernel = "out/vkernel"
	bundle  = "out/systest.vk"
)

// suite is one program of tests, built for both.
type suite struct {
	native, guest string
	least         int // tests that it has at least
}

var (
	calls   = suite{"out/systest/native", "/bin/systest", 50}
	threads = suite{"out/systest/threads", "/bin/threads", 70}
)

func repo(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join("../../..", path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%v\nrun these tests with: make test", err)
	}
	return p
}

// section is what one test printed, and whether anything in it failed.
type section struct {
	text   string
	failed bool
}

// split cuts the output of systest into its tests.
func split(out []byte) map[string]section {
	tests := map[string]section{}
	_, all, _ := strings.Cut("\n"+string(out), "\n== ")
	for part := range strings.SplitSeq(all, "\n== ") {
		name, text, _ := strings.Cut(part, "\n") // a test may print nothing
		if name = strings.TrimSpace(name); name != "" {
			tests[name] = section{text, strings.Contains(text, "FAIL ")}
		}
	}
	return tests
}

func (s suite) runNative(t *testing.T) map[string]section {
	dir, err := os.MkdirTemp("/dev/shm", "systest") // tmpfs, the nearest to the memory layer
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	// The tests drop privileges and run the program again: it must be reachable by all.
	self := filepath.Join(dir, "systest")
	text, err := os.ReadFile(repo(t, s.native))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{"TMPDIR=" + dir, "SYSTEST=" + self, "PATH=/bin:/usr/bin", "HOME=/"}
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %v", s.native, err)
	}
	return split(out)
}

// runArgs are the arguments of vkernel before the bundle.
func (s suite) runArgs(t *testing.T, extra ...string) []string {
	t.Helper()
	return append([]string{"run", "-e", "SYSTEST=" + s.guest, "-e", "PATH=/bin:/usr/bin", "-e", "HOME=/"}, extra...)
}

func (s suite) runVKernel(t *testing.T) map[string]section {
	cmd := exec.Command(repo(t, vkernel), append(s.runArgs(t), repo(t, bundle), s.guest)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s on vkernel: %v\n%s", s.guest, err, stderr.Bytes())
	}
	return split(out)
}

func TestAgree(t *testing.T) { calls.agree(t) }

func TestThreadsAgree(t *testing.T) { threads.agree(t) }

func (s suite) agree(t *testing.T) {
	linux, ours := s.runNative(t), s.runVKernel(t)
	if len(linux) < s.least {
		t.Fatalf("only %d tests ran on Linux", len(linux))
	}
	for name, want := range linux {
		t.Run(name, func(t *testing.T) {
			got, ok := ours[name]
			switch {
			case want.failed:
				t.Errorf("fails on Linux:\n%s", want.text)
			case !ok:
				t.Error("did not run on vkernel")
			case got.text != want.text:
				t.Errorf("differs\n%s", diff(want.text, got.text))
			}
		})
	}
	for name := range ours {
		if _, ok := linux[name]; !ok {
			t.Errorf("%s ran on vkernel only", name)
		}
	}
}

// unreached lists calls that no test can make on both kernels.
var unreached = map[string]string{
	"rt_sigreturn": "a handler that returns has returned: only a forged frame would call it",
}

// TestCoverage holds that the C tests make every call of the table.
func TestCoverage(t *testing.T) {
	list, err := exec.Command(repo(t, vkernel), "syscalls", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var table []struct{ Name string }
	if err := json.Unmarshal(list, &table); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, s := range []suite{calls, threads} {
		cmd := exec.Command(repo(t, vkernel), append(s.runArgs(t, "--strace"), repo(t, bundle), s.guest)...)
		var trace bytes.Buffer
		cmd.Stderr = &trace
		cmd.Run() // the other tests judge the result
		for _, m := range regexp.MustCompile(`(?m)^\[\d+\] (?:<\.\.\. )?(\w+)`).FindAllStringSubmatch(trace.String(), -1) {
			made[m[1]] = true
		}
	}
	for _, c := range table {
		if _, excused := unreached[c.Name]; !made[c.Name] && !excused {
			t.Errorf("no test calls %s", c.Name)
		}
	}
}

// diff shows the lines from the first that differs.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	tail := func(s []string) string { return strings.Join(s[min(i, len(s)):min(i+6, len(s))], "\n") }
	return fmt.Sprintf("at line %d\nLinux:\n%s\nvkernel:\n%s", i+1, tail(w), tail(g))
}

// TestHostileThreads runs programs that mean no good, in containers of their own.
func TestHostileThreads(t *testing.T) {
	for child, want := range map[string]string{
		"many_threads":          "EAGAIN many\nfork: EAGAIN\n",
		"many_spinning_threads": "",
		"racing_arguments":      "alive\n",
		"bad_lists":             "alive\n",
	} {
		t.Run(child, func(t *testing.T) {
			args := append(threads.runArgs(t), repo(t, bundle), threads.guest, "child", child)
			cmd := exec.Command(repo(t, vkernel), args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil || string(out) != want {
				t.Errorf("%v, printed %q, want %q\n%s", err, out, want, stderr.Bytes())
			}
		})
	}
}
