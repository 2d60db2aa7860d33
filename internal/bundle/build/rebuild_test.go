package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/bundle"
	"vkernel/internal/manifest"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
)

// withData is a program with a memory, in which there is a secret.
const withData = wasmHeader + typeVoid + oneFunc + "\x05\x03\x01\x00\x01" + startFunc + emptyBody +
	"\x0b\x0c\x01\x00\x41\x00\x0b\x06secret"

func openSigned(t *testing.T, dir string) *bundle.Bundle {
	t.Helper()
	key, err := signature.Generate(signature.Ed25519)
	must(t, err)
	data, err := bundle.ReadManifest(dir)
	must(t, err)
	sig, err := key.Sign(data)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, manifest.SignatureFile), sig, 0o644))
	b, err := bundle.Open(dir, trust.Keys(1, key.Key))
	must(t, err)
	t.Cleanup(b.Close)
	return b
}

// cheat changes one place of the native code, and the manifest with it, as a builder may.
func cheat(t *testing.T, dir, old, changed string) {
	t.Helper()
	name := filepath.Join(dir, bundle.NativeFile(bundle.Arch))
	code, err := os.ReadFile(name)
	must(t, err)
	at := bytes.Index(code, []byte(old))
	if at < 0 {
		t.Fatalf("no %q in the native code", old)
	}
	code = append(append(append([]byte{}, code[:at]...), changed...), code[at+len(old):]...)
	must(t, os.WriteFile(name, code, 0o644))
	data, err := bundle.ReadManifest(dir)
	must(t, err)
	m, err := manifest.Parse(data)
	must(t, err)
	m.Native[0].SHA256, m.Native[0].Size = manifest.Sum(code), uint64(len(code))
	must(t, os.WriteFile(filepath.Join(dir, manifest.File), m.Marshal(), 0o644))
}

// TestRebuild: the same bytes come again from another place, with one compiler at a time
// and no cache; what a builder changed is found and named.
func TestRebuild(t *testing.T) {
	needClang(t)
	o := options(makeRoot(t, file{"bin/sh", withData, 0o755}, file{"bin/b", named("b"), 0o755}))
	o.CacheDir, o.Jobs = t.TempDir(), 3
	_, err := Build(context.Background(), o)
	must(t, err)
	again := RebuildOptions{Jobs: 1, CheckImport: o.CheckImport}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "another", "place"))
	must(t, os.MkdirAll(os.Getenv("TMPDIR"), 0o755))
	must(t, Rebuild(context.Background(), openSigned(t, o.Out), again))
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	cheat(t, o.Out, "secret", "Secret")
	again.CacheDir = o.CacheDir
	b := openSigned(t, o.Out)
	var d *DifferenceError
	if err := Rebuild(context.Background(), b, again); !errors.As(err, &d) || d.Tools != "" || !strings.HasPrefix(d.Where, "section .") || d.Got != d.Want {
		t.Errorf("a changed image: %v", err)
	}
	b.Manifest.Build.Clang = "1.2.3"
	if tools, err := otherTools(context.Background(), b); err != nil || !strings.HasPrefix(tools, "clang 1.2.3, here is ") {
		t.Errorf("another clang: %q, %v", tools, err)
	}
	cheat(t, o.Out, `"module":"`, `"module":x`)
	if err := Rebuild(context.Background(), openSigned(t, o.Out), again); err == nil || !strings.Contains(err.Error(), "native code: ") {
		t.Errorf("malformed metadata: %v", err)
	}
}
