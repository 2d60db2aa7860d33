package toolchain

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func parse(t *testing.T, line string) *invocation {
	t.Helper()
	inv, err := parseArgs(strings.Fields(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return inv
}

func TestStage(t *testing.T) {
	for line, want := range map[string]stage{
		"a.c":                  link,
		"a.o -o a":             link,
		"-c a.c":               compile,
		"-S a.c":               assembly,
		"-E a.c":               preprocess,
		"-E -c a.c":            preprocess,
		"-MM a.c":              preprocess,
		"-MD -c a.c":           compile,
		"-fsyntax-only a.c":    syntaxOnly,
		"--version":            printVersion,
		"--help":               printHelp,
		"-dumpmachine":         printQuery,
		"-print-prog-name=ar":  printQuery,
		"--print-sysroot":      printQuery,
		"-dumpbase x.c -c a.c": compile,
	} {
		if got := parse(t, line).stage; got != want {
			t.Errorf("%s: stage %d, want %d", line, got, want)
		}
	}
}

func TestCompilerFlags(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"-c -O2 -Wall -I inc -Iinc2 -DX=1 -D Y a.c", "-O2 -Wall -I inc -Iinc2 -DX=1 -D Y"},
		{"-c -MD -MF dep -MT a.o -MP a.c", "-MD -MF dep -MT a.o -MP"},
		{"-c -fPIC -fpie -march=native -m64 -fstack-protector-strong -pipe -static a.c", ""},
		{"-c -include config.h -isystem s a.c", "-include config.h -isystem s"},
		{"-c -pthread a.c", "-D_REENTRANT=1"},
		{"-c -std=gnu99 -Xclang -x a.c", "-std=gnu99 -Xclang -x"},
		{"-c -fno-strict-aliasing -g3 -Werror=return-type a.c", "-fno-strict-aliasing -g3 -Werror=return-type"},
	} {
		if got := strings.Join(parse(t, c.line).flags, " "); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.line, got, c.want)
		}
	}
}

func TestLinkerInputs(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"a.o -lm -L lib -Llib2 -l c b.a", "a.o -lm -Llib -Llib2 -lc b.a"},
		{"a.o -Wl,--start-group x.a y.a -Wl,--end-group", "a.o x.a y.a"},
		{"a.o -Wl,--gc-sections,-Map,out.map,--warn-common", "a.o --gc-sections"},
		{"a.o -Wl,-z,relro,-z,now -Wl,--hash-style=gnu,-rpath,/lib", "a.o"},
		{"-Wl,--whole-archive x.a -Wl,--no-whole-archive", "--whole-archive x.a --no-whole-archive"},
		{"a.o -Xlinker -Map -Xlinker m -Xlinker --undefined -Xlinker f", "a.o --undefined=f"},
		{"a.o -Wl,-undefined,f -u g -Wl,-soname,x", "a.o --undefined=f --undefined=g"},
		{"a.o -Wl,--export=f,--wrap=malloc -Wl,-O1", "a.o --export=f --wrap=malloc -O1"},
		{"a.o -rdynamic -pie -static-libgcc -Wl,-Bstatic,--as-needed", "a.o"},
		{"a.o -Wl,lib/x.a", "a.o lib/x.a"},
		{"a.o -T script.ld -z noexecstack", "a.o"},
	} {
		if got := strings.Join(parse(t, c.line).inputs, " "); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.line, got, c.want)
		}
	}
}

func TestSources(t *testing.T) {
	inv := parse(t, "-x c data -x none a.c b.o - -xc++ d")
	want := []source{{"data", "c"}, {"a.c", ""}, {"-", ""}, {"d", "c++"}}
	if !reflect.DeepEqual(inv.sources, want) {
		t.Errorf("sources %v, want %v", inv.sources, want)
	}
	if got := sourceArgs(inv.sources); !slices.Equal(got, strings.Fields("-x c data -x none a.c - -x c++ d")) {
		t.Errorf("source arguments %q", got)
	}
	if inv := parse(t, "a.c -Wl,-zstack-size=65536 -s -r -nostdinc -nostdlib -v"); inv.stack != "65536" ||
		!inv.strip || !inv.partial || !inv.noInc || !inv.noLibs || !inv.noStart || !inv.verbose {
		t.Errorf("flags not seen: %+v", inv)
	}
	if inv := parse(t, "-oout a.c"); inv.output != "out" {
		t.Errorf("output %q", inv.output)
	}
}

func TestArgumentErrors(t *testing.T) {
	for line, want := range map[string]string{
		"-shared a.o -o a.so": "cannot load libraries at run time",
		"-c a.c b.c -o x.o":   "several files",
		"a.c -o":              `argument to "-o" is missing`,
		"a.c -I":              `argument to "-I" is missing`,
		"a.o -Xlinker":        `argument to "-Xlinker" is missing`,
		"a.o -l":              `argument to "-l" is missing`,
	} {
		_, err := parseArgs(strings.Fields(line))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", line, err, want)
		}
	}
}

func TestResponseFile(t *testing.T) {
	dir := t.TempDir()
	inner, outer := filepath.Join(dir, "inner"), filepath.Join(dir, "outer")
	write(t, inner, `b.o "-DX=a b" 'c d.o' e\ f.o`)
	write(t, outer, "-c @"+inner+"\n-O2")
	got, err := expandResponseFiles([]string{"a.o", "@" + outer, "@" + filepath.Join(dir, "none")}, 0)
	want := []string{"a.o", "-c", "b.o", "-DX=a b", "c d.o", "e f.o", "-O2", "@" + filepath.Join(dir, "none")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	write(t, inner, "@"+inner)
	if _, err := expandResponseFiles([]string{"@" + inner}, 0); err == nil {
		t.Error("a response file that names itself is accepted")
	}
}

func TestLinkArgs(t *testing.T) {
	got := strings.Join(linkArgs(parse(t, "a.o -lm -o a.wasm -s"), "/s", []string{"a.o", "-lm"}), " ")
	for _, want := range []string{
		"-o a.wasm", "stack-size=" + defaultStack, "--stack-first", "--export-if-defined=__stack_pointer",
		"--strip-debug", "/s/lib/crt1.o a.o -lm -L/s/lib -lc /s/lib/libclang_rt.builtins.a",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s: no %q", got, want)
		}
	}
	if got := strings.Join(linkArgs(parse(t, "-r a.o -o b.o"), "/s", []string{"a.o"}), " "); got != "-m wasm32 -o b.o -r a.o" {
		t.Errorf("partial link: %s", got)
	}
	if got := strings.Join(linkArgs(parse(t, "a.o -nostdlib"), "/s", []string{"a.o"}), " "); strings.Contains(got, "-lc") || strings.Contains(got, "crt1") {
		t.Errorf("-nostdlib: %s", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
