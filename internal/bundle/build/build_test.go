package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vkernel/internal/bundle"
	"vkernel/internal/engine/layout"
	"vkernel/internal/manifest"
	"vkernel/internal/signature"
	"vkernel/internal/trust"
	"vkernel/internal/wasm"
)

// Modules in the binary format.
const (
	wasmHeader = "\x00asm\x01\x00\x00\x00"
	typeVoid   = "\x01\x04\x01\x60\x00\x00"
	oneFunc    = "\x03\x02\x01\x00"
	startFunc  = "\x07\x0a\x01\x06_start\x00\x00"
	emptyBody  = "\x0a\x04\x01\x02\x00\x0b"
	minimal    = wasmHeader + typeVoid + oneFunc + startFunc + emptyBody
	library    = wasmHeader + typeVoid + oneFunc + emptyBody
	// minimal with the import env.f, of type ():
	importing = wasmHeader + typeVoid + "\x02\x09\x01\x03env\x01f\x00\x00" + oneFunc + "\x07\x0a\x01\x06_start\x00\x01" + emptyBody
)

// named is minimal with a custom section, so that it is another content.
func named(s string) string {
	return minimal + "\x00" + string(rune(len(s)+1)) + string(rune(len(s))) + s
}

type file struct {
	name, content string
	mode          os.FileMode
}

func makeRoot(t *testing.T, files ...file) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	for _, f := range files {
		p := filepath.Join(root, f.name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(f.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func options(root string) Options {
	return Options{
		Root: root, Out: filepath.Join(filepath.Dir(root), "out.vk"), Version: "test",
		Syscall: func(im layout.Import) string {
			name, _ := strings.CutPrefix(im.Name, "SYS_")
			return name
		},
		CheckImport: func(im layout.Import) (bool, error) {
			if im.Module != "wali" {
				return false, errors.New("import " + im.Module + "." + im.Name + ": unknown module")
			}
			return true, nil
		},
	}
}

func needClang(t *testing.T) {
	for _, tool := range Tools {
		if _, err := exec.LookPath(tool.Program); err != nil {
			t.Skip(err)
		}
	}
}

func TestBuild(t *testing.T) {
	needClang(t)
	root := makeRoot(t,
		file{"bin/a", minimal, 0o755}, file{"usr/bin/a", named("other"), 0o755 | os.ModeSetuid}, file{"bin/copy", minimal, 0o755},
		file{"etc/rc", "#! /bin/sh -e\nexit\n", 0o755}, file{"etc/data", "x", 0o600}, file{"lib/l.wasm", library, 0o755},
		file{"lib/not-executable.wasm", "\x00asm garbage", 0o644},
	)
	must(t, os.Symlink("a", filepath.Join(root, "bin/sh")))
	must(t, os.Link(filepath.Join(root, "bin/a"), filepath.Join(root, "bin/zlink")))
	must(t, os.Mkdir(filepath.Join(root, "tmp"), 0o700))
	must(t, os.Chmod(filepath.Join(root, "tmp"), 0o777|os.ModeSticky))
	o := options(root)
	var notices []string
	o.Notice = func(s string) { notices = append(notices, s) }
	r, err := Build(context.Background(), o)
	must(t, err)
	if r.Programs != 2 || r.Scripts != 1 {
		t.Errorf("%+v", r)
	}
	m := r.Manifest
	if m.Entries[0].ID != "a" || m.Entries[1].ID != "a-2" || m.Name != "out" || len(m.Megabinary.Modules) != 2 {
		t.Errorf("%+v", m)
	}
	if got := strings.Join(m.Executables[0].Paths, " "); got != "/bin/a /bin/copy /bin/zlink" {
		t.Errorf("paths %s", got)
	}
	if x := m.Executables[2]; x.Interpreter != "/bin/sh" {
		t.Errorf("script %+v", x)
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "exports no function _start") {
		t.Errorf("notices %q", notices)
	}
	checkCopy(t, o.Out)
	checkVerifies(t, o.Out)
	checkSame(t, o)
}

// TestBuildWarm: when a program may start warm stands in its module, and then in its entry.
func TestBuildWarm(t *testing.T) {
	needClang(t)
	section := func(s string) string {
		return "\x00" + string(rune(len(s)+1+len(manifest.WarmSection))) + string(rune(len(manifest.WarmSection))) + manifest.WarmSection + s
	}
	r, err := Build(context.Background(), options(makeRoot(t, file{"bin/sh", minimal, 0o755}, file{"bin/warm", minimal + section(`{"env":["A*"]}`), 0o755})))
	must(t, err)
	if e := r.Manifest.Entries; e[0].Warm != nil || e[1].Warm == nil || len(e[1].Warm.Env) != 1 {
		t.Errorf("%+v", e)
	}
	for text, want := range map[string]string{section(`{"x":1}`): "/bin/warm: section vkernel.warm: ", section("{}") + section("{}"): "/bin/warm: two sections vkernel.warm"} {
		_, err := Build(context.Background(), options(makeRoot(t, file{"bin/sh", minimal, 0o755}, file{"bin/warm", minimal + text, 0o755})))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected ...%s...", err, want)
		}
	}
}

// checkCopy looks at the list and the host's copies.
func checkCopy(t *testing.T, out string) {
	data, err := os.ReadFile(filepath.Join(out, manifest.RootFile))
	must(t, err)
	root, err := manifest.ParseRoot(data)
	must(t, err)
	if n, _ := root.Lookup("/tmp"); n.Mode != 0o1777 {
		t.Errorf("/tmp has mode %s", n.Mode)
	}
	if n, _ := root.Lookup("/usr/bin/a"); n.Mode != 0o4755 {
		t.Errorf("/usr/bin/a has mode %s", n.Mode)
	}
	if n, _ := root.Lookup("/bin/zlink"); n.Hardlink != "/bin/a" {
		t.Errorf("/bin/zlink: %+v", n)
	}
	st, err := os.Stat(filepath.Join(out, bundle.RootDir, "usr/bin/a"))
	must(t, err)
	if st.Mode() != 0o755 {
		t.Errorf("copy of a setuid program has mode %v", st.Mode())
	}
}

func checkVerifies(t *testing.T, out string) {
	key, err := signature.Generate(signature.ECDSAP256)
	must(t, err)
	data, err := bundle.ReadManifest(out)
	must(t, err)
	sig, err := key.Sign(data)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(out, manifest.SignatureFile), sig, 0o644))
	must(t, bundle.Verify(out, trust.Keys(1, key.Key), func(bundle.Checked) {}, func(*bundle.Bundle) error { return nil }))
}

