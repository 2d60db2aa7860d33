package aot

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnNames: numbers of functions and the module's prefix are not in what is compiled, and all else is.
func TestOwnNames(t *testing.T) {
	text := "#define VK_NAME(n) __asm__(\"p12ab_\" #n)\nu32 fn71(u32 l0) VK_NAME(f71);\nvoid fn9(void) VK_NAME(f9);\nvoid start(void) VK_NAME(start);\nvoid x0(void) VK_NAME(x0);\n" +
		"void fn9(void) { fn71(0x1p3f + 7u + t71); goto L71; xfn7; fn; }"
	want := "#define VK_NAME(n) __asm__(\"vk_own_\" #n)\nu32 fn0(u32 l0) VK_NAME(f0);\nvoid fn1(void) VK_NAME(f1);\nvoid start(void) VK_NAME(start);\nvoid x0(void) VK_NAME(x0);\n" +
		"void fn1(void) { fn0(0x1p3f + 7u + t71); goto L71; xfn7; fn; }"
	own, symbols := ownNames([]byte(text), "p12ab_")
	if string(own) != want {
		t.Errorf("got\n%s\nwant\n%s", own, want)
	}
	for mine, is := range map[string]string{"vk_own_f0": "p12ab_f71", "vk_own_f1": "p12ab_f9", "vk_own_start": "p12ab_start", "vk_own_x0": "p12ab_x0"} {
		if symbols[mine] != is {
			t.Errorf("%s is %q, want %q", mine, symbols[mine], is)
		}
	}
	if len(symbols) != 4 {
		t.Errorf("%d symbols", len(symbols))
	}
}

// TestCacheOfVersions: of a program that has another version, only the C that differs is compiled, wherever the functions are, and
// the result is what it is without a cache.
func TestCacheOfVersions(t *testing.T) {
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is not installed")
	}
	dir, cache := t.TempDir(), t.TempDir()
	// functions of about a kilobyte in several files. One version has functions before them and one that differs.
	version := func(name, before, last string) Input {
		var s strings.Builder
		s.WriteString("(module (memory 1)" + before)
		for i := range 60 {
			s.WriteString("(func $f" + strings.Repeat("y", i) + " (export \"e" + strings.Repeat("z", i) + "\") (result i32)")
			for range 30 + i*i%47 {
				s.WriteString("(i32.store (i32.const 700) (i32.add (i32.load (i32.const 800)) (i32.load (i32.const 900))))")
			}
			s.WriteString("(i32.const 700))")
		}
		s.WriteString("(func $last (export \"last\") (result i32) " + last + "))")
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".wat", []byte(s.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(wat2wasm, path+".wat", "-o", path).CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return Input{Name: "versions", Wasm: data}
	}
	objects := func() (n int) {
		filepath.WalkDir(cache, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return nil
		})
		return n
	}
	build := func(in Input, cache string) []byte {
		out := filepath.Join(t.TempDir(), "out.aot")
		if _, err := Build(context.Background(), []Input{in}, Options{OutAOT: out, CacheDir: cache, fileBytes: 4 << 10}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	build(version("first", "", "(i32.const 1)"), cache)
	first := objects()
	next := version("next", "(func $new (result i32) (i32.const 5))(func $new2 (result i32) (call $new))", "(i32.const 2)")
	cached := build(next, cache)
	// the file of stubs and thunks, which names all exports, and the last
	if more := objects() - first; first < 6 || more > 2 {
		t.Errorf("%d objects, then %d more", first, more)
	}
	if !bytes.Equal(cached, build(next, "")) {
		t.Error("with the objects of another version the result is another")
	}
}
