;; A local on the stack is copied only when it is set below; a dropped load is kept; a
;; constant that clang would fold is opaque.
(module
  (memory 1)
  (func (export "f") (param i32 f32) (result i32)
    (local.get 0)
    (local.set 0 (i32.const 5))
    (drop (i32.load offset=16 (local.get 0)))
    (i32.store8 offset=3 (local.get 0) (i32.wrap_i64 (i64.const -1)))
    (drop (f32.mul (local.get 1) (f32.const 1)))
    (i32.div_s (local.get 0))))
;; C of f:
;; u32 fn0(u32 l0, f32 l1) {
;;   u32 t1 = l0;
;;   l0 = 5u;
;;   u32 t2 = i32_load(l0, 16u);
;;   KEEP_I(t2);
;;   u32 t3 = i32_wrap_i64(18446744073709551615ul);
;;   i32_store8(l0, 3u, t3);
;;   f32 t4 = f32_mul(l1, OPAQUE_f32((0x1p+00f)));
;;   KEEP_F(t4);
;;   u32 t5 = i32_div_s(t1, l0);
;;   return t5;
;; }
