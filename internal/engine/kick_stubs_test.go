package engine

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"vkernel/internal/engine/layout"
)

// stubsProgram spends its time where a guest is neither in nor out: in the stub that leaves, in the
// loops of bulk memory, in atomics and in vectors. Each export gives a checksum.
const stubsProgram = `(module
  (import "wali" "SYS_getpid" (func $getpid (result i64)))
  (memory (export "memory") 40)
  (func (export "calls") (param $n i32) (result i64) (local $s i64)
    (loop (local.set $s (i64.add (i64.mul (local.get $s) (i64.const 31)) (call $getpid)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func $sum (result i64) (local $a i32) (local $s i64)
    (loop (local.set $s (i64.add (i64.rotl (local.get $s) (i64.const 5)) (i64.load (local.get $a))))
      (br_if 0 (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 8))) (i32.const 2000000))))
    (local.get $s))
  (func $seed (local $a i32)
    (loop (i32.store (local.get $a) (i32.mul (local.get $a) (i32.const 0x9e3779b1)))
      (br_if 0 (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 4))) (i32.const 2000000)))))
  (func (export "bulk") (param $n i32) (result i64)
    (call $seed)
    (loop
      (memory.copy (i32.const 1000001) (i32.const 17) (i32.const 900000))
      (memory.copy (i32.const 100) (i32.const 50000) (i32.const 1200000))
      (memory.copy (i32.const 60000) (i32.const 200) (i32.const 1200000))
      (memory.fill (i32.add (local.get $n) (i32.const 70000)) (local.get $n) (i32.const 30000))
      (memory.copy (i32.const 5) (i32.add (local.get $n) (i32.const 3000)) (i32.and (local.get $n) (i32.const 63)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $sum))
  (func (export "atomics") (param $n i32) (result i64)
    (i64.store (i32.const 64) (i64.const 0))
    (loop
      (drop (i64.atomic.rmw.add (i32.const 64) (i64.extend_i32_u (i32.atomic.rmw8.xchg_u (i32.const 72) (local.get $n)))))
      (drop (i32.atomic.rmw16.xor_u (i32.const 64) (local.get $n)))
      (drop (i64.atomic.rmw.cmpxchg (i32.const 64) (i64.load (i32.const 64)) (i64.rotl (i64.load (i32.const 64)) (i64.const 3))))
      (drop (i64.atomic.rmw.and (i32.const 64) (i64.const -5)))
      (drop (i64.atomic.rmw.or (i32.const 64) (i64.const 1)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.load (i32.const 64)))
  (func (export "vectors") (param $n i32) (result i64) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $a (v128.const i32x4 1 2 3 4)) (local.set $b (v128.const i16x8 9 8 7 6 5 4 3 2))
    (local.set $c (v128.const f32x4 1.5 2.5 3.25 4)) (local.set $d (v128.const i64x2 77 -5))
    (loop
      (local.set $a (i32x4.add (i32x4.mul (local.get $a) (local.get $b)) (i32x4.splat (local.get $n))))
      (local.set $b (i8x16.swizzle (v128.xor (local.get $a) (local.get $b)) (v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12)))
      (local.set $c (f32x4.sqrt (f32x4.add (f32x4.abs (local.get $c)) (f32x4.convert_i32x4_u (v128.and (local.get $a) (i32x4.splat (i32.const 255)))))))
      (local.set $d (i64x2.add (i64x2.shl (local.get $d) (i32.const 1)) (v128.xor (local.get $b) (local.get $c))))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.xor (i64x2.extract_lane 0 (local.get $d)) (i64x2.extract_lane 1 (v128.xor (local.get $d) (v128.xor (local.get $a) (local.get $c))))))
)`

// symbols of the mapped code, by the place where a guest was.
func symbols(t *testing.T, c *Code) func(pc uint64) string {
	t.Helper()
	f, err := elf.Open(c.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	var text uint64
	for _, s := range list {
		if s.Name == "vk_text" {
			text = s.Value
		}
	}
	return func(pc uint64) string {
		at := pc - uint64(c.text) + text
		for _, s := range list {
			if at >= s.Value && at < s.Value+s.Size {
				return s.Name
			}
		}
		return "?"
	}
}

// TestKickInStubs gets the same results with and without preemption at every point.
func TestKickInStubs(t *testing.T) {
	c := buildWat(t, stubsProgram)
	i := newGuest(t, c)
	defer i.Free()
	name := symbols(t, c)
	where := map[string]int{}
	for _, tt := range []struct {
		export string
		n      uint64
		in     string // where some preemptions must be
	}{{"calls", 400000, "vk_exit"}, {"bulk", 60, "vk_memory"}, {"atomics", 3000000, ""}, {"vectors", 6000000, ""}} {
		pid := uint64(0)
		run := func() uint64 {
			pid = 0
			start(t, i, tt.export, tt.n)
			for result := uint64(0); ; {
				switch x := i.Resume(result); x {
				case layout.ExitPreempt:
					if i.state == interrupted {
						where[name(i.save().rip)]++
					} else {
						where["(out)"]++
					}
				case layout.ExitSyscall:
					pid++
					result = pid * pid
				case layout.ExitReturn:
					return i.Results()[0][0]
				default:
					t.Fatalf("%s: exit %d, %+v", tt.export, x, i.Trap())
				}
			}
		}
		clear(where)
		alone := run()
		for _, every := range []time.Duration{100 * time.Microsecond, time.Microsecond} {
			clear(where)
			stop := kickEvery(every, []*Instance{i})
			hits := 0
			for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline) && hits < 20; {
				if got := run(); got != alone {
					t.Errorf("%s: %#x when kicked every %v, else %#x", tt.export, got, every, alone)
				}
				hits = 0
				for s, n := range where {
					if strings.HasPrefix(s, tt.in) && s != "(out)" {
						hits += n
					}
				}
			}
			stop()
			t.Logf("%s, every %v: %v", tt.export, every, where)
			if hits == 0 {
				t.Errorf("%s: no preemption in %q", tt.export, tt.in)
			}
		}
	}
}

// TestNoUpperHalves holds that compiled code has no instruction that reaches the upper halves of vector
// registers, or saves more state than a preemption does: they need not be kept.
func TestNoUpperHalves(t *testing.T) {
	c := buildWat(t, stubsProgram)
	out, err := exec.Command("llvm-objdump-19", "-d", "--no-show-raw-insn", filepath.Clean(c.file.Name())).Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 1000 {
		t.Fatalf("disassembly of %d bytes", len(out))
	}
	bad := regexp.MustCompile(`(?m)^.*(%[yz]mm|%k[0-7]|%mm[0-7]|%st|\t(v[a-z0-9]+|x?fxsave|xsave|xrstor|fxrstor|xgetbv|ldmxcsr|emms|fld|fst)[a-z0-9]*\t).*$`)
	if line := bad.Find(out); line != nil {
		t.Errorf("compiled code has %s", line)
	}
}
