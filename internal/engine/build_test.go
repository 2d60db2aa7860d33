package engine

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"vkernel/internal/engine/layout"
)

// guestFile builds testdata/guest.c into a native code file, once.
var guestFile = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "vk-engine-test")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "guest.aot"), buildGuest(dir, 2)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if f, err := guestFile(); err == nil {
		os.RemoveAll(filepath.Dir(f))
	}
	os.Exit(code)
}

func run1(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return &exec.Error{Name: strings.Join(cmd.Args, " ") + ": " + string(out), Err: err}
	}
	return nil
}

// buildGuest compiles, links and describes a file with n programs of the same code.
func buildGuest(dir string, programs int) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	data, runtime := filepath.Join(here, "testdata"), filepath.Join(here, "../emit/runtime")
	flags := []string{"-O2", "-march=x86-64-v2", "-fomit-frame-pointer", "-fwrapv", "-fno-strict-aliasing", "-fno-stack-protector",
		"-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-fpie", "-I" + runtime, "-c"}
	for _, src := range []string{runtime + "/vk_stubs.S", runtime + "/vk_bulk.c", data + "/guest.c", data + "/area.S"} {
		if err := run1(dir, "clang-19", append(flags, src)...); err != nil {
			return err
		}
	}
	if err := run1(dir, "ld.lld-19", "-T", data+"/link.ld", "-static", "-z", "noexecstack",
		"-e", "0", "-o", "linked", "vk_stubs.o", "vk_bulk.o", "guest.o", "area.o"); err != nil {
		return err
	}
	meta, err := describe(filepath.Join(dir, "linked"), programs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "meta.json"), meta, 0o644); err != nil {
		return err
	}
	return run1(dir, "llvm-objcopy-19", "--add-section", layout.MetaSection+"=meta.json", "linked", "guest.aot")
}

// describe makes the metadata from the linked file's symbols.
func describe(linked string, programs int) ([]byte, error) {
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
	for i := range programs {
		p.Name = string(rune('a' + i))
		m.Programs = append(m.Programs, p)
	}
	return json.Marshal(m)
}

// loadGuest loads the test guest.
func loadGuest(t testing.TB) *Code {
	t.Helper()
	path, err := guestFile()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// start makes an instance of the first program, or takes the one given, and starts an export.
func start(t testing.TB, i *Instance, export string, args ...uint64) {
	t.Helper()
	for _, ex := range i.Program().Meta.Exports {
		if ex.Name == export {
			i.Start(ex.Thunk, args...)
			return
		}
	}
	t.Fatalf("no export %s", export)
}

func newGuest(t testing.TB, c *Code) *Instance {
	t.Helper()
	debug.SetPanicOnFault(true) // as every goroutine that touches guest memory
	i, e := c.Programs()[0].New()
	if e != 0 {
		t.Fatal(e)
	}
	return i
}
