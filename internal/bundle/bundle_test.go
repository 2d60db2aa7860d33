package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
)

// made is a bundle for tests. Its native code is any bytes: Open does not look into it.
type made struct {
	dir string
	key *trust.Policy
	m   *manifest.Manifest
	// sign signs what is in manifest.json.
	sign func()
}

const script = "#!/bin/sh\n"

func makeBundle(t *testing.T) *made {
	t.Helper()
	dir := t.TempDir()
	key, err := signature.Generate(signature.Ed25519)
	must(t, err)
	b := &made{dir: dir, key: trust.Keys(1, key.Key)}
	b.sign = func() {
		data, err := os.ReadFile(filepath.Join(dir, manifest.File))
		must(t, err)
		sig, err := key.Sign(data)
		must(t, err)
		b.write(t, manifest.SignatureFile, sig)
	}
	module := []byte("\x00asm\x01\x00\x00\x00")
	scriptDigest := manifest.Sum([]byte(script))
	root, err := manifest.NewRoot([]manifest.Node{
		{Path: "/etc", Type: manifest.TypeDir, Mode: 0o755},
		{Path: "/etc/rc", Type: manifest.TypeFile, Mode: 0o755, Size: uint64(len(script)), SHA256: &scriptDigest},
		{Path: "/rc", Type: manifest.TypeLink, Mode: 0o777, Target: "etc/rc"},
	})
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(dir, RootDir, "etc"), 0o755))
	must(t, os.Symlink("etc/rc", filepath.Join(dir, RootDir, "rc")))
	b.write(t, RootDir+"/etc/rc", []byte(script))
	mega := b.write(t, MegabinaryFile, EncodeComponent([]Module{{"m", module}}))
	code := b.write(t, NativeFile(Arch), []byte("native code"))
	b.m = &manifest.Manifest{
		Version: manifest.Version, Name: "test",
		Megabinary:  manifest.Megabinary{SHA256: mega.SHA256, Size: mega.Size, Modules: []manifest.Digest{manifest.Sum(module)}},
		Native:      []manifest.Native{{Arch: Arch, ABI: layout.Version, Features: []string{}, SHA256: code.SHA256, Size: code.Size}},
		Entries:     []manifest.Entry{{ID: "m", Name: "m", Export: "_start", Syscalls: []string{}}},
		Executables: []manifest.Executable{{SHA256: scriptDigest, Interpreter: "/bin/sh", Paths: []string{"/etc/rc"}}},
		Command:     []string{"/etc/rc"},
		Rootfs:      b.write(t, manifest.RootFile, root.Marshal()),
	}
	b.resign(t)
	return b
}

func (b *made) write(t *testing.T, name string, data []byte) manifest.Blob {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(b.dir, name), data, 0o644))
	return manifest.Blob{SHA256: manifest.Sum(data), Size: uint64(len(data))}
}

// resign writes b.m and signs it.
func (b *made) resign(t *testing.T) {
	b.write(t, manifest.File, b.m.Marshal())
	b.sign()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	b := makeBundle(t)
	o, err := Open(b.dir, b.key)
	must(t, err)
	defer o.Close()
	code, err := io.ReadAll(io.NewSectionReader(o.Code, 0, 100))
	if err != nil || string(code) != "native code" {
		t.Errorf("code %q, %v", code, err)
	}
	if len(o.Signers) != 1 || o.Signers[0].ID() != b.key.Keys[0].Key().ID() || o.Manifest.Name != "test" || o.Digest != manifest.Sum(b.m.Marshal()) {
		t.Errorf("%+v", o)
	}
}

