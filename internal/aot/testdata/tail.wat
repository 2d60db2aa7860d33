;; Tail calls that change the type of the parameters.
(module
  (import "wali" "setjmp" (func $setjmp (param i32) (result i32)))
  (import "env" "sum" (func $sum (param i32 f64 i64 i64 i64 i64 i64 i64 i64 f64) (result i64)))
  (memory 1)
  (type $odd (func (param i64 f64) (result i64)))
  (type $wide (func (param i64 i64 i64 i64 i64 i64 i64 i64 f32 f64 f64 f64 f64 f64 f64 f64 f64 f64 v128) (result i64)))
  (table funcref (elem $even $odd $wide))

  ;; even(n) and odd(n, x) call each other n times: no stack is used.
  (func $even (export "even") (param i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 1))))
    (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (f64.const 1)))
  (func $odd (param i64 f64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
    (return_call $even (i64.sub (local.get 0) (i64.const 1))))

  ;; The same through a table.
  (func (export "even_indirect") (param i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 1))))
    (return_call_indirect (type $odd) (local.get 0) (f64.const 1) (i32.const 1)))
  (func (export "mismatch") (param i32) (result i64)
    (return_call_indirect (type $odd) (i64.const 0) (f64.const 1) (local.get 0)))

  ;; More parameters than registers; each has its weight in the result.
  (func $wide (param i64 i64 i64 i64 i64 i64 i64 i64 f32 f64 f64 f64 f64 f64 f64 f64 f64 f64 v128) (result i64)
    (i64.add (local.get 0) (i64.mul (i64.const 10) (i64.add (local.get 1) (i64.mul (i64.const 10)
    (i64.add (local.get 6) (i64.mul (i64.const 10) (i64.add (local.get 7) (i64.mul (i64.const 10)
    (i64.add (i64.trunc_f32_s (local.get 8)) (i64.mul (i64.const 10) (i64.add (i64.trunc_f64_s (local.get 9)) (i64.mul (i64.const 10)
    (i64.add (i64.trunc_f64_s (local.get 16)) (i64.mul (i64.const 10) (i64.add (i64.trunc_f64_s (local.get 17)) (i64.mul (i64.const 10)
    (i64x2.extract_lane 1 (local.get 18)))))))))))))))))))
  (func (export "widen") (param i64 f64) (result i64)
    (return_call $wide (local.get 0) (i64.const 2) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 3) (i64.const 4)
      (f32.const 5) (local.get 1) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 7) (f64.const 8)
      (v128.const i64x2 0 9)))
  (func (export "wide_call") (param i64) (result i64)
    (i64.add (i64.const 1) (call_indirect (type $wide) (local.get 0) (i64.const 2) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 3) (i64.const 4)
      (f32.const 5) (f64.const 6) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 0) (f64.const 7) (f64.const 8)
      (v128.const i64x2 0 9) (i32.const 2))))
  (export "wide" (func $wide))

  ;; A tail call of an import, with more parameters than registers.
  (func (export "import") (param i32) (result i64)
    (return_call $sum (local.get 0) (f64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (f64.const 10)))

  ;; A tail call from a frame that called setjmp, many times: no stack, no records.
  (func $jumps (export "jumps") (param i64) (result i64)
    (drop (call $setjmp (i32.const 0)))
    (if (i64.eqz (local.get 0)) (then (return (i64.const 7))))
    (return_call $jumps2 (i64.sub (local.get 0) (i64.const 1)) (f64.const 0)))
  (func $jumps2 (param i64 f64) (result i64)
    (return_call $jumps (local.get 0))))
