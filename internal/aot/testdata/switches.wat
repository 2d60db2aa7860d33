;; Functions whose results clang knows to be few, and switches over them that need no comparison then.
(module
  (memory 1)
  (func $kind (param $n i32) (result i32)
    (local $i i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 3))))
    (if (i32.eq (i32.load (local.get $n)) (i32.const 9)) (then (return (i32.const 2))))
    (if (i32.gt_u (local.get $n) (i32.const 4096))
      (then
        (local.set $i (call $kind (i32.shr_u (local.get $n) (i32.const 1))))
        (i32.store (local.get $n) (local.get $i))
        (return (select (i32.const 1) (i32.const 5) (local.get $i)))))
    (i32.const 4))
  (func (export "index") (param $n i32) (result i32)
    (block $default
      (block $five
        (block $four
          (block $three
            (block $two
              (block $one
                (block $zero
                  (br_table $zero $one $two $three $four $five $default (call $kind (local.get $n))))
                (return (i32.const 70)))
              (i32.store (i32.const 16) (i32.const 1))
              (return (i32.load8_u (i32.const 77))))
            (i32.store16 (i32.const 16) (i32.const 1))
            (return (i32.load (i32.const 177))))
          (return (call $kind (i32.const 33))))
        (i32.store16 (i32.const 99) (i32.const 8))
        (return (i32.const 50)))
      (i32.store16 (i32.const 299) (i32.const 8))
      (return (i32.add (call $kind (i32.const 34)) (i32.const 1))))
    (i32.const -1)))
