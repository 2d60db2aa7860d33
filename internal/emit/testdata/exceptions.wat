;; Legacy exceptions: which calls are checked, where they go.
(module
  (import "m" "host" (func $host))
  (tag $e (param i32 f64))
  (tag $none)
  (func $calm (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $throws (param i32) (result i32)
    (if (local.get 0) (then (throw $e (local.get 0) (f64.const 1))))
    (i32.const 2))
  (func (export "f") (param i32) (result i32)
    (call $host)
    (drop (call $throws (call $calm (local.get 0))))
    (try (result i32)
      (do (call $throws (i32.const 3)))
      (catch $e (drop))
      (catch_all
        (try (do (rethrow 1)) (delegate 0))
        (i32.const 4)))))
;; C of f:
;; u32 fn3(u32 l0) {
;;   u32 b1_0;
;;   OBSERVE;
;;   fn0();
;;   OBSERVE;
;;   u32 t1 = fn1(l0);
;;   OBSERVE;
;;   u32 t2 = fn2(t1);
;;   if (IS_THROWN) goto X;
;;   KEEP_I(t2);
;;   OBSERVE;
;;   u32 t3 = fn2(3u);
;;   if (IS_THROWN) goto H1;
;;   b1_0 = t3;
;;   goto L1;
;;   H1:;
;;   if (THROWN != 1) goto N1_1;
;;   u32 t4 = RESULT(u32, 0);
;;   f64 t5 = RESULT(f64, 1);
;;   THROWN = 0;
;;   KEEP_F(t5);
;;   b1_0 = t4;
;;   goto L1;
;;   N1_1:;
;;   u32 t6 = THROWN;
;;   v128 t7 = RESULT(v128, 0);
;;   v128 t8 = RESULT(v128, 1);
;;   THROWN = 0;
;;   THROWN = t6;
;;   RESULT(v128, 0) = t7;
;;   RESULT(v128, 1) = t8;
;;   goto H2;
;;   H2:;
;;   goto X;
;;   L1:;
;;   return b1_0;
;; X:;
;;   return 0;
;; }
