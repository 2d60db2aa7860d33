;; Loops that wait for a word of memory, each in a way that an optimiser would like to end.
(module
  (memory 2)
  (global $__stack_pointer (mut i32) (i32.const 65536))
  (func (export "constant")
    (loop (br_if 0 (i32.eqz (i32.load (i32.const 4096))))))
  (func (export "parameter") (param i32)
    (loop (br_if 0 (i32.eqz (i32.load (local.get 0))))))
  (func (export "offset") (param i32)
    (loop (br_if 0 (i32.eqz (i32.load8_u offset=96 (local.get 0))))))
  (func (export "frame") (local i32)
    (local.set 0 (i32.sub (global.get $__stack_pointer) (i32.const 32)))
    (loop (br_if 0 (i64.eqz (i64.load offset=16 (local.get 0))))))
  (func (export "pointer")
    (loop (br_if 0 (i64.eqz (i64.load16_s offset=8 (global.get $__stack_pointer))))))
  (func (export "computed") (param i32 i32) (local i32)
    (loop
      (local.set 2 (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2))))
      (br_if 0 (i32.eqz (i32.load offset=4 (i32.xor (local.get 2) (i32.const 64)))))))
  (func (export "float") (param i32)
    (loop (br_if 0 (f64.eq (f64.load (local.get 0)) (f64.const 0)))))
  (func (export "passed") (param i32)
    (local.get 0)
    (loop (param i32) (local.tee 0) (br_if 0 (i32.eqz (i32.load (local.get 0)))) drop))
  ;; with stores beside the load, which cannot be to the same word
  (func (export "storing") (param i32) (local i32)
    (loop
      (i32.store (i32.const 8192) (local.tee 1 (i32.add (local.get 1) (i32.const 1))))
      (i32.store offset=4 (local.get 0) (local.get 1))
      (br_if 0 (i32.eqz (i32.load (local.get 0))))))
  ;; the word was written just before
  (func (export "written") (param i32)
    (i32.store (local.get 0) (i32.const 0))
    (loop (br_if 0 (i32.eqz (i32.load (local.get 0))))))
  ;; the index moves only when something was found
  (func (export "ring") (param i32) (local i32)
    (loop
      (br_if 0 (i32.eqz (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
      (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 4)))))
  (func (export "select") (param i32) (local i32)
    (loop
      (local.set 1 (select (i32.add (local.get 1) (i32.const 1)) (local.get 1)
        (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
      (br_if 0 (i32.lt_u (local.get 1) (i32.const 4)))))
  ;; steps that cancel
  (func (export "cancelling") (param i32) (local i32)
    (loop
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (local.set 1 (i32.sub (local.get 1) (i32.const 4)))
      (br_if 0 (i32.eqz (i32.load (i32.add (local.get 0) (local.get 1)))))))
  ;; around a loop that ends
  (func (export "nested") (param i32) (local i32)
    (loop
      (local.set 1 (i32.const 400))
      (loop
        (i32.store offset=20000 (local.get 1) (i32.const 1))
        (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 4)))))
      (br_if 0 (i32.eqz (i32.load (local.get 0))))))
  ;; in a function that is inlined, or in a chain of tail calls
  (func $zero (param i32) (result i32) (i32.eqz (i32.load (local.get 0))))
  (func (export "called") (param i32)
    (loop (br_if 0 (call $zero (local.get 0)))))
  (func $self (export "self") (param i32)
    (if (i32.load (local.get 0)) (then return))
    (return_call $self (local.get 0)))
  (func $ping (export "ping") (param i32)
    (if (i32.load (local.get 0)) (then return))
    (return_call $pong (local.get 0)))
  (func $pong (param i32) (return_call $ping (local.get 0)))
  ;; what a handler sees while these loop: a count, and a mark that is set only for so long
  (func (export "count") (param i32) (local i32)
    (loop
      (i32.store (i32.const 8192) (local.tee 1 (i32.add (local.get 1) (i32.const 1))))
      (br_if 0 (i32.eqz (i32.load (local.get 0))))))
  (func (export "mark") (param i32) (local i32)
    (i32.store (i32.const 8192) (i32.const 7))
    (loop
      (local.set 1 (i32.add (local.get 1) (i32.const 4)))
      (br_if 0 (i32.eqz (i32.load offset=40 (local.get 0)))))
    (i32.store (i32.const 8192) (i32.const 0)))
  ;; what a handler of faults sees
  (func (export "step") (param i32)
    (i32.store (i32.const 8192) (i32.const 1))
    (i32.store (local.get 0) (i32.const 5))
    (i32.store (i32.const 8192) (i32.const 2))))
