package aot_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/engine/layout"
)

func inputs(t *testing.T, names ...string) []aot.Input {
	t.Helper()
	var list []aot.Input
	for _, n := range names {
		data, err := os.ReadFile(filepath.Join("testdata", n+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, aot.Input{Name: n, Wasm: data})
	}
	return list
}

// TestReproducible builds the same programs in different places, with and without a cache,
// with one compiler and with several, and compares the bytes.
func TestReproducible(t *testing.T) {
	cache := t.TempDir()
	var first []byte
	for i, opts := range []aot.Options{{Jobs: 1}, {CacheDir: cache}, {CacheDir: cache, Jobs: 5}} {
		opts.OutAOT = filepath.Join(t.TempDir(), strings.Repeat("x", i+1), "out.aot")
		if _, err := aot.Build(context.Background(), inputs(t, "exits", "bulk", "mapped"), opts); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(opts.OutAOT)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if !bytes.Equal(first, data) {
			t.Errorf("build %d gave other bytes", i)
		}
	}
}

// TestCache checks that objects are of use in another megabinary, and that damage to the
// cache is noticed.
func TestCache(t *testing.T) {
	opts := aot.Options{OutAOT: filepath.Join(t.TempDir(), "out.aot"), CacheDir: t.TempDir()}
	files := func() map[string]time.Time {
		list := map[string]time.Time{}
		filepath.WalkDir(opts.CacheDir, func(path string, d os.DirEntry, err error) error {
			if !d.IsDir() {
				info, _ := d.Info()
				list[path] = info.ModTime()
			}
			return err
		})
		return list
	}
	build := func(names ...string) {
		t.Helper()
		if _, err := aot.Build(context.Background(), inputs(t, names...), opts); err != nil {
			t.Fatal(err)
		}
	}
	build("bulk")
	before := files()
	build("exits", "bulk")
	after := files()
	if len(before) != 3 || len(after) != 4 {
		t.Errorf("%d objects, then %d; expected 3 and 4", len(before), len(after))
	}
	for path, when := range before {
		if !after[path].Equal(when) {
			t.Errorf("%s was compiled again", path)
		}
		if err := os.WriteFile(path, []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build("bulk")
}

// TestMeta checks the file against its description.
func TestMeta(t *testing.T) {
	in := inputs(t, "exits", "bulk")
	in = append(in, aot.Input{Name: "twin of\nbulk", Wasm: in[1].Wasm})
	out := filepath.Join(t.TempDir(), "out.aot")
	var progress []string
	meta, err := aot.Build(context.Background(), in, aot.Options{OutAOT: out, Progress: func(done, total int, name string, _ time.Duration) {
		progress = append(progress, name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(progress) != 2 {
		t.Errorf("progress: %v", progress)
	}
	f, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, _ := json.Marshal(meta)
	if stored, err := f.Section(layout.MetaSection).Data(); err != nil || !bytes.Equal(stored, text) {
		t.Errorf("section %s is not the metadata that Build returned (%v)", layout.MetaSection, err)
	}
	a, b := meta.Programs[1], meta.Programs[2]
	if a.Exports[0] != b.Exports[0] || a.AreaFile != b.AreaFile || b.Name != "twin of\nbulk" {
		t.Errorf("programs with one module do not share it: %+v %+v", a, b)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range symbols {
		names[s.Name] = true
	}
	for _, want := range []string{"exits:twice", "exits:export.deep", "exits:longjmp", "vk_enter"} {
		if !names[want] {
			t.Errorf("no symbol %s", want)
		}
	}
	p := meta.Programs[0]
	if p.StackPointer == 0 || p.MaxFrame == 0 || !p.Memory.Shared || p.Memory.Max != 2 || len(p.Tables) != 1 || p.Tables[0].Cap != 2 {
		t.Errorf("program is described as %+v", p)
	}
}

// script makes a compiler that does what a shell script says.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clang")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n[ \"$1\" = --version ] && exit\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestErrors checks that failures name what is wrong and leave the output as it was.
func TestErrors(t *testing.T) {
	const limits = "(limits: "
	good := inputs(t, "bulk")
	dir := t.TempDir()
	old := filepath.Join(dir, "out.aot")
	if err := os.WriteFile(old, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   []aot.Input
		opts aot.Options
		want string
	}{
		{"truncated", []aot.Input{{Name: "cut", Wasm: good[0].Wasm[:50]}}, aot.Options{}, "program cut: wasm: malformed"},
		{"no programs", nil, aot.Options{}, "no programs"},
		{"same names", append(good, good...), aot.Options{}, "not unique"},
		{"no compiler", good, aot.Options{Clang: "no-such-clang"}, "no-such-clang is not installed"},
		{"compiler fails", good, aot.Options{Clang: "false"}, "false"},
		{"many compilers", good, aot.Options{Clang: script(t, "ulimit -v; exit 1"), Jobs: 5000}, limits + "%d s of CPU, 2048 MiB)\n2097152"},
		{"refused import", inputs(t, "exits"), aot.Options{CheckImport: func(program string, im layout.Import) error {
			return errors.New("no such call")
		}}, `program exits: import "wali" "SYS_write" of type ilfd:l: no such call`},
	} {
		c.opts.OutAOT = old
		_, err := aot.Build(context.Background(), c.in, c.opts)
		want := c.want
		if strings.HasPrefix(want, limits) { // whichever compiler is first: of the runtime, or of the module
			seconds := 300
			if err != nil && strings.HasPrefix(err.Error(), "aot: runtime: ") {
				seconds = 1200
			}
			want = fmt.Sprintf(want, seconds)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, want)
		}
		if data, _ := os.ReadFile(old); string(data) != "old" {
			t.Errorf("%s: the output was touched", c.name)
		}
		if list, _ := os.ReadDir(dir); len(list) != 1 {
			t.Errorf("%s: files were left behind: %v", c.name, list)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := aot.Build(ctx, good, aot.Options{OutAOT: old}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
