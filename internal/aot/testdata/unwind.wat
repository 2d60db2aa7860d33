;; Exceptions and setjmp: what the frames that an exception leaves take with them.
(module
  (import "wali" "setjmp" (func $setjmp (param i32) (result i32)))
  (import "wali" "longjmp" (func $longjmp (param i32 i32)))
  (tag $e (param i32))
  (tag $longjmp_tag (param i32 i32))
  (memory 1)
  (global $sink (mut i32) (i32.const 0))

  ;; Makes a record of its own and throws.
  (func $inner (param $buf i32) (param $n i32)
    (if (i32.eqz (call $setjmp (local.get $buf)))
      (then (if (local.get $n) (then (call $inner (i32.add (local.get $buf) (i32.const 16)) (i32.sub (local.get $n) (i32.const 1)))))
            (throw $e (local.get $buf)))))
  ;; Makes one, catches what comes from three frames with records, and jumps to its own.
  (func (export "catch_and_jump") (result i32)
    (local $count i32) (local $got i32)
    (local.set $got (call $setjmp (i32.const 1024)))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (if (i32.eqz (local.get $got)) (then
      (try (do (call $inner (i32.const 2048) (i32.const 3)))
        (catch $e
          (global.set $sink)
          (call $longjmp (i32.const 1024) (i32.const 7))))))
    (i32.add (i32.mul (local.get $count) (i32.const 1000)) (local.get $got)))
  ;; Catches, then jumps to the record of a frame that the exception left.
  (func (export "catch_and_stale")
    (try (do (call $inner (i32.const 2048) (i32.const 1)))
      (catch $e (drop)))
    (call $longjmp (i32.const 2048) (i32.const 1)))
  ;; The exception leaves this frame too, with its record.
  (func $through (param i32) (result f64)
    (drop (call $setjmp (i32.const 512)))
    (call $inner (i32.const 2048) (local.get 0))
    (f64.const 1))
  (func (export "through") (param i32) (result i32)
    (try (result i32) (do (drop (call $through (local.get 0))) (i32.const 0)) (catch $e)))

  ;; n throws over two frames, each result checked; for preemption.
  (func $odd (param i32) (result i64)
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (local.get 0))))
    (i64.const 1))
  (func $two (param i32) (result i64) (i64.add (i64.const 1) (call_indirect (param i32) (result i64) (local.get 0) (i32.const 2))))
  (func (export "many") (param $n i32) (result i64)
    (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (local.get $sum)
        (try (result i64)
          (do (call_indirect (param i32) (result i64) (local.get $n) (i32.const 1)))
          (catch $e (i64.extend_i32_u)))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  ;; A handler that throws and catches as well.
  (func $handler (param i32)
    (try (do (drop (call $two (i32.const 9)))) (catch $e (global.set $sink))))
  ;; A tail call of another type: its exception is not this frame's, which is gone.
  (func $throw_value (param i32) (result i32) (throw $e (local.get 0)))
  (func $tail_other (param i64 f64) (result i32)
    (try (result i32)
      (do (return_call_indirect (param i32) (result i32) (i32.wrap_i64 (local.get 0)) (i32.const 3)))
      (catch_all (i32.const 1))))
  (func (export "tail_other") (param i32) (result i32)
    (try (result i32)
      (do (call $tail_other (i64.extend_i32_u (local.get 0)) (f64.const 0.5)))
      (catch $e (i32.add (i32.const 1)))))
  ;; Several results, or an exception instead of them.
  (func $several (param i32) (result i32 i64 f32)
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (local.get 0))))
    (local.get 0) (i64.const 30) (f32.const 4))
  (func (export "several") (param i32) (result i32)
    (try (result i32)
      (do (call $several (local.get 0)) (i32.trunc_f32_s) (global.set $sink) (i32.wrap_i64) (i32.add) (i32.add (global.get $sink)))
      (catch $e (i32.add (i32.const 1000)))))
  (table funcref (elem $handler $two $odd $throw_value)))
