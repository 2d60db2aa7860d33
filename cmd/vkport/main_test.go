package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildsHello builds a recipe for both kernels with the real tool.
func TestBuildsHello(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles programs")
	}
	for _, tool := range []string{"clang-19", "musl-gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	vkport := filepath.Join(dir, "vkport")
	if out, err := exec.Command("go", "build", "-o", vkport, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) string {
		out, err := exec.Command(vkport, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("vkport %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	wasm, native := filepath.Join(dir, "wasm"), filepath.Join(dir, "native")
	run("-o", wasm, "hello", "true")
	run("-native", "-o", native, "hello")
	if b, err := os.ReadFile(filepath.Join(wasm, "usr/bin/hello")); err != nil || !bytes.HasPrefix(b, []byte("\x00asm\x01\x00\x00\x00")) {
		t.Errorf("hello is no WebAssembly module: %.8q, %v", b, err)
	}
	if out, err := exec.Command(filepath.Join(native, "usr/bin/hello"), "you").Output(); string(out) != "hello, you\n" {
		t.Errorf("native hello says %q, %v", out, err)
	}
	if out := run("-list"); !strings.Contains(out, "busybox\n") {
		t.Errorf("recipes: %s", out)
	}
	if out, err := exec.Command(vkport, "none").CombinedOutput(); err == nil || !strings.Contains(string(out), `no recipe "none"`) {
		t.Errorf("an unknown recipe: %v, %s", err, out)
	}
}
