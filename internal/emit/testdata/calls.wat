;; Indirect calls check the index, the type id and nothing else; further results pass
;; through words of the instance.
(module
  (type $t (func (param i32) (result i32)))
  (import "wali" "SYS_close" (func $close (param i32) (result i64)))
  (table 3 funcref)
  (global $g (mut i32) (i32.const 0))
  (func $pair (param i32) (result i32 i64)
    (local.get 0) (call $close (local.get 0)))
  (func (export "f") (param i32) (result i32)
    (global.set $g (call_indirect (type $t) (local.get 0) (i32.const 1)))
    (call $pair (global.get $g))
    drop))
;; C of f:
;; u32 fn2(u32 l0) {
;;   u32 t1 = ((u32 (*)(u32))vk_callee(-4152, 3u, 3u, 1u, 1u))(l0);
;;   AT(u32, -4112) = t1;
;;   u32 t2 = AT(u32, -4112);
;;   OBSERVE;
;;   u32 t3 = fn1(t2);
;;   u64 t4 = RESULT(u64, 1);
;;   KEEP_I(t4);
;;   return t3;
;; }
