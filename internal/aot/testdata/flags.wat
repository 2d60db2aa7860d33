;; Code that some compiler flag keeps right.
(module
  (memory 1)
  (table 1 funcref)
  (elem (i32.const 0) $answer)
  (func $answer (result i32) (i32.const 42))
  ;; a float stored over an integer at the same address, in a plain loop: elsewhere loads
  ;; and stores are volatile
  (func (export "alias") (param i32 i32) (result i32)
    (local i32 i32)
    (loop
      (i32.store (local.get 0) (i32.const 1))
      (f32.store (i32.sub (local.get 1) (i32.const 1)) (f32.const 2))
      (local.set 2 (i32.or (local.get 2) (i32.load (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (local.set 1 (i32.add (local.get 1) (i32.const 4)))
      (local.set 3 (i32.add (local.get 3) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get 3) (i32.const 3))))
    (local.get 2))
  ;; a loop that looks like memset
  (func (export "clear") (param i32 i32) (result i32)
    (local i32)
    (loop
      (i32.store8 (i32.add (local.get 0) (local.get 2)) (i32.const 0))
      (local.set 2 (i32.add (local.get 2) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get 2) (i32.const 1000))))
    (i32.load (local.get 0)))
  ;; a reference to a function
  (func (export "indirect") (param i32 i32) (result i32)
    (call_indirect (result i32) (i32.const 0))))
