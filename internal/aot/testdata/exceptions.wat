;; Exceptions in both encodings. Each export is one case of exceptions_test.go. Needs wabt 1.0.36.
(module
  (import "wali" "SYS_getpid" (func $leave (result i64)))
  (tag $e (export "e") (param i32))
  (tag $pair (param i64 f64))
  (tag $empty)
  (tag $wide (param v128 i32))
  (memory 1)
  (table funcref (elem $throw_i $handler $quiet))
  (table $exns 4 exnref)
  (global $kept (mut exnref) (ref.null exn))
  (global $count (mut i32) (i32.const 0))
  (type $i_i (func (param i32) (result i32)))

  (func $throw_i (param i32) (result i32) (throw $e (local.get 0)))
  (func $handler (param i32) (throw $e (local.get 0)))
  ;; A handler that throws and catches itself.
  (func $quiet (param i32)
    (try (do (throw $e (local.get 0))) (catch $e (global.set $count (i32.add (global.get $count))))))

  ;; Throws e if the argument is odd, else pair; from ten frames down.
  (func $deep (param $n i32) (param $depth i32) (result i32)
    (if (i32.eqz (local.get $depth))
      (then (if (i32.and (local.get $n) (i32.const 1)) (then (throw $e (local.get $n))))
            (throw $pair (i64.extend_i32_u (local.get $n)) (f64.const 0.5))))
    (i32.add (i32.const 1000) (call $deep (local.get $n) (i32.sub (local.get $depth) (i32.const 1)))))

  (func (export "uncaught") (param i32) (result i32) (call $deep (local.get 0) (i32.const 10)))

  (func (export "legacy") (param i32) (result i32)
    (try (result i32)
      (do (call $deep (local.get 0) (i32.const 10)))
      (catch $e (i32.add (i32.const 7)))
      (catch $pair (f64.const 2) (f64.mul) (i32.trunc_f64_s) (drop) (i32.wrap_i64))))

  (func (export "indirect") (param i32) (result i32)
    (try (result i32)
      (do (call_indirect (type $i_i) (local.get 0) (i32.const 0)))
      (catch_all (i32.const 99))))

  ;; An inner catch_all counts and passes on; the outer one sees the same values.
  (func $pass (param i32) (result i32)
    (try (result i32)
      (do (call $deep (local.get 0) (i32.const 3)))
      (catch_all
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (drop (try (result i32) (do (throw $wide (v128.const i64x2 1 2) (i32.const 3))) (catch $wide (drop) (drop) (i32.const 1))))
        (rethrow 0))))
  (func (export "rethrow") (param i32) (result i32)
    (try (result i32)
      (do (call $pass (local.get 0)))
      (catch $pair (drop) (i32.wrap_i64))
      (catch $e (i32.mul (i32.const -1)))))
  (func (export "count") (result i32) (global.get $count))

  (func (export "delegate") (param i32) (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32) (do (call $deep (local.get 0) (i32.const 1))) (delegate $outer)))
          (catch_all (i32.const 1))))
      (catch $e (i32.const 2) (i32.add))
      (catch_all (i32.const 3))))

  (func (export "table") (param i32) (result i32 i64)
    (block $pair (result i64 f64)
      (block $e (result i32)
        (try_table (result i32) (catch $e $e) (catch $pair $pair)
          (call $deep (local.get 0) (i32.const 5)))
        (return (i64.const 0)))
      (return (i64.const 1)))
    (i64.trunc_f64_s (f64.mul (f64.const 4)))
    (i64.add)
    (return (i32.const 5) (i64.const 0)) (unreachable))

  (func (export "wide") (result i64)
    (block $h (result v128 i32)
      (try_table (catch $wide $h) (throw $wide (v128.const i64x2 40 2) (i32.const 100)))
      (unreachable))
    (global.set $count)
    (i64.add (i64x2.extract_lane 0) (i64.extend_i32_u (global.get $count))))

  ;; A reference: kept in a global, a table and a local, thrown again later.
  (func (export "keep") (param i32)
    (block $h (result exnref)
      (try_table (catch_all_ref $h) (drop (call $deep (local.get 0) (i32.const 2))))
      (unreachable))
    (global.set $kept)
    (table.set $exns (i32.and (local.get 0) (i32.const 3)) (global.get $kept)))
  (func (export "again") (result i32)
    (block $h (result i32)
      (try_table (catch $e $h) (throw_ref (global.get $kept)))
      (unreachable)))
  (func (export "again_from") (param i32) (result i32)
    (block $h (result i32)
      (try_table (catch $e $h) (throw_ref (table.get $exns (local.get 0))))
      (unreachable)))
  (func (export "null") (throw_ref (ref.null exn)))
  ;; n references, each dropped at once; the first is held in a local all the time.
  (func (export "garbage") (param $n i32) (result i32)
    (local $first exnref) (local $x exnref)
    (local.set $first (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e (i32.const 4711))) (unreachable)))
    (loop $l
      (local.set $x (block $h (result exnref) (try_table (catch_all_ref $h) (drop (call $throw_i (local.get $n)))) (unreachable)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n)))
    (drop (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get $x))) (unreachable)))
    (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get $first))) (unreachable)))
  ;; A frame for each reference: none can be freed.
  (func $hoard (param $n i32) (result i32)
    (local $x exnref)
    (local.set $x (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e (local.get $n))) (unreachable)))
    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
    (drop (call $hoard (i32.sub (local.get $n) (i32.const 1))))
    (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get $x))) (unreachable)))
  (export "hoard" (func $hoard))

  ;; Leaves in the arm of a catch; goes on with its values.
  (func (export "leave") (param i32) (result i32)
    (try (result i32)
      (do (call $deep (local.get 0) (i32.const 3)))
      (catch $e (drop (call $leave)) (try (do (rethrow 1)) (catch $e (drop))))
      (catch_all (drop (call $leave)) (i32.const 1))))

  ;; Loops: by a branch out of a handler, n times.
  (func (export "loop") (param $n i32) (result i32)
    (local $sum i32)
    (loop $l
      (block $h (result i32)
        (try_table (catch $e $h) (drop (call $throw_i (local.get $n))))
        (unreachable))
      (local.set $sum (i32.add (local.get $sum)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  ;; A handler's label is the loop's own.
  (func (export "loop_label") (param $n i32) (result i32)
    (local.get $n)
    (loop $l (param i32) (result i32)
      (local.tee $n)
      (i32.eqz)
      (if (then (return (i32.const 77))))
      (try_table (catch $e $l) (drop (call $throw_i (i32.sub (local.get $n) (i32.const 1)))))
      (unreachable)))

  ;; Tail calls: what the callee throws is the caller's caller's, not the caller's.
  (func $tail (param i32) (result i32)
    (try (result i32) (do (return_call $throw_i (local.get 0))) (catch_all (i32.const 1))))
  (func (export "tail") (param i32) (result i32)
    (try (result i32) (do (call $tail (local.get 0))) (catch $e (i32.const 1) (i32.add))))

  ;; Traps are not caught.
  (func (export "trap") (param i32) (result i32)
    (try (result i32) (do (i32.div_u (i32.const 1) (local.get 0))) (catch_all (i32.const 1))))
  (func $endless (param i32) (result i32) (i32.add (i32.const 1) (call $endless (i32.add (local.get 0) (call $maybe (local.get 0))))))
  (func $maybe (param i32) (result i32) (if (i32.eq (local.get 0) (i32.const -1)) (then (throw $empty))) (i32.const 1))
  (func (export "overflow") (result i32)
    (try (result i32) (do (call $endless (i32.const 0))) (catch_all (i32.const 1))))
)
