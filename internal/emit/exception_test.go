package emit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/wasm"
)

// compileText makes a module of a text, where wabt is installed.
func compileText(t *testing.T, text string) *wasm.Module {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.wat")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := exec.Command("wat2wasm", "--enable-all", path, "--output=-").Output()
	if err != nil {
		t.Skipf("wat2wasm: %v", err)
	}
	m, err := wasm.DecodeValidated(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTagLimits: what exceptions carry is bounded, and nobody else's can be caught.
func TestTagLimits(t *testing.T) {
	values := strings.Repeat(" i32", layout.MaxPayload)
	for _, c := range []struct{ text, want string }{
		{fmt.Sprintf("(module (tag (param%s)))", values), ""},
		{fmt.Sprintf("(module (tag (param%s i32)))", values), "tag 0: exceptions with 17 values, at most 16 are supported"},
		{`(module (import "env" "__cpp_exception" (tag (param i32))))`, `import "env" "__cpp_exception": imported tags are not supported`},
	} {
		_, err := Emit(compileText(t, c.text), Options{Prefix: "p0_"})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, expected %q", err, c.want)
		}
	}
}

// TestChecks: only calls of what may throw are checked, and a module in which nothing is
// thrown has no checks at all.
func TestChecks(t *testing.T) {
	const text = `(module %s
  (import "m" "host" (func $host))
  (type $v (func))
  (type $i (func (param i32)))
  (table funcref (elem $thrower $calm))
  (func $calm (param i32))
  (func $thrower %s)
  (func $far (call $near))
  (func $near (call $thrower))
  (func $tail (return_call $thrower))
  (func $none (call $host) (call $calm (i32.const 1)) (call_indirect (type $i) (i32.const 1) (i32.const 1)))
  (func $all (call $far) (call $tail) (call_indirect (type $v) (i32.const 0))))`
	count := func(m *wasm.Module) int {
		out, err := Emit(m, Options{Prefix: "p0_"})
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(out.Files[0].Text, []byte("IS_THROWN"))
	}
	if n := count(compileText(t, fmt.Sprintf(text, "(tag $e)", "(throw $e)"))); n != 5 {
		t.Errorf("%d checks, expected those of near, far and three of all", n)
	}
	if n := count(compileText(t, fmt.Sprintf(text, "(tag $e)", ""))); n != 0 {
		t.Errorf("%d checks where nothing throws", n)
	}
	if n := count(compileText(t, fmt.Sprintf(text, "", ""))); n != 0 {
		t.Errorf("%d checks without tags", n)
	}
}
