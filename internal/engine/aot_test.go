package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"vkernel/internal/aot"
	"vkernel/internal/engine/layout"
)

// program is what only translated code shows: a data segment, a table with a handler, setjmp
// by import, a system call with a 64-bit result, memory.grow.
const program = `(module
  (import "wali" "SYS_getpid" (func $getpid (result i64)))
  (import "wali" "setjmp" (func $setjmp (param i32) (result i32)))
  (import "wali" "longjmp" (func $longjmp (param i32 i32)))
  (memory (export "memory") 2)
  (global $__stack_pointer (export "__stack_pointer") (mut i32) (i32.const 65536))
  (table 4 funcref) (elem (i32.const 1) $handler)
  (data (i32.const 70000) "image")
  (func $handler (param i32) (i32.store (i32.const 16) (i32.add (local.get 0) (i32.load (i32.const 16)))) (drop (call $getpid)))
  (func $jumps (param $n i32) (result i32) (local $r i32)
    (local.set $r (call $setjmp (i32.const 1024)))
    (if (i32.lt_u (local.get $r) (local.get $n)) (then (call $longjmp (i32.const 1024) (i32.add (local.get $r) (i32.const 1)))))
    (local.get $r))
  (func (export "_start")
    (i32.store (i32.const 0) (i32.load8_u (i32.const 70000)))
    (i64.store (i32.const 8) (call $getpid))
    (i32.store (i32.const 4) (call $jumps (i32.const 5)))
    (i32.store (i32.const 20) (memory.grow (i32.const 3))))
  (func (export "spin") (loop (br_if 0 (i32.eqz (i32.load (i32.const 24))))))
)`

func buildWat(t testing.TB, wat string) *Code {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.wat"), []byte(wat), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("wat2wasm", "--enable-threads", "--debug-names", "p.wat")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wasm, err := os.ReadFile(filepath.Join(dir, "p.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return buildWasm(t, wasm)
}

// buildWasm compiles and loads a module.
func buildWasm(t testing.TB, wasm []byte) *Code {
	t.Helper()
	out := filepath.Join(t.TempDir(), "p.aot")
	if _, err := aot.Build(t.Context(), []aot.Input{{Name: "p", Wasm: wasm}}, aot.Options{OutAOT: out}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestTranslated runs a program that package aot made.
func TestTranslated(t *testing.T) {
	c := buildWat(t, program)
	i := newGuest(t, c)
	defer i.Free()
	start(t, i, "_start")
	want(t, "getpid", i.Resume(0), layout.ExitSyscall)
	if im := i.p.Meta.Imports[i.Import()]; im.Name != "SYS_getpid" {
		t.Fatalf("import %+v", im)
	}
	if e := i.Call(1, 40, 0, 0); e != 0 {
		t.Fatal(e)
	}
	want(t, "handler", i.Resume(0), layout.ExitSyscall)
	child := fork(t, i)
	defer child.Free()
	for k, p := range []*Instance{i, child} {
		want(t, "handler's end", p.Resume(0), layout.ExitReturn)
		p.Return()
		pid := uint64(1)<<40 + uint64(k)
		result := pid
		for {
			x := p.Resume(result)
			if x == layout.ExitSetjmp {
				if e := p.Setjmp(0); e != 0 {
					t.Fatal(e)
				}
				result = 0
			} else if x == layout.ExitLongjmp {
				result = p.Arg(1)
				if _, ok := p.Longjmp(); !ok {
					t.Fatal("a live record was refused")
				}
			} else if x == layout.ExitGrow {
				if p.Arg(0) != 3 {
					t.Errorf("grow by %d", p.Arg(0))
				}
				result = 2
			} else {
				want(t, "_start", x, layout.ExitReturn)
				break
			}
		}
		m := bytesAt(p.base, 32)
		if got := *(*uint64)(pointer(address(m[8:]))); got != pid || m[0] != 'i' || m[4] != 5 || m[16] != 40 || m[20] != 2 {
			t.Errorf("memory %v, pid %#x", m, got)
		}
		start(t, p, "spin")
		p.Kick()
		want(t, "kicked", p.Resume(0), layout.ExitPreempt)
		go p.Kick()
		want(t, "spinning", p.Resume(0), layout.ExitPreempt)
		m[24] = 1
		want(t, "spun", p.Resume(0), layout.ExitReturn)
	}
}
