;; A function that calls setjmp keeps the number of live records and restores it.
(module
  (import "wali" "setjmp" (func $setjmp (param i32) (result i32)))
  (func (export "f") (param i32) (result i32)
    (if (call $setjmp (local.get 0)) (then (return (i32.const 1))))
    (i32.const 0)))
;; C of f:
;; u32 fn1(u32 l0) {
;;   u32 records = AT(u32, VK_RECORDS);
;;   u32 t1 = FRESH_I(l0);
;;   u32 t2 = VK_SETJMP(t1);
;;   if (!t2) goto E1;
;;   AT(u32, VK_RECORDS) = records;
;;   return 1u;
;;   E1:;
;;   AT(u32, VK_RECORDS) = records;
;;   return 0u;
;; }
