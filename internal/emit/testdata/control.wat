;; Structured control becomes labels and gotos.
(module
  (func (export "f") (param i32 i32) (result i32)
    (local i32)
    (block (result i32)
      (loop
        (br_if 1 (i32.const 7) (i32.eqz (local.get 0)))
        drop
        (local.set 2 (i32.add (local.get 2) (local.get 1)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br 0))
      unreachable)
    (if (result i32) (local.get 2)
      (then (local.get 1))
      (else (i32.const -1)))
    i32.add))
;; C of f:
;; u32 fn0(u32 l0, u32 l1) {
;;   u32 l2 = 0;
;;   u32 b1_0;
;;   u32 b3_0;
;;   OBSERVE;
;;   L2:;
;;   u32 t1 = i32_eqz(l0);
;;   if (t1) {
;;     b1_0 = 7u;
;;     goto L1;
;;   }
;;   u32 t2 = i32_add(l2, l1);
;;   l2 = t2;
;;   u32 t3 = i32_sub(l0, 1u);
;;   l0 = t3;
;;   goto L2;
;;   L1:;
;;   if (!l2) goto E3;
;;   b3_0 = l1;
;;   goto L3;
;;   E3:;
;;   b3_0 = 4294967295u;
;;   L3:;
;;   u32 t4 = i32_add(b1_0, b3_0);
;;   return t4;
;; }
