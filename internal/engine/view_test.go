package engine

import (
	"runtime/debug"
	"sync"
	"testing"

	"vkernel/internal/engine/layout"
	"vkernel/internal/guest"
)

// threadProgram is what views run: table[1..] are thread functions of one argument.
const threadProgram = `(module
  (import "wali" "SYS_getpid" (func $getpid (result i64)))
  (memory (export "memory") 4 32768 shared)
  (global $__stack_pointer (export "__stack_pointer") (mut i32) (i32.const 131072))
  (global $own (mut i32) (i32.const 7))
  (table 16 funcref)
  (elem (i32.const 1) $add $lock $queue $wait $notify $size $load $spin $store $global $overflow $grow $copy $fill $simd)
  (data (i32.const 140000) "image")
  ;; add: n times, to the word at 1024, atomically
  (func $add (param $n i32) (result i32)
    (loop (drop (i32.atomic.rmw.add (i32.const 1024) (i32.const 1)))
      (drop (i64.atomic.rmw.add (i32.const 1032) (i64.const 3)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  ;; lock: n times, under a spin lock at 2048, increments the plain word at 2052
  (func $lock (param $n i32) (result i32)
    (loop $again
      (loop $spin (br_if $spin (i32.atomic.rmw.cmpxchg (i32.const 2048) (i32.const 0) (i32.const 1))))
      (i32.store (i32.const 2052) (i32.add (i32.load (i32.const 2052)) (i32.const 1)))
      (i32.atomic.store (i32.const 2048) (i32.const 0))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  ;; queue: n tickets are taken in turn: each waits until it is served
  (func $queue (param $n i32) (result i32) (local $t i32)
    (loop $again
      (local.set $t (i32.atomic.rmw.add (i32.const 3072) (i32.const 1)))
      (loop $turn (br_if $turn (i32.ne (i32.atomic.load (i32.const 3076)) (local.get $t))))
      (i64.store (i32.const 3080) (i64.add (i64.load (i32.const 3080)) (i64.extend_i32_u (local.get $t))))
      (i32.atomic.store (i32.const 3076) (i32.add (local.get $t) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  (func $wait (param $v i32) (result i32)
    (memory.atomic.wait32 (i32.const 4096) (local.get $v) (i64.const 5000)))
  (func $notify (param $n i32) (result i32)
    (memory.atomic.notify (i32.const 4096) (local.get $n)))
  (func $size (param $x i32) (result i32) (memory.size))
  (func $load (param $a i32) (result i32) (i32.load (local.get $a)))
  (func $spin (param $a i32) (result i32)
    (loop (br_if 0 (i32.eqz (i32.load (local.get $a)))))
    (i32.load (local.get $a)))
  ;; store: until the word at 5000 is set, writes all over the page at a
  (func $store (param $a i32) (result i32) (local $k i32)
    (loop $again
      (local.set $k (i32.const 0))
      (loop (i32.store (i32.add (local.get $a) (local.get $k)) (local.get $k))
        (br_if 0 (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 64))) (i32.const 4096))))
      (br_if $again (i32.eqz (i32.load (i32.const 5000)))))
    (i32.const 0))
  (func $global (param $v i32) (result i32) (local $old i32)
    (local.set $old (global.get $own))
    (global.set $own (local.get $v))
    (local.get $old))
  (func $overflow (param $n i32) (result i32)
    (i32.add (call $overflow (i32.add (local.get $n) (i32.const 1))) (local.get $n)))
  (func $grow (param $n i32) (result i32) (memory.grow (local.get $n)))
  (func $copy (param $n i32) (result i32)
    (memory.copy (i32.const 65536) (i32.const 8192) (local.get $n)) (i32.const 0))
  (func $fill (param $n i32) (result i32)
    (memory.fill (i32.const 65536) (i32.const 170) (local.get $n)) (i32.const 0))
  (func $simd (param $n i32) (result i32) (i32.const 0))
  (func (export "main") (drop (call $getpid)))
)`

// Indices of threadProgram's table.
const (
	fnAdd = 1 + iota
	fnLock
	fnQueue
	fnWait
	fnNotify
	fnSize
	fnLoad
	fnSpin
	fnStore
	fnGlobal
	fnOverflow
	fnGrow
	fnCopy
	fnFill
)

// newThreads gives an instance that is in a call, as a process is that makes its first thread.
func newThreads(t testing.TB, wat string) *Instance {
	t.Helper()
	debug.SetPanicOnFault(true)
	i := newGuest(t, buildWat(t, wat))
	start(t, i, "main")
	want(t, "main", i.Resume(0), layout.ExitSyscall)
	return i
}

func thread(t testing.TB, i *Instance) *Instance {
	t.Helper()
	v, e := i.Thread()
	if e != 0 {
		t.Fatal(e)
	}
	return v
}

// run calls a thread function in a view and gives its result.
func (i *Instance) run(t testing.TB, index uint32, arg uint64) uint64 {
	t.Helper()
	if e := i.Call(index, arg); e != 0 {
		t.Error(e)
		return 0
	}
	switch x := i.resume(0); x {
	case layout.ExitReturn:
		r := i.ReturnValue()
		i.Return()
		return r & 0xffffffff
	default:
		t.Errorf("function %d: exit %d, trap %+v", index, x, i.Trap())
		return 0
	}
}

// resume is Resume until the guest leaves of itself.
func (i *Instance) resume(result uint64) Exit {
	for {
		if x := i.Resume(result); x != layout.ExitPreempt {
			return x
		}
	}
}

func (i *Instance) peek(t testing.TB, addr guest.Addr) uint32 {
	t.Helper()
	v, e := guest.Get[uint32](i.Memory(), addr)
	if e != 0 {
		t.Errorf("read at %#x: %v", addr, e)
	}
	return v
}

func (i *Instance) poke(t testing.TB, addr guest.Addr, v uint32) {
	t.Helper()
	if e := guest.Put(i.Memory(), addr, &v); e != 0 {
		t.Errorf("write at %#x: %v", addr, e)
	}
}

// TestThreads runs atomics, a lock and a queue in eight views at once.
func TestThreads(t *testing.T) {
	i := newThreads(t, threadProgram)
	defer i.Free()
	i.poke(t, 1024, 5)
	i.poke(t, 200000, 77)
	const views, rounds = 8, 20000
	list := []*Instance{i}
	for len(list) < views {
		v := thread(t, list[len(list)-1])
		defer v.Free()
		list = append(list, v)
	}
	if !i.Shared() || i.peek(t, 140000) != 0x67616d69 || list[7].peek(t, 200000) != 77 {
		t.Errorf("shared %v, image %#x", i.Shared(), i.peek(t, 140000))
	}
	var wg sync.WaitGroup
	for _, v := range list {
		wg.Add(1)
		go func() {
			defer wg.Done()
			v.run(t, fnAdd, rounds)
			v.run(t, fnLock, rounds/10)
			v.run(t, fnQueue, rounds/200)
		}()
	}
	stop := kickAll(list)
	wg.Wait()
	stop()
	if got := i.peek(t, 1024); got != 5+views*rounds {
		t.Errorf("counter %d", got)
	}
	if got := i.peek(t, 1032); got != 3*views*rounds {
		t.Errorf("wide counter %d", got)
	}
	if got := list[3].peek(t, 2052); got != views*rounds/10 {
		t.Errorf("counter under the lock %d", got)
	}
	n := uint32(views * rounds / 200)
	if got := i.peek(t, 3080); got != n*(n-1)/2 {
		t.Errorf("sum of tickets %d", got)
	}
	want(t, "main's end", i.resume(1), layout.ExitReturn)
}