// TestSealed: nobody can change code that was checked.
func TestSealed(t *testing.T) {
	b := makeBundle(t)
	o, err := Open(b.dir, b.key)
	must(t, err)
	defer o.Close()
	if _, err := o.Code.WriteAt([]byte("x"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("write: %v", err)
	}
	if err := o.Code.Truncate(1); !errors.Is(err, unix.EPERM) {
		t.Errorf("truncate: %v", err)
	}
	if _, err := unix.Mmap(int(o.Code.Fd()), 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("mapped shared and writable")
	}
	if _, err := unix.FcntlInt(o.Code.Fd(), unix.F_ADD_SEALS, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("seals can be changed: %v", err)
	}
}

// TestOpenRefuses: each part that was changed is named.
func TestOpenRefuses(t *testing.T) {
	stranger, err := signature.Generate(signature.Ed25519)
	must(t, err)
	tests := []struct {
		name   string
		change func(b *made)
		want   string
	}{
		{"manifest changed", func(b *made) { b.write(t, manifest.File, append(b.m.Marshal(), '\n')) }, "signature: "},
		{"another key", func(b *made) { b.key = trust.Keys(1, stranger.Key) }, "signature: "},
		{"no key", func(b *made) { b.key = trust.Keys(1) }, "signature: "},
		{"no signature", func(b *made) { os.Remove(filepath.Join(b.dir, manifest.SignatureFile)) }, "has not been signed"},
		{"short signature", func(b *made) { b.write(t, manifest.SignatureFile, []byte("x")) }, "signature: manifest.json.sig: 1 bytes"},
		{"signature a FIFO", func(b *made) {
			os.Remove(filepath.Join(b.dir, manifest.SignatureFile))
			must(t, unix.Mkfifo(filepath.Join(b.dir, manifest.SignatureFile), 0o644))
		}, "signature: "},
		{"signature too large", func(b *made) { b.write(t, manifest.SignatureFile, make([]byte, signature.MaxSize+1)) }, "more than 4096 bytes"},
		{"envelope too large", func(b *made) { b.write(t, signature.EnvelopeFile, make([]byte, signature.MaxEnvelope+1)) }, "more than 262144 bytes"},
		{"envelope empty", func(b *made) { b.write(t, signature.EnvelopeFile, nil) }, "signature: manifest.dsse.json: "},
		{"envelope a link", func(b *made) {
			must(t, os.Symlink(manifest.SignatureFile, filepath.Join(b.dir, signature.EnvelopeFile)))
		}, "signature: "},
		{"another file among signatures", func(b *made) {
			must(t, os.Mkdir(filepath.Join(b.dir, signature.Dir), 0o755))
			b.write(t, signature.Dir+"/x.sig", []byte("x"))
		}, "manifest.json.sigs/x.sig: expected names"},
		{"too many signatures", func(b *made) {
			must(t, os.Mkdir(filepath.Join(b.dir, signature.Dir), 0o755))
			for i := range signature.MaxSignatures + 1 {
				b.write(t, fmt.Sprintf("%s/%064x.sig", signature.Dir, i), []byte("x"))
			}
		}, "manifest.json.sigs holds 65 files"},
		{"no manifest", func(b *made) { os.Remove(filepath.Join(b.dir, manifest.File)) }, "is not a bundle"},
		{"manifest malformed but signed", func(b *made) {
			b.write(t, manifest.File, []byte("{}"))
			b.sign()
		}, "manifest: manifest.json: version: missing"},
		{"native code swapped", func(b *made) { b.write(t, NativeFile(Arch), []byte("native codf")) }, "native code: megabinary.x86_64.aot has SHA-256 "},
		{"native code longer", func(b *made) { b.write(t, NativeFile(Arch), []byte("native code!")) }, "native code: megabinary.x86_64.aot has 12 bytes"},
		{"native code gone", func(b *made) { os.Remove(filepath.Join(b.dir, NativeFile(Arch))) }, "native code: "},
		{"native code a FIFO", func(b *made) {
			os.Remove(filepath.Join(b.dir, NativeFile(Arch)))
			must(t, unix.Mkfifo(filepath.Join(b.dir, NativeFile(Arch)), 0o644))
		}, "not a regular file"},
		{"list changed", func(b *made) { b.write(t, manifest.RootFile, []byte("{}")) }, "root file system: rootfs.json has 2 bytes"},
		{"ABI", func(b *made) {
			b.m.Native[0].ABI = "vk0"
			b.resign(t)
		}, `has ABI "vk0"`},
		{"CPU", func(b *made) {
			b.m.Native[0].Features = []string{"x86-64-v9"}
			b.resign(t)
		}, "x86-64-v9"},
		{"other architecture", func(b *made) {
			b.m.Native[0].Arch = "riscv64"
			b.resign(t)
		}, "lists none for x86_64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := makeBundle(t)
			tt.change(b)
			o, err := Open(b.dir, b.key)
			if err == nil {
				o.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, expected ...%s...", err, tt.want)
			}
		})
	}
}

