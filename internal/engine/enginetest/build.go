// Package enginetest builds native code for tests of the engine and of what stands on it: a
// guest written by hand in the vocabulary of emitted C (testdata/guest.c), so that it can do
// what no WebAssembly program would.
package enginetest

import (
	"debug/elf"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vkernel/internal/engine/layout"
)

//go:embed testdata
var testdata embed.FS

var flags = []string{
	"-c", "-O2", "-march=x86-64-v2", "-fpie", "-fomit-frame-pointer", "-fwrapv", "-fno-strict-aliasing",
	"-fno-stack-protector", "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-Iruntime",
}

// File is the path of the built code. It holds two programs of the same text: "a", and "b" with
// an unmapped first page.
func File(t testing.TB) string {
	t.Helper()
	b, err := built()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "guest.aot")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// built is the code, made once per process.
var built = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "enginetest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	runtime, err := runtimeFiles()
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(dir, "runtime"), runtime); err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, testdata); err != nil {
		return nil, err
	}
	return build(dir)
})

// runtimeFiles are the fixed files of package emit, found from the folder where tests run. The
// package itself is the builder's, which nothing here may import.
func runtimeFiles() (fs.FS, error) {
	dir, err := os.Getwd()
	for err == nil {
		runtime := filepath.Join(dir, "internal", "emit", "runtime")
		if _, err := os.Stat(filepath.Join(runtime, "vk.h")); err == nil {
			return os.DirFS(runtime), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, fmt.Errorf("no folder above the working directory holds internal/emit/runtime")
		}
		dir = parent
	}
	return nil, err
}

func build(dir string) ([]byte, error) {
	var objects []string
	for _, src := range []string{"runtime/vk_stubs.S", "runtime/vk_bulk.c", "testdata/guest.c", "testdata/area.S"} {
		if err := command(dir, "clang-19", append(flags, src)...); err != nil {
			return nil, err
		}
		name := filepath.Base(src)
		objects = append(objects, strings.TrimSuffix(name, filepath.Ext(name))+".o")
	}
	link := []string{"-T", "testdata/link.ld", "-static", "-z", "noexecstack", "-e", "0", "-o", "linked"}
	if err := command(dir, "ld.lld-19", append(link, objects...)...); err != nil {
		return nil, err
	}
	meta, err := describe(filepath.Join(dir, "linked"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "meta.json"), meta, 0o600); err != nil {
		return nil, err
	}
	if err := command(dir, "llvm-objcopy-19", "--add-section", layout.MetaSection+"=meta.json", "linked", "out"); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "out"))
}

func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

// describe makes the metadata from the linked file's symbols.
func describe(linked string) ([]byte, error) {
	f, err := elf.Open(linked)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	at := map[string]uint64{}
	for _, s := range symbols {
		at[s.Name] = s.Value
	}
	code := func(name string) uint32 { return uint32(at[name] - at["vk_text"]) }
	p := layout.Program{
		Types:    []string{"i:l", "iii:l", "d:i", "i:"},
		Imports:  []layout.Import{{Module: "test", Name: "call", Type: "ll:l"}},
		AreaSize: 8192, AreaFile: f.Section(".vk.area").Offset,
		Memory:       layout.Memory{Min: 4, Max: 65536, ImageStart: 65536, ImageSize: 8192, ImageFile: f.Section(".vk.image").Offset},
		StackPointer: -4112,
		Tables:       []layout.Table{{Offset: -4096 - 96, SizeOffset: -4096 - 104, Cap: 8}},
		MaxFrame:     1 << 20,
	}
	for name := range at {
		if strings.HasPrefix(name, "x_") {
			p.Exports = append(p.Exports, layout.Export{Name: name, Type: ":", Thunk: code(name)})
		}
	}
	m := layout.Meta{Version: layout.Version, Enter: code("vk_enter")}
	a, b := p, p
	a.Name, b.Name = "a", "b"
	b.Memory.NullGuard = 4096
	m.Programs = []layout.Program{a, b}
	return json.Marshal(m)
}