// checkSame: a second build gives the same bytes, and replaces the first.
func checkSame(t *testing.T, o Options) {
	first := readAll(t, o.Out)
	_, err := Build(context.Background(), o)
	must(t, err)
	delete(first, manifest.SignatureFile)
	second := readAll(t, o.Out)
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s differs between two builds", name)
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d files, then %d", len(first), len(second))
	}
}

func readAll(t *testing.T, dir string) map[string][]byte {
	files := map[string][]byte{}
	must(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(p)
		files[strings.TrimPrefix(p, dir+"/")] = data
		return err
	}))
	return files
}

func TestBuildRefuses(t *testing.T) {
	sh := file{"bin/sh", minimal, 0o755}
	tests := []struct {
		name   string
		files  []file
		change func(root string) error
		want   string
	}{
		{"empty root", []file{{"etc/x", "x", 0o644}}, nil, "the root directory has no init: /bin/sh: no such file; it holds no executable at all"},
		{"no /bin/sh", []file{{"bin/a", minimal, 0o755}}, nil, "choose what to start with --cmd; there are /bin/a"},
		{"sh without x bit", []file{{"bin/sh", minimal, 0o644}}, nil, "it has no x bit"},
		{"sh is text", []file{{"bin/sh", "echo", 0o755}}, nil, "neither a WebAssembly program nor a #! script"},
		{"sh is ELF", []file{{"bin/sh", "\x7fELF", 0o755}}, nil, "neither a WebAssembly program nor a #! script"},
		{"truncated", []file{sh, {"bin/t", minimal[:len(minimal)-3], 0o755}}, nil, "/bin/t: "},
		{"corrupted", []file{sh, {"bin/c", wasmHeader + "\x01\xff\xff\xff\xff\x0f", 0o755}}, nil, "/bin/c: "},
		{"not even a version", []file{sh, {"bin/v", "\x00asm", 0o755}}, nil, "/bin/v: "},
		{"invalid", []file{sh, {"bin/i", wasmHeader + typeVoid + oneFunc + startFunc + "\x0a\x05\x01\x03\x00\x1a\x0b", 0o755}}, nil, "/bin/i: "},
		{"foreign memory", []file{sh, {"bin/m", wasmHeader + typeVoid + "\x02\x0a\x01\x03env\x01m\x02\x00\x01" + oneFunc + startFunc + emptyBody, 0o755}}, nil, `/bin/m: import of memory "env" "m"`},
		{"unknown import", []file{sh, {"bin/m", importing, 0o755}}, nil, "/bin/m: import env.f: unknown module"},
		{"_start of another type", []file{sh, {"bin/s", wasmHeader + "\x01\x05\x01\x60\x01\x7f\x00" + oneFunc + startFunc + emptyBody, 0o755}}, nil, "export _start has type i:"},
		{"fifo", []file{sh}, func(root string) error { return unix.Mkfifo(root+"/fifo", 0o644) }, "a bundle cannot hold"},
		{"name not UTF-8", []file{sh, {"bin/\xff", "x", 0o644}}, nil, "must be UTF-8"},
		{"link loop", nil, func(root string) error {
			return errors.Join(os.MkdirAll(root+"/bin", 0o755), os.Symlink("sh", root+"/bin/sh"))
		}, "too many levels of symbolic links"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := makeRoot(t, tt.files...)
			if tt.change != nil {
				must(t, tt.change(root))
			}
			_, err := Build(context.Background(), options(root))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, expected ...%s...", err, tt.want)
			}
			nothingLeft(t, root)
		})
	}
}

