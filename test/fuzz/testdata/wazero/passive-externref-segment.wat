;; wazero makes the contents of passive element segments for funcref only, so one of externref has no
;; elements and table.init traps.
(module
  (memory (export "memory") 1)
  (table $t 4 externref)
  (elem $e externref (ref.null extern) (ref.null extern))
  (func (export "fuel") (param i32))
  (func (export "plain") (result i32) (i32.const 0))
  (func (export "s0") (result i32) (table.size $t))
  (func (export "n0") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "f0") (param externref) (result i32)
    (table.set $t (i32.const 1) (local.get 0))
    (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 2))
    (i32.store (i32.const 0) (i32.const 7))
    (ref.is_null (table.get $t (i32.const 1)))))
