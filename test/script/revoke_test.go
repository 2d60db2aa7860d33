package script_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// transcript collects what a container writes, and lets a test wait for a part of it.
type transcript struct {
	ended chan struct{} // closed when there is no more
	mu    sync.Mutex
	text  string
}

func (tr *transcript) follow(r io.Reader) {
	defer close(tr.ended)
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		tr.mu.Lock()
		tr.text += line
		tr.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (tr *transcript) expect(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		tr.mu.Lock()
		text := tr.text
		tr.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
	}
	t.Fatalf("%q did not come; what came:\n%s", want, tr.text)
}

// TestRevokeWhileRunning: a container that runs refuses, at its next execve, a program that
// was revoked meanwhile, starts it again when it is restored, and starts nothing at all
// when the signer's key is trusted no longer.
func TestRevokeWhileRunning(t *testing.T) {
	source, err := filepath.Abs(demo)
	if err != nil {
		t.Fatal(err)
	}
	lua := filepath.Join(source, "rootfs/usr/bin/lua")
	if _, err := os.Stat(lua); err != nil {
		t.Skip("make run has not built out/demo.vk")
	}
	dir := t.TempDir()
	key, policy, bundle := filepath.Join(dir, "k"), filepath.Join(dir, "trust.json"), filepath.Join(dir, "app.vk")
	vkernel := func(args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(vkernelDir, "vkernel"), args...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("vkernel %v: %v\n%s", args, err, out)
		}
	}
	if out, err := exec.Command("cp", "-r", source, bundle).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	vkernel("keygen", "--no-passphrase", key)
	vkernel("sign", "--key", key, bundle)
	vkernel("trust", "add", "--trust", policy, key+".pub")

	cmd := exec.Command(filepath.Join(vkernelDir, "vkernel"), "run", "--trust", policy, bundle, "sh", "-c",
		`while read what; do lua -e 'print("lua runs")'; echo "$what: $?"; done`)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	tr := &transcript{ended: make(chan struct{})}
	go tr.follow(r)
	try := func(what, want string) {
		t.Helper()
		if _, err := io.WriteString(in, what+"\n"); err != nil {
			t.Fatal(err)
		}
		tr.expect(t, what+": "+want)
	}

	try("before", "0")
	vkernel("trust", "revoke", "--trust", policy, lua)
	tr.expect(t, "digests revoked: 1")
	try("revoked", "126")
	vkernel("trust", "restore", "--trust", policy, lua)
	tr.expect(t, "digests revoked: 0")
	try("restored", "0")
	vkernel("trust", "remove", "--trust", policy, "k")
	tr.expect(t, "nothing is started")
	try("no key", "126")
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the container: %v", err)
	}
	<-tr.ended
	if n := strings.Count(tr.text, "lua runs"); n != 2 {
		t.Errorf("lua ran %d times, expected 2:\n%s", n, tr.text)
	}
}
