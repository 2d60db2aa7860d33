package emit

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/wasm"
)

var update = flag.Bool("update", false, "rewrite the expected C in testdata")

func decode(t testing.TB, path string) *wasm.Module {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

// functionText cuts the C of the function with an index out of a file.
func functionText(text []byte, i uint32) string {
	name := " fn" + string(appendIndex(nil, i)) + "("
	var b strings.Builder
	in := false
	for _, line := range strings.SplitAfter(string(text), "\n") {
		if !strings.HasPrefix(line, " ") && strings.Contains(line, name) && strings.HasSuffix(line, "{\n") {
			in = true
		}
		if in {
			b.WriteString(line)
		}
		in = in && line != "}\n"
	}
	return b.String()
}

func appendIndex(b []byte, i uint32) []byte {
	if i >= 10 {
		b = appendIndex(b, i/10)
	}
	return append(b, byte('0'+i%10))
}

const golden = ";; C of f:\n"

// TestGolden compares the C of the function exported as f with the comment at the end of
// each text module of testdata.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.wat")
	if len(files) == 0 {
		t.Fatal("no testdata")
	}
	for _, path := range files {
		m := decode(t, strings.TrimSuffix(path, ".wat")+".wasm")
		out, err := Emit(m, Options{Prefix: "p0_"})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		f, _ := m.ExportOf("f", wasm.KindFunc)
		got := ""
		for _, line := range strings.SplitAfter(functionText(out.Files[0].Text, f), "\n") {
			if line != "" {
				got += ";; " + line
			}
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wat, want, _ := strings.Cut(string(source), golden)
		if *update {
			if err := os.WriteFile(path, []byte(wat+golden+got), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != want {
			t.Errorf("%s: got\n%swant\n%s", path, got, want)
		}
	}
}

// TestBinaries holds that each binary module of testdata is what its text says, where wabt
// is installed.
func TestBinaries(t *testing.T) {
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm is not installed")
	}
	files, _ := filepath.Glob("testdata/*.wat")
	more, _ := filepath.Glob("../aot/testdata/*.wat")
	version, _ := exec.Command(wat2wasm, "--version").Output()
	for _, path := range append(files, more...) {
		if source, _ := os.ReadFile(path); bytes.Contains(source, []byte("exnref")) && string(version) < "1.0.36" {
			t.Logf("%s: %s does not know exnref", path, bytes.TrimSpace(version))
			continue
		}
		want, err := exec.Command(wat2wasm, "--enable-all", "--debug-names", path, "--output=-").Output()
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		got, err := os.ReadFile(strings.TrimSuffix(path, ".wat") + ".wasm")
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: its .wasm is not what wat2wasm --enable-all --debug-names makes of it (%v)", path, err)
		}
	}
}

// TestDeterministic emits twice.
func TestDeterministic(t *testing.T) {
	for range 3 {
		a, errA := Emit(decode(t, "testdata/calls.wasm"), Options{Prefix: "p0_", FileBytes: 1})
		b, errB := Emit(decode(t, "testdata/calls.wasm"), Options{Prefix: "p0_", FileBytes: 1})
		if errA != nil || errB != nil || len(a.Files) != 2 || len(b.Files) != 2 {
			t.Fatalf("%v %v, files %v", errA, errB, a)
		}
		for i := range a.Files {
			if !bytes.Equal(a.Files[i].Text, b.Files[i].Text) {
				t.Fatalf("file %d differs", i)
			}
		}
	}
}

// TestPrefix holds that nothing but a prefix of the right form reaches C.
func TestPrefix(t *testing.T) {
	for _, prefix := range []string{"", "p", "x0_", "p0", "p\"_", "p0;_", "pG_"} {
		if _, err := Emit(decode(t, "testdata/calls.wasm"), Options{Prefix: prefix}); err == nil {
			t.Errorf("prefix %q was accepted", prefix)
		}
	}
}
