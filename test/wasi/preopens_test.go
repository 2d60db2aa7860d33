package wasi_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// narrowed makes a copy of the bundle in which a program has other preopened directories, or
// lacks system calls, and signs it.
func narrowed(t *testing.T, program string, preopens []string, denied ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "narrow.vk")
	if err := os.CopyFS(dir, os.DirFS(built(t, "wasi.vk"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	for _, e := range m["entries"].([]any) {
		if e := e.(map[string]any); e["id"] == program {
			if preopens != nil {
				e["preopens"] = preopens
			}
			e["syscalls"] = slices.DeleteFunc(e["syscalls"].([]any), func(c any) bool { return slices.Contains(denied, c.(string)) })
		}
	}
	if data, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(os.Getenv("VKERNEL"), "sign", "--key", os.Getenv("KEY"), dir).CombinedOutput(); err != nil {
		t.Fatalf("sign: %v\n%s", err, out)
	}
	return dir
}

// prepare makes the files that the scripts below look at.
const prepare = `mkdir -p /data/d /work/e; echo in >/data/in; echo deep >/data/d/f; echo out >/secret
ln -s /secret /data/absolute; ln -s ../secret /data/up; ln -s d/f /data/inside; ln -s d/../../secret /data/around; ln -s /proc/self/root /data/magic
`

func TestPreopens(t *testing.T) {
	const refused = "Operation not permitted\n"
	const none = "Capabilities insufficient\n" // wasi-libc's own word where nothing is preopened
	for _, tt := range []struct {
		name     string
		preopens []string
		script   string
		want     string
	}{
		{"inside", []string{"/data"}, "ctool cat /data/in; ctool cat /data/d/f; ctool cat /data/inside; ctool cat /data/d/../in", "in\ndeep\ndeep\nin\n"},
		{"outside", []string{"/data"}, "ctool cat /secret", "tool: /secret: " + none},
		{"dotdot", []string{"/data"}, "ctool cat /data/../secret", "tool: /data/../secret: " + refused},
		{"deep dotdot", []string{"/data"}, "ctool cat /data/d/../../secret", "tool: /data/d/../../secret: " + refused},
		{"absolute link", []string{"/data"}, "ctool cat /data/absolute", "tool: /data/absolute: " + refused},
		{"link up", []string{"/data"}, "ctool cat /data/up", "tool: /data/up: " + refused},
		{"link around", []string{"/data"}, "ctool cat /data/around", "tool: /data/around: " + refused},
		{"magic link", []string{"/data"}, "ctool cat /data/magic/secret", "tool: /data/magic/secret: " + refused},
		{"no files", []string{}, "ctool cat /data/in; ctool hello", "tool: /data/in: " + none + "hello from C, 0 arguments, GREETING=\n"},
		{"a preopened link", []string{"/link", "/data/l/d"}, "ln -s / /link; ln -s . /data/l; ctool cat /link/secret; ctool cat /data/l/d/f", "tool: /link/secret: " + none + "tool: /data/l/d/f: " + none},
		{"working directory", []string{"."}, "cd /data; ctool cat in; ctool cat ../secret; ctool cat up", "in\ntool: ../secret: " + refused + "tool: up: " + refused},
		{
			"two",
			[]string{"/data/d", "/work"},
			"ctool cat /data/d/f; ctool cat /data/in; ctool cat /work/../secret",
			"deep\ntool: /data/in: " + none + "tool: /work/../secret: " + refused,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := vkernel(t, time.Minute, nil, narrowed(t, "ctool", tt.preopens), "/bin/sh", "-c", prepare+"exec 2>&1; "+tt.script)
			if r.out != tt.want {
				t.Errorf("%q %q, want %q", r.out, r.err, tt.want)
			}
		})
	}
}

// TestDenied: a program whose manifest lacks the system call may not make the call of WASI.
func TestDenied(t *testing.T) {
	bundle := narrowed(t, "ctool", nil, "openat")
	r := vkernel(t, time.Minute, nil, bundle, "/bin/sh", "-c", "exec 2>&1; ctool cat /etc/passwd; ctool hello")
	if want := "tool: /etc/passwd: Operation not permitted\nhello from C, 0 arguments, GREETING=\n"; r.out != want {
		t.Errorf("%q %q, want %q", r.out, r.err, want)
	}
}
