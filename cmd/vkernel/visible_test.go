package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Names in a bundle do not speak to the terminal of whoever is told of them.
func TestErrorsAreVisible(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	var out bytes.Buffer
	b := filepath.Join(dir, "app\x1b]0;x\a\u009b2J.vk")
	if status := execute([]string{"run", b}, stdio{strings.NewReader(""), &out, &out}); status == 0 {
		t.Error("it ran")
	}
	if text := out.String(); !strings.Contains(text, `app\x1b]0;x\a\u009b2J.vk`) || strings.ContainsAny(text, "\x1b\a\u009b") {
		t.Errorf("printed %q", text)
	}
}

// A FIFO in the place of an envelope does not keep a signer waiting.
func TestSignBesideFIFO(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "manifest.dsse.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("```json\n"))
	text, _, _ = bytes.Cut(text, []byte("```"))
	key := filepath.Join(dir, "key")
	var out bytes.Buffer
	if status := execute([]string{"keygen", "--no-passphrase", key}, stdio{strings.NewReader(""), &out, &out}); status != 0 {
		t.Fatal(&out)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if status := execute([]string{"sign", "--dsse", "--key", key, dir}, stdio{strings.NewReader(""), &out, &out}); status == 0 || !strings.Contains(out.String(), "not a regular file") {
		t.Errorf("status %d, printed %q", status, &out)
	}
}