// TestHugeModule: a file that can be no module is refused before it is read into memory.
func TestHugeModule(t *testing.T) {
	b := &builder{byDigest: map[manifest.Digest]*program{}}
	n := &manifest.Node{Path: "/bin/huge", Size: wasm.MaxModule + 1, SHA256: new(manifest.Digest)}
	err := b.noteModule(n, func() ([]byte, error) { return nil, errors.New("it was read") })
	if err == nil || !strings.Contains(err.Error(), "at most 1073741824 are allowed") {
		t.Errorf("got %v", err)
	}
}

// nothingLeft: beside the root there is nothing.
func nothingLeft(t *testing.T, root string) {
	list, err := os.ReadDir(filepath.Dir(root))
	must(t, err)
	for _, e := range list {
		if e.Name() != filepath.Base(root) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestOutputRefuses(t *testing.T) {
	root := makeRoot(t, file{"bin/sh", minimal, 0o755})
	other := filepath.Join(t.TempDir(), "precious")
	must(t, os.Mkdir(other, 0o755))
	for name, change := range map[string]func(*Options){
		"in its own root":      func(o *Options) { o.Out = root + "/bundle" },
		"the root itself":      func(o *Options) { o.Out = root },
		"not a bundle":         func(o *Options) { o.Out = other },
		"no such directory":    func(o *Options) { o.Out = "/nonexistent/x" },
		"root does not exist":  func(o *Options) { o.Root = root + "x" },
		"root is not a folder": func(o *Options) { o.Root = root + "/bin/sh" },
	} {
		o := options(root)
		change(&o)
		if _, err := Build(context.Background(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

func TestBuildStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	root := makeRoot(t, file{"bin/sh", minimal, 0o755})
	if _, err := Build(ctx, options(root)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, root)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
