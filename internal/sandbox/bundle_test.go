package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vkernel/internal/bundle"
	"vkernel/internal/bundle/build"
	"vkernel/internal/engine/layout"
	"vkernel/internal/imports"
	"vkernel/internal/kernel"
	"vkernel/internal/manifest"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
)

// guestBundle opens a bundle of the guests that VKERNEL_GUESTS names (make test sets it); without
// it the test is skipped. It is built once. SANDBOX_BUNDLE names one that is there, whose key is
// beside it: a test that runs itself as another user has it so.
func guestBundle(t testing.TB) *bundle.Bundle {
	t.Helper()
	dir := os.Getenv("SANDBOX_BUNDLE")
	if dir == "" {
		guests := os.Getenv("VKERNEL_GUESTS")
		if guests == "" {
			t.Skip("VKERNEL_GUESTS is not set")
		}
		built.once.Do(func() { built.err = buildGuests(guests, filepath.Join(built.dir(), "guests.vk")) })
		must(t, built.err)
		dir = filepath.Join(built.dir(), "guests.vk")
	}
	b, err := bundle.Open(dir, policyOf(t, dir))
	must(t, err)
	t.Cleanup(b.Close)
	return b
}

// policyOf trusts the key that lies beside a bundle.
func policyOf(t testing.TB, dir string) *trust.Policy {
	t.Helper()
	text, err := os.ReadFile(dir + ".pub")
	must(t, err)
	key, err := signature.ParsePublic(text)
	must(t, err)
	return trust.Keys(1, key)
}

// built is the bundle of this run of the tests; TestMain removes it.
var built struct {
	once sync.Once
	err  error
	dir  func() string
}

// buildGuests makes a signed bundle of busybox and dash.
func buildGuests(guests, out string) error {
	root := out + ".root"
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return err
	}
	for _, name := range []string{"busybox", "dash"} {
		data, err := os.ReadFile(filepath.Join(guests, "bin", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "bin", name), data, 0o755)
		}
		if err != nil {
			return err
		}
	}
	for _, applet := range []string{"cat", "echo", "ls", "mkdir", "mv", "sleep", "chmod", "rm", "seq", "wc", "kill", "sync", "touch", "ln"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			return err
		}
	}
	if err := os.Symlink("dash", filepath.Join(root, "bin/sh")); err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	_, err = build.Build(context.Background(), build.Options{
		Root: root, Out: out, Name: "guests", Command: []string{"/bin/sh"}, CacheDir: filepath.Join(cache, "vkernel", "aot"),
		CheckImport: imports.Check,
		Syscall:     func(im layout.Import) string { return imports.Syscall(im.Module, im.Name) },
	})
	if err != nil {
		return err
	}
	return sign(out)
}

// sign signs a bundle with a key that is made for it.
func sign(dir string) error {
	key, err := signature.Generate(signature.Ed25519)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, manifest.File))
	if err != nil {
		return err
	}
	sig, err := key.Sign(text)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, manifest.SignatureFile), sig, 0o644), os.WriteFile(dir+".pub", key.Key.PEM(), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shell runs a script in a sandbox and gives what it printed.
func shell(t testing.TB, s *Sandbox, script string) (string, kernel.Status) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := s.Run(ctx, Run{
		Command: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}, Dir: "/",
		Streams: Streams{Out: &out, Err: &out},
	})
	if err != nil {
		t.Fatalf("%v, after printing %q", err, &out)
	}
	return strings.TrimSpace(out.String()), st
}

// start starts a sandbox, and ends it with the test.
func start(t testing.TB, c Config) *Sandbox {
	t.Helper()
	s, err := New(c)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// again runs one test of this program in another process, changed by edit.
func again(t *testing.T, name string, edit func(*exec.Cmd)) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+name+"$", "-test.v")
	cmd.Env = os.Environ()
	edit(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