// Nothing of the megabinary is executed: a bundle opens without it, and who reads it checks it.
func TestMegabinary(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(path string) error
		want   string
	}{
		"changed": {func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) }, "megabinary: megabinary.wasm has 1 bytes"},
		"gone":    {os.Remove, "megabinary: open "},
		"a FIFO":  {func(p string) error { return errors.Join(os.Remove(p), unix.Mkfifo(p, 0o600)) }, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			b := makeBundle(t)
			must(t, tt.change(filepath.Join(b.dir, MegabinaryFile)))
			o, err := Open(b.dir, b.key)
			must(t, err)
			defer o.Close()
			for what, read := range map[string]func() error{
				"Modules": func() error { _, err := o.Modules(); return err },
				"Verify": func() error {
					return Verify(b.dir, b.key, func(Checked) {}, func(*Bundle) error { return nil })
				},
			} {
				if err := read(); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v, expected ...%s...", what, err, tt.want)
				}
			}
		})
	}
}

func TestContent(t *testing.T) {
	b := makeBundle(t)
	o, err := Open(b.dir, b.key)
	must(t, err)
	defer o.Close()
	n, _ := o.Root.Lookup("/etc/rc")
	read := func() (string, error) {
		f, err := o.Content(n)
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		return string(data), err
	}
	if text, err := read(); text != script || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	host := filepath.Join(b.dir, RootDir, "etc/rc")
	b.write(t, RootDir+"/etc/rc", []byte("#!/bin/sx\n")) // changed after it was verified
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "root file system: /etc/rc has SHA-256") {
		t.Errorf("changed: %v", err)
	}
	must(t, os.Remove(host))
	must(t, os.Symlink("/etc/hostname", host))
	if _, err := read(); !errors.Is(err, unix.ELOOP) {
		t.Errorf("symbolic link: %v", err)
	}
	must(t, os.Remove(host))
	must(t, unix.Mkfifo(host, 0o644))
	if _, err := read(); err == nil {
		t.Error("a FIFO was opened")
	}
}

func TestCheckPrograms(t *testing.T) {
	b := makeBundle(t)
	o, err := Open(b.dir, b.key)
	must(t, err)
	defer o.Close()
	good := layout.Program{Name: "m", Module: b.m.Megabinary.Modules[0].String()}
	must(t, o.CheckPrograms([]layout.Program{good}))
	if err := o.CheckPrograms([]layout.Program{good, good}); err == nil {
		t.Error("one program too many")
	}
	if err := o.CheckPrograms([]layout.Program{{Name: "m", Module: "00"}}); err == nil {
		t.Error("program of another module")
	}
}

func TestComponent(t *testing.T) {
	modules := []Module{{"a", []byte("aaa")}, {"b", []byte(strings.Repeat("b", 300))}}
	data := EncodeComponent(modules)
	got, err := ComponentModules(data)
	if err != nil || len(got) != 2 || string(got[0]) != "aaa" || len(got[1]) != 300 {
		t.Errorf("%q, %v", got, err)
	}
	for i := range 8 {
		if _, err := ComponentModules(data[:i]); err == nil {
			t.Errorf("truncated to %d: no error", i)
		}
	}
	if _, err := ComponentModules(append(data, 7, 0)); err == nil {
		t.Error("section of another kind: no error")
	}
}
