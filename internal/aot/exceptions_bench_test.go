package aot_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vkernel/internal/aot"
	"vkernel/internal/engine"
	"vkernel/internal/engine/layout"
)

// callHeavy is the same program with and without exceptions: where THROW stands there is a
// throw that is never reached, so that each call is checked.
const callHeavy = `(module
  (import "wali" "setjmp" (func $setjmp (param i32) (result i32)))
  TAG
  (memory 1)
  (type $t (func (param i32) (result i32)))
  (table funcref (elem $leaf $fib))
  (func $leaf (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const -1)) (then THROW))
    (i32.add (local.get 0) (i32.const 1)))
  (func $fib (export "fib") (param i32) (result i32)
    (if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
    (if (i32.eq (local.get 0) (i32.const -1)) (then THROW))
    (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))
  (func (export "indirect") (param $n i32) (result i32)
    (local $x i32)
    (loop $l
      (local.set $x (call_indirect (type $t) (local.get $x) (i32.and (local.get $n) (i32.const 0))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x))
  (func $protected (param i32) (result i32)
    (drop (call $setjmp (i32.const 1024)))
    (call_indirect (type $t) (local.get 0) (i32.const 0)))
  (func (export "records") (param $n i32) (result i32)
    (loop $l
      (drop (call $protected (local.get $n)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n))
  MORE)`

// throwHeavy are functions that need the tag.
const throwHeavy = `
  (func (export "try") (param $n i32) (result i32)
    (loop $l
      (drop (try (result i32) (do (call_indirect (type $t) (local.get $n) (i32.const 0))) (catch $e)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n))
  (func $deep (param $depth i32) (result i32)
    (if (i32.eqz (local.get $depth)) (then (throw $e (i32.const 1))))
    (i32.add (i32.const 1) (call $deep (i32.sub (local.get $depth) (i32.const 1)))))
  (func (export "throw") (param $n i32) (param $depth i32) (result i32)
    (loop $l
      (drop (try (result i32) (do (call $deep (local.get $depth))) (catch $e)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n))`

func benchHost(b *testing.B, exceptions bool) *engine.Instance {
	b.Helper()
	tag, throw, more := "", "(unreachable)", ""
	if exceptions {
		tag, throw, more = "(tag $e (param i32))", "(throw $e (i32.const 1))", throwHeavy
	}
	text := strings.NewReplacer("TAG", tag, "THROW", throw, "MORE", more).Replace(callHeavy)
	dir := b.TempDir()
	path := filepath.Join(dir, "m.wat")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	data, err := exec.Command("wat2wasm", "--enable-exceptions", path, "--output=-").Output()
	if err != nil {
		b.Skipf("wat2wasm: %v", err)
	}
	out := filepath.Join(dir, "x.aot")
	if _, err := aot.Build(context.Background(), []aot.Input{{Name: "m", Wasm: data}}, aot.Options{OutAOT: out}); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	code, err := engine.Load(f)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { code.Close() })
	i, e := code.Programs()[0].New()
	if e != 0 {
		b.Fatal(e)
	}
	b.Cleanup(func() { i.Free() })
	return i
}

// runLoop runs an export that loops n times over one operation.
func runLoop(b *testing.B, i *engine.Instance, name string, args ...uint64) {
	b.Helper()
	for _, e := range i.Program().Meta.Exports {
		if e.Name != name {
			continue
		}
		i.Start(e.Thunk, args...)
		for exit := i.Resume(0); exit != layout.ExitReturn; exit = i.Resume(0) {
			if exit != layout.ExitSetjmp || i.Setjmp(0) != 0 {
				b.Fatalf("%s: exit %d, %+v", name, exit, i.Trap())
			}
		}
		i.Return()
		return
	}
	b.Fatalf("no export %s", name)
}

// BenchmarkExceptions is what checks after calls cost: "fib" and "indirect" are one call,
// without and with checks; "try" is a call in a try; "record" what a try costs that makes a
// record as setjmp does; "throw" goes over so many frames and is caught.
func BenchmarkExceptions(b *testing.B) {
	const calls = 1_000_000
	for _, kind := range []struct {
		name       string
		exceptions bool
	}{{"without", false}, {"with", true}} {
		i := benchHost(b, kind.exceptions)
		b.Run("fib/"+kind.name, func(b *testing.B) {
			for b.Loop() {
				runLoop(b, i, "fib", 27) // 832,040 calls
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/832_040, "ns/call")
		})
		b.Run("indirect/"+kind.name, func(b *testing.B) {
			for b.Loop() {
				runLoop(b, i, "indirect", calls)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/calls, "ns/call")
		})
	}
	i := benchHost(b, true)
	for _, c := range []struct {
		name, export string
		n, depth     uint64
	}{
		{"try", "try", calls, 0},
		{"record", "records", calls / 10, 0},
		{"throw/1", "throw", calls, 1},
		{"throw/10", "throw", calls / 10, 10},
		{"throw/100", "throw", calls / 100, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				runLoop(b, i, c.export, c.n, c.depth)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.n), "ns/turn")
		})
	}
}
