;; A loop around a plain one. TestPlain looks at the functions whose names begin with plain or
;; observed.
(module
  (memory 1)
  (func (export "f") (param i32 i32) (local i32)
    (loop
      (local.set 2 (i32.const 64))
      (loop
        (i32.store8 offset=99 (i32.add (local.get 0) (local.get 2)) (local.get 1))
        (br_if 0 (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
      (i32.store (local.get 0) (local.get 2))
      (br_if 0 (i32.load (local.get 0)))))
  (func (export "plain nothing") (local i32)
    (loop (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 1))))))
  (func (export "plain scaled") (param i32) (local i64 i32)
    (loop
      (i64.store (i32.add (local.get 0) (i32.wrap_i64 (i64.shl (local.get 1) (i64.const 3)))) (i64.const 1))
      (i32.store (local.tee 2 (i32.add (i32.mul (i32.const 12) (i32.wrap_i64 (local.get 1))) (i32.const 4))) (local.get 2))
      (br_if 0 (i64.lt_u (local.tee 1 (i64.add (local.get 1) (i64.const 1))) (i64.const 9)))))
  (func (export "observed, though it moves both ways") (param i32)
    (loop
      (if (i32.load (local.get 0)) (then
        (local.set 0 (i32.add (local.get 0) (i32.const 4)))
        (br 1)))
      (local.set 0 (i32.add (i32.const 4) (local.get 0)))
      (br 0)))
  (func (export "observed one way") (param i32)
    (loop
      (if (i32.load (local.get 0)) (then (local.set 0 (i32.add (local.get 0) (i32.const 4)))))
      (br 0)))
  (func (export "observed two steps") (param i32)
    (loop
      (if (i32.load (local.get 0)) (then
        (local.set 0 (i32.add (local.get 0) (i32.const 8)))
        (br 1)))
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (br 0)))
  (func (export "observed early jump") (param i32)
    (loop
      (br_if 0 (i32.load (local.get 0)))
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (br 0)))
  (func (export "observed table") (param i32)
    (block (loop
      (i32.load (local.get 0))
      (br_table 0 1)
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (br 0))))
  (func (export "observed masked") (param i32) (local i32)
    (loop
      (i32.store (i32.and (local.tee 1 (i32.add (local.get 1) (i32.const 4))) (i32.const 60)) (i32.const 1))
      (br 0)))
  (func (export "observed difference") (param i32) (local i32)
    (loop
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (local.set 1 (i32.add (local.get 1) (i32.const 4)))
      (br_if 0 (i32.load (i32.sub (local.get 0) (local.get 1))))))
  (func (export "observed full turn") (param i32) (local i32)
    (loop
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if 0 (i32.load (i32.mul (local.get 1) (i32.const 0))))
      (br_if 0 (i32.load (i32.wrap_i64 (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32)))))))
  (func (export "observed loaded") (param i32)
    (loop (br_if 0 (local.tee 0 (i32.load (local.get 0))))))
  (func (export "observed call") (param i32)
    (loop
      (call $nothing)
      (i32.store (local.get 0) (i32.const 1))
      (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 4))))))
  (func $nothing)
  (func (export "observed atomic") (param i32)
    (loop
      (drop (i32.atomic.load (local.get 0)))
      (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 4)))))))
;; C of f:
;; void fn0(u32 l0, u32 l1) {
;;   u32 l2 = 0;
;;   L1:;
;;   HIDE(l2);
;;   l2 = 64u;
;;   OBSERVE;
;;   L2:;
;;   u32 t1 = i32_add(l0, l2);
;;   plain_i32_store8(t1, 99u, l1);
;;   u32 t2 = i32_sub(l2, 1u);
;;   l2 = t2;
;;   if (t2) {
;;     goto L2;
;;   }
;;   i32_store(l0, 0u, l2);
;;   u32 t3 = i32_load(l0, 0u);
;;   OBSERVE;
;;   if (t3) {
;;     goto L1;
;;   }
;;   return;
;; }
