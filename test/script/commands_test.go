package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// usage ends a transcript whose command is malformed.
func usage(ts *testscript.TestScript, neg bool, args []string, want int, text string) {
	if neg || len(args) < want {
		ts.Fatalf("usage: %s", text)
	}
}

// wat compiles WebAssembly text.
func wat(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "wat FILE.wat FILE")
	compile(ts, ts.MkAbs(args[0]), ts.MkAbs(args[1]))
}

func compile(ts *testscript.TestScript, from, to string) {
	ts.Check(os.MkdirAll(filepath.Dir(to), 0o755))
	if out, err := exec.Command("wat2wasm", "--enable-all", "-o", to, from).CombinedOutput(); err != nil {
		ts.Fatalf("wat2wasm (Debian package wabt): %v\n%s", err, out)
	}
	ts.Check(os.Chmod(to, 0o755))
}

// exitZero is a program that ends at once.
const exitZero = `(module
  (import "wali" "SYS_exit_group" (func $exit (param i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $exit (i32.const 0)))))`

// root makes a root directory.
func root(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "root DIR")
	text := filepath.Join(ts.MkAbs("."), "exit-zero.wat")
	ts.Check(os.WriteFile(text, []byte(exitZero), 0o644))
	compile(ts, text, filepath.Join(ts.MkAbs(args[0]), "bin", "sh"))
	ts.Check(os.Remove(text))
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "truncate FILE N")
	st, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), st.Size()-number(ts, args[1])))
}

// flip changes one byte.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "flip FILE N")
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	i := number(ts, args[1])
	if i < 0 {
		i += int64(len(data))
	}
	data[i] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

func number(ts *testscript.TestScript, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	ts.Check(err)
	return n
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, "mode FILE MODE")
	st, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(st.Mode().Perm()), 8); got != args[1] {
		ts.Fatalf("%s has mode %s, expected %s", args[0], got, args[1])
	}
}

// clean looks for what was left behind.
func clean(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, "clean DIR NAME...")
	list, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	want := slices.Clone(args[1:])
	slices.Sort(want)
	if !slices.Equal(names, want) {
		ts.Fatalf("%s holds %s, expected %s", args[0], strings.Join(names, " "), strings.Join(want, " "))
	}
}
