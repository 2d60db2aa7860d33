package engine

import (
	"testing"

	"vkernel/internal/engine/layout"
)

// initProgram copies its passive segment to where it is told: a thread's libc does so into
// memory that mmap gave.
const initProgram = `(module
  (import "wali" "SYS_mmap" (func $mmap (param i32 i32 i32 i32 i32 i64) (result i64)))
  (memory 2)
  (data $d "passive")
  (func (export "main") (drop (call $mmap (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0))))
  (func (export "init") (param i32 i32) (memory.init $d (local.get 0) (i32.const 0) (local.get 1))))`

func TestInitMapped(t *testing.T) {
	i := newGuest(t, buildWat(t, initProgram))
	defer i.Free()
	i.Map(1<<30, pageSize, rw, false)
	i.Map(1<<32-pageSize, pageSize, rw, false)
	for _, tt := range []struct {
		to, n uint64
		want  Exit
	}{
		{100, 7, layout.ExitReturn},
		{100, 8, layout.ExitTrap}, // beyond the segment
		{2 * wasmPage, 7, layout.ExitTrap},
		{1 << 30, 7, layout.ExitReturn},
		{1<<30 + pageSize, 7, layout.ExitTrap},
		{1<<32 - 7, 7, layout.ExitReturn},
		{1<<32 - 6, 7, layout.ExitTrap},
	} {
		start(t, i, "init", tt.to, tt.n)
		if got := i.Resume(0); got != tt.want {
			t.Errorf("%d bytes to %#x: exit %d, want %d", tt.n, tt.to, got, tt.want)
		} else if got == layout.ExitReturn && i.peek(t, uint32(tt.to)) != 0x73736170 {
			t.Errorf("%d bytes to %#x: %#x", tt.n, tt.to, i.peek(t, uint32(tt.to)))
		}
	}
}
