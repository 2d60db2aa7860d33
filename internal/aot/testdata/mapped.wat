;; The same in a program that can map pages above memory.size, with lengths that are
;; constants, too.
(module
  (import "wali" "SYS_mmap" (func (param i32 i32 i32 i32 i32 i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy1") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 1)))
  (func (export "copy7") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 7)))
  (func (export "copy15") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 15)))
  (func (export "copy33") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 33)))
  (func (export "copy64") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 64)))
  (func (export "fill2") (param i32 i32) (memory.fill (local.get 0) (local.get 1) (i32.const 2)))
  (func (export "fill49") (param i32 i32) (memory.fill (local.get 0) (local.get 1) (i32.const 49))))
