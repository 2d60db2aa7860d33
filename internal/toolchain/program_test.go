package toolchain

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vkernel/internal/wasm"
)

// The tests below compile real programs; the first run builds the C library.

func driver(t *testing.T) (*Driver, *bytes.Buffer) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles programs")
	}
	if _, err := exec.LookPath(clang); err != nil {
		t.Skip(missing(clang))
	}
	tc, err := New(os.DirFS("../../guest"))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	return &Driver{Toolchain: tc, Stdin: strings.NewReader(""), Stdout: &said, Stderr: &said}, &said
}

// build compiles and links and gives the module.
func buildProgram(t *testing.T, args ...string) *wasm.Module {
	t.Helper()
	d, said := driver(t)
	out := filepath.Join(t.TempDir(), "a.wasm")
	if status := d.Main(t.Context(), append(args, "-o", out)); status != 0 {
		t.Fatalf("vkcc %s: status %d\n%s", strings.Join(args, " "), status, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// imports lists a module's imports, "wali" understood, but for vkernel's own.
func imports(t *testing.T, m *wasm.Module) []string {
	t.Helper()
	var names []string
	for _, im := range m.Imports {
		if im.Module == "vkernel" && im.Name == "ready" {
			continue
		}
		if im.Module != "wali" || im.Kind != wasm.KindFunc {
			t.Errorf("import %s.%s, kind %d: not a function of wali", im.Module, im.Name, im.Kind)
		}
		names = append(names, strings.TrimPrefix(im.Name, "SYS_"))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestImports(t *testing.T) {
	const stdio = "__cl_copy_argv __cl_get_argc __cl_get_argv_len close exit exit_group futex ioctl lseek set_tid_address writev"
	for _, c := range []struct{ file, want string }{
		{"../../guest/recipes/true/true.c", "exit exit_group set_tid_address"},
		{"../../guest/recipes/hello/hello.c", stdio},
		{"testdata/raw.c", "exit exit_group gettid lseek openat set_tid_address"},
		{"testdata/jump.c", "exit exit_group longjmp set_tid_address setjmp sigsetjmp vfork"},
		{"testdata/layout.c", "exit exit_group set_tid_address"},
		{"testdata/tls.c", "exit exit_group set_tid_address"},
	} {
		for _, level := range []string{"-O0", "-O2"} {
			if got := strings.Join(imports(t, buildProgram(t, level, c.file)), " "); got != c.want {
				t.Errorf("%s %s imports\n     %s\nwant %s", c.file, level, got, c.want)
			}
		}
	}
}

func TestProgramShape(t *testing.T) {
	m := buildProgram(t, "../../guest/recipes/true/true.c")
	for name, kind := range map[string]wasm.ExternKind{"_start": wasm.KindFunc, "memory": wasm.KindMemory, "__stack_pointer": wasm.KindGlobal} {
		if _, ok := m.ExportOf(name, kind); !ok {
			t.Errorf("no export %s", name)
		}
	}
	i := slices.IndexFunc(m.Customs, func(c wasm.Custom) bool { return c.Name == "vkernel.abi" })
	if i < 0 || string(m.Customs[i].Data) != "version=1\nnull_guard=4096\n" {
		t.Errorf("custom section vkernel.abi: %d of %v", i, m.Customs)
	}
	if mem, ok := m.MemoryType(); !ok || mem.Shared {
		t.Errorf("memory %+v", mem)
	}
}

func TestThreadsShareMemory(t *testing.T) {
	m := buildProgram(t, "-O2", "-pthread", "testdata/thread.c")
	if mem, ok := m.MemoryType(); !ok || !mem.Shared {
		t.Errorf("memory %+v is not shared", mem)
	}
	if names := imports(t, m); !slices.Contains(names, "__wasm_thread_spawn") {
		t.Errorf("imports %v", names)
	}
}

// TestWholeLibrary links all of libc: nothing may be undefined but the kernel's imports.
func TestWholeLibrary(t *testing.T) {
	d, _ := driver(t)
	sysroot, err := d.Toolchain.Sysroot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	all, main := filepath.Join(dir, "liball.a"), filepath.Join(dir, "main.c")
	if err := copyFile(filepath.Join(sysroot, "lib/libc.a"), all, 0o644); err != nil {
		t.Fatal(err)
	}
	// With threads in the program the linker has a __tls_base of its own.
	if _, err := run(t.Context(), dir, llvmTool("ar"), "d", all, "__tls_base.o"); err != nil {
		t.Fatal(err)
	}
	write(t, main, "int main(int c, char **v, char **e) { return 0; }\n") // the form that libc has no name for
	m := buildProgram(t, main, "-nodefaultlibs", "-Wl,--no-gc-sections", "-Wl,--whole-archive", all, "-Wl,--no-whole-archive",
		filepath.Join(sysroot, "lib/libclang_rt.builtins.a"))
	if n := len(imports(t, m)); n < 200 {
		t.Errorf("only %d imports", n)
	}
}

func TestMainForms(t *testing.T) {
	dir := t.TempDir()
	for i, text := range []string{"int main(void)", "int main()", "int main(int c, char **v)", "int main(int c, char **v, char **e)"} {
		path := filepath.Join(dir, fmt.Sprintf("%d.c", i))
		write(t, path, text+" { return 0; }\n")
		buildProgram(t, "-Werror", path)
	}
}

func TestDeterministic(t *testing.T) {
	d, said := driver(t)
	var outputs [2][]byte
	for i := range outputs {
		out := filepath.Join(t.TempDir(), "a.wasm")
		if status := d.Main(t.Context(), []string{"-O2", "-g", "../../guest/recipes/hello/hello.c", "-o", out}); status != 0 {
			t.Fatalf("status %d\n%s", status, said)
		}
		outputs[i], _ = os.ReadFile(out)
	}
	if !bytes.Equal(outputs[0], outputs[1]) {
		t.Error("two builds differ")
	}
}

func TestDriverSpeaks(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"-dumpmachine", 0, Triple + "\n"},
		{"--version", 0, "vkcc " + Triple},
		{"--help", 0, "CC=vkcc ./configure"},
		{"-print-file-name=libc.a", 0, "/lib/libc.a\n"},
		{"-print-file-name=none.a", 0, "none.a\n"},
		{"-print-prog-name=ar", 0, Triple + "-ar\n"},
		{"-shared x.o", 1, "vkcc: error: -shared:"},
		{"", 1, "no input files"},
		{"-c testdata/none.c", 1, "no such file"},
	} {
		d, said := driver(t)
		if status := d.Main(t.Context(), strings.Fields(c.args)); status != c.status || !strings.Contains(said.String(), c.want) {
			t.Errorf("vkcc %s: status %d, %q; want %d, %q", c.args, status, said, c.status, c.want)
		}
	}
}

// TestRecipesParse reads all recipes of the repository.
func TestRecipesParse(t *testing.T) {
	tc := &Toolchain{Guest: os.DirFS("../../guest")}
	names, err := tc.RecipeNames()
	if err != nil || len(names) < 5 {
		t.Fatalf("recipes %v, %v", names, err)
	}
	for _, name := range names {
		if _, err := tc.Recipe(name); err != nil {
			t.Error(err)
		}
	}
}
