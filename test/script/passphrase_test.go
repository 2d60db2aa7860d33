package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startAt runs a vkernel command on a pseudo terminal, in a directory of its own.
func startAt(t *testing.T, dir string, args ...string) *session {
	t.Helper()
	master, slave := openPTY(t)
	s := &session{t: t, master: master, shown: make(chan []byte)}
	s.cmd = exec.Command(filepath.Join(vkernelDir, "vkernel"), args...)
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.before = s.modes()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		master.Close()
		slave.Close()
	})
	go s.read()
	return s
}

// answer waits for a prompt, and types a line.
func (s *session) answer(prompt, text string) {
	s.t.Helper()
	s.prompted(prompt)
	s.typed(text + "\r")
}

// prompted waits for a prompt and for the echo to be off.
func (s *session) prompted(prompt string) {
	s.t.Helper()
	s.expect(prompt)
	for s.modes().Lflag&unix.ECHO != 0 {
		if s.cmd.ProcessState != nil {
			s.t.Fatal("the command ended")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestPassphrase: at a terminal keygen and sign ask for the passphrase, and do not show it.
func TestPassphrase(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("cp", "-r", demo, filepath.Join(dir, "app.vk")).CombinedOutput(); err != nil {
		t.Skipf("make run has not built out/demo.vk: %v\n%s", err, out)
	}
	s := startAt(t, dir, "keygen", "k")
	s.answer("Passphrase for k (empty: none): ", "a secret")
	s.answer("\r\nThe same again: ", "another")
	s.expect("\r\nvkernel: the two passphrases differ: nothing was made\r\n")
	s.ends("exit status 1")
	if _, err := os.Stat(filepath.Join(dir, "k")); err == nil {
		t.Error("a key was made")
	}

	s = startAt(t, dir, "keygen", "k")
	s.answer("Passphrase for k (empty: none): ", "a secret")
	s.answer("\r\nThe same again: ", "a secret")
	s.expect("\r\nprivate key  k (ed25519, encrypted)\r\n")
	s.ends("exit status 0")

	s = startAt(t, dir, "sign", "--key", "k", "app.vk")
	s.answer("Passphrase of k: ", "wrong")
	s.expect("\r\nvkernel: k: encrypted private key: wrong passphrase")
	s.ends("exit status 1")

	s = startAt(t, dir, "sign", "--key", "k", "app.vk")
	s.answer("Passphrase of k: ", "a secret")
	s.expect("\r\nsigned app.vk (manifest SHA-256 ")
	s.ends("exit status 0")

	s = startAt(t, dir, "keygen", "n")
	s.answer("Passphrase for n (empty: none): ", "")
	s.expect("\r\nprivate key  n (ed25519, not encrypted)\r\n")
	s.ends("exit status 0")

	// Interrupted, it leaves the terminal as it was.
	s = startAt(t, dir, "sign", "--key", "k", "app.vk")
	s.prompted("Passphrase of k: ")
	s.typed("\x03")
	s.ends("signal: interrupt")
}
