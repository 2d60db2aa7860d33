;; Loops that may become vectors, and that leave memory by its end, from index n on. Each has
;; to trap: what it stores, or what it returns, depends on every access.
(module
  (memory (export "memory") 1)
  (func (export "store") (param $n i32)
    (loop
      (i32.store8 (local.get $n) (i32.const 1))
      (br_if 0 (i32.ne (i32.const 65600) (local.tee $n (i32.add (local.get $n) (i32.const 1)))))))
  (func (export "store_wide") (param $n i32)
    (loop
      (i64.store (local.get $n) (i64.const 1))
      (br_if 0 (i32.ne (i32.const 65600) (local.tee $n (i32.add (local.get $n) (i32.const 8)))))))
  (func (export "sum") (param $n i32) (result i32) (local $s i32)
    (loop
      (local.set $s (i32.add (local.get $s) (i32.load (local.get $n))))
      (br_if 0 (i32.ne (i32.const 65600) (local.tee $n (i32.add (local.get $n) (i32.const 4))))))
    (local.get $s))
  (func (export "copy") (param $n i32)
    (loop
      (i32.store (i32.sub (local.get $n) (i32.const 8192)) (i32.load (local.get $n)))
      (br_if 0 (i32.ne (i32.const 65600) (local.tee $n (i32.add (local.get $n) (i32.const 4)))))))
  (func (export "scaled") (param $n i32)
    (loop
      (i32.store (i32.shl (local.get $n) (i32.const 1)) (i32.load16_u offset=4 (i32.shl (local.get $n) (i32.const 1))))
      (br_if 0 (i32.ne (i32.const 32800) (local.tee $n (i32.add (local.get $n) (i32.const 4)))))))
  ;; What is stored before the loop is there after its trap, and what follows it is not.
  (func (export "around") (param $n i32)
    (i32.store (i32.const 16) (i32.const 7))
    (loop
      (i32.store (local.get $n) (i32.const 1))
      (br_if 0 (i32.ne (i32.const 65600) (local.tee $n (i32.add (local.get $n) (i32.const 4))))))
    (i32.store (i32.const 20) (i32.const 8)))
  (func (export "before") (result i32) (i32.load (i32.const 16)))
  (func (export "after") (result i32) (i32.load (i32.const 20))))
