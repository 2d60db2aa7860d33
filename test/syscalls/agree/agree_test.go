// Package agree_test runs the C tests of test/syscalls on Linux and on vkernel and
// compares what they print. Linux is the oracle.
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
	native  = "out/systest/native"
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
	for part := range strings.SplitSeq("\n"+string(out), "\n== ") {
		name, text, ok := strings.Cut(part, "\n")
		if ok && name != "" {
			tests[name] = section{text, strings.Contains(text, "FAIL ")}
		}
	}
	return tests
}

func runNative(t *testing.T) map[string]section {
	dir, err := os.MkdirTemp("/dev/shm", "systest") // tmpfs, the nearest to the memory layer
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	// The tests drop privileges and run the program again: it must be reachable by all.
	self := filepath.Join(dir, "systest")
	text, err := os.ReadFile(repo(t, native))
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
		t.Logf("native systest: %v", err)
	}
	return split(out)
}

// runArgs are the arguments of vkernel before the bundle.
func runArgs(t *testing.T, extra ...string) []string {
	t.Helper()
	return append([]string{"run", "-e", "SYSTEST=/bin/systest", "-e", "PATH=/bin:/usr/bin", "-e", "HOME=/"}, extra...)
}

func runVKernel(t *testing.T) map[string]section {
	cmd := exec.Command(repo(t, vkernel), append(runArgs(t), repo(t, bundle), "/bin/systest")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("systest on vkernel: %v\n%s", err, stderr.Bytes())
	}
	return split(out)
}

func TestAgree(t *testing.T) {
	linux, ours := runNative(t), runVKernel(t)
	if len(linux) < 50 {
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
	cmd := exec.Command(repo(t, vkernel), append(runArgs(t, "--strace"), repo(t, bundle), "/bin/systest")...)
	var trace bytes.Buffer
	cmd.Stderr = &trace
	cmd.Run() // TestAgree judges the result
	made := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\[\d+\] (?:<\.\.\. )?(\w+)`).FindAllStringSubmatch(trace.String(), -1) {
		made[m[1]] = true
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
