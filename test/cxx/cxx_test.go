// Package cxx_test compiles C++ programs, and C programs whose setjmp are exceptions, for
// vkernel and for Linux, runs both and compares output and status.
package cxx_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs are the files of testdata and how each is compiled.
var programs = []struct {
	name, source string
	flags        []string // of vkcc alone
}{
	{"exceptions", "exceptions.cc", []string{"-O2"}},
	{"library", "library.cc", []string{"-O2"}},
	{"processes", "processes.cc", []string{"-O2"}},
	{"threads", "threads.cc", []string{"-O2", "-pthread"}},
	{"uncaught", "uncaught.cc", []string{"-O2"}},
	{"jumps", "jumps.c", []string{"-O2"}},
	{"jumps-as-exceptions", "jumps.c", []string{"-O2", "-mllvm", "-wasm-enable-sjlj"}},
	{"jumps-as-exceptions-O0", "jumps.c", []string{"-O0", "-mllvm", "-wasm-enable-sjlj"}},
}

// TestPrograms runs each program in one container of all.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the C++ library")
	}
	for _, tool := range []string{"g++", "clang-19", "wasm-ld-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	do(t, "go", "build", "-o", dir, "vkernel/cmd/vkernel", "vkernel/cmd/vkcc")
	if err := os.Symlink("vkcc", filepath.Join(dir, "vkc++")); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	for _, d := range []string{"bin", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range programs {
		args := append([]string{"-w", "-o", filepath.Join(root, "bin", p.name), filepath.Join("testdata", p.source)}, p.flags...)
		if filepath.Ext(p.source) == ".c" {
			do(t, filepath.Join(dir, "vkcc"), args...)
		} else {
			do(t, filepath.Join(dir, "vkc++"), append(args, "-std=c++20")...)
		}
	}
	vkernel, bundle, key := filepath.Join(dir, "vkernel"), filepath.Join(dir, "cxx.vk"), filepath.Join(dir, "key")
	do(t, vkernel, "build", "--cmd", "/bin/library", "-o", bundle, root)
	do(t, vkernel, "keygen", "--trust", key)
	do(t, vkernel, "sign", "--key", key, bundle)
	native := map[string]result{}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			want, ok := native[p.source]
			if !ok {
				want = runNative(t, dir, p.source)
				native[p.source] = want
			}
			got := outcome(t, vkernel, "run", bundle, "/bin/"+p.name)
			if got.status != want.status || !bytes.Equal(got.stdout, want.stdout) {
				t.Errorf("status %d, native %d; output\n%s\nnative\n%s\nerrors\n%s", got.status, want.status, got.stdout, want.stdout, got.stderr)
			}
			if said := "terminating due to uncaught exception of type std::runtime_error: nobody catches this"; p.name == "uncaught" && !bytes.Contains(got.stderr, []byte(said)) {
				t.Errorf("errors %q, expected %q", got.stderr, said)
			}
		})
	}
}

func runNative(t *testing.T, dir, source string) result {
	t.Helper()
	path := filepath.Join(dir, "native-"+source)
	compiler, standard := "g++", "-std=c++20"
	if filepath.Ext(source) == ".c" {
		compiler, standard = "gcc", "-std=gnu17"
	}
	do(t, compiler, "-w", "-O2", "-pthread", standard, "-o", path, filepath.Join("testdata", source))
	return outcome(t, "sh", "-c", "exec 2>/dev/null; "+path) // the shell turns a signal into a status
}

func do(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

type result struct {
	status         int
	stdout, stderr []byte
}

func outcome(t *testing.T, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.Bytes()}
}
