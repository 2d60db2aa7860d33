package wasi_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// narrowed makes a copy of the bundle in which a program has other preopened directories, and
// what else edit does to its entry, and signs it.
func narrowed(t *testing.T, program string, preopens []string, edit ...func(e map[string]any)) string {
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
			for _, f := range edit {
				f(e)
			}
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

// withhold takes a system call away.
func withhold(call string) func(e map[string]any) {
	return func(e map[string]any) {
		e["syscalls"] = slices.DeleteFunc(e["syscalls"].([]any), func(c any) bool { return c == call })
		e["withheld"] = []string{call}
	}
}

// rules adds rules, which are JSON.
func rules(text string) func(e map[string]any) {
	return func(e map[string]any) { e["rules"] = json.RawMessage(text) }
}

// TestPolicy: a program of WASI is held by its entry as any other: a call by the system call that
// it is charged to, arguments by Linux's numbers, and paths wherever its directories lead.
func TestPolicy(t *testing.T) {
	const set = prepare + "exec 2>&1; "
	for _, tt := range []struct {
		name   string
		edit   func(e map[string]any)
		script string
		want   string
	}{
		{"call", withhold("openat"), "ctool cat /etc/passwd; ctool hello", "tool: /etc/passwd: Operation not permitted\nhello from C, 0 arguments, GREETING=\n"},
		{"deadly call", func(e map[string]any) { withhold("openat")(e); e["denied"] = "kill" }, "ctool cat /etc/passwd; echo $?", "Bad system call\n159\n"},
		{
			"paths", rules(`[{"paths": ["/data", "/work"]}]`),
			"ctool cat /data/in; ctool cat /data/absolute; ctool cat /data/up; ctool cat /data/around; ctool cat /data/magic/secret; ctool cat /secret; cd /data; ctool cat d/f; ctool cat ../secret",
			"in\n" + strings.Repeat("tool: %: Permission denied\n", 5) + "deep\ntool: ../secret: Permission denied\n",
		},
		{"no paths", rules(`[{"paths": []}]`), "ctool hello", "hello from C, 0 arguments, GREETING=\n"},
		{"values", rules(`[{"syscall": "writev", "arg": 0, "allow": [2]}]`), "ctool hello; ctool cat /secret/x", "tool: /secret/x: Not a directory\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := vkernel(t, time.Minute, nil, narrowed(t, "ctool", nil, tt.edit), "/bin/sh", "-c", set+tt.script)
			got := regexp.MustCompile(`tool: [^:.]*: Permission`).ReplaceAllString(r.out, "tool: %: Permission")
			if got != tt.want {
				t.Errorf("%q %q, want %q", r.out, r.err, tt.want)
			}
		})
	}
}
