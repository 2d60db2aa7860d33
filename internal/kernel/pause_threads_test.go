package kernel

import (
	"context"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vkernel/internal/aot"
	"vkernel/internal/engine"
	"vkernel/internal/router"
)

// manyThreads starts 64 threads. Each adds to one word 20,000 times, and now and then waits for a word that nobody
// changes, sleeps, or goes on at once. The first thread waits for the last one and says whether the sum is right.
const manyThreads = `(module
  (import "wali" "__wasm_thread_spawn" (func $spawn (param i32 i32) (result i32)))
  (import "wali" "SYS_write" (func $write (param i32 i32 i32) (result i64)))
  (import "wali" "SYS_nanosleep" (func $nanosleep (param i32 i32) (result i64)))
  (memory (export "memory") 4 16 shared)
  (table 4 funcref)
  (elem (i32.const 1) $worker)
  (data (i32.const 8192) "ok\n")
  (data (i32.const 8196) "bad\n")
  (data (i32.const 8208) "\00\00\00\00\00\00\00\00\c0\d4\01\00\00\00\00\00")
  (func $worker (param $tid i32) (param $k i32) (local $n i32)
    (local.set $n (i32.const 20000))
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 1024) (i32.const 1)))
      (if (i32.eqz (i32.and (local.get $n) (i32.const 1023)))
        (then
          (if (i32.eqz (i32.and (local.get $k) (i32.const 3)))
            (then (drop (memory.atomic.wait32 (i32.const 4096) (i32.const 0) (i64.const 300000)))))
          (if (i32.eq (i32.and (local.get $k) (i32.const 3)) (i32.const 1))
            (then (drop (call $nanosleep (i32.const 8208) (i32.const 0)))))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (drop (i32.atomic.rmw.add (i32.const 2048) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 2048) (i32.const 1))))
  (func (export "_start") (local $k i32) (local $done i32)
    (loop $more
      (if (i32.le_s (call $spawn (i32.const 1) (local.get $k)) (i32.const 0)) (then (unreachable)))
      (br_if $more (i32.ne (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 64))))
    (loop $wait
      (if (i32.ne (local.tee $done (i32.atomic.load (i32.const 2048))) (i32.const 64))
        (then
          (drop (memory.atomic.wait32 (i32.const 2048) (local.get $done) (i64.const -1)))
          (br $wait))))
    (if (i32.eq (i32.atomic.load (i32.const 1024)) (i32.const 1280000))
      (then (drop (call $write (i32.const 1) (i32.const 8192) (i32.const 3))))
      (else (drop (call $write (i32.const 1) (i32.const 8196) (i32.const 4)))))))`

// buildWat builds native code of one program in WebAssembly's text form.
func buildWat(t *testing.T, text string) *engine.Code {
	c, f := buildWatFile(t, text)
	f.Close()
	return c
}

// buildWatFile also gives the open file.
func buildWatFile(t *testing.T, text string) (*engine.Code, *os.File) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.wat"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("wat2wasm", "--enable-threads", "p.wat")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("wat2wasm: %v: %s", err, out)
	}
	wasm, err := os.ReadFile(filepath.Join(dir, "p.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "p.aot")
	if _, err := aot.Build(context.Background(), []aot.Input{{Name: "p", Wasm: wasm}}, aot.Options{OutAOT: file}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c, err := engine.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, f
}

// TestPauseThreads pauses 64 threads that compute, sleep, and wait for words, again and again.
func TestPauseThreads(t *testing.T) {
	code := buildWat(t, manyThreads)
	c := newContainer(t, func(config *Config) {
		config.Code = code
		config.Router = routes{sha256.Sum256([]byte("program true\n")): router.Entry{ID: "true", Name: "true", Export: "_start"}}
	})
	done, took := make(chan struct{}), make(chan []time.Duration)
	go func() { took <- pauseAll(t, c.kernel, done) }()
	status, out := c.run("/bin/true")
	close(done)
	all := <-took
	if out != "ok\n" || status != (Status{}) {
		t.Errorf("status %+v, output %q\n%s", status, out, tail(c.log.String()))
	}
	report(t, all)
}
