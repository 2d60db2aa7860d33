;; Addresses that are sums of two numbers and a constant, modulo 2^32, in loops; and a jump of many places in a loop.
(module
  (memory (export "memory") 1)
  (data (i32.const 256) "\01\02\03\04\05\06\07\08\89\0a\0b\0c\0d\0e\0f\10\11\12\13\14\15\16\17\18\19\1a\1b\1c\1d\1e\1f\20")
  ;; Each kind of load at base + index + 256, index 0 to 7, added up.
  (func (export "loads") (param $base i32) (result i64) (local $i i32) (local $sum i64)
    (loop
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3))
        (i64.add
          (i64.add
            (i64.extend_i32_u (i32.load8_u (i32.add (i32.add (local.get $base) (local.get $i)) (i32.const 256))))
            (i64.extend_i32_s (i32.load8_s (i32.add (i32.add (local.get $base) (i32.const 256)) (local.get $i)))))
          (i64.add
            (i64.add
              (i64.extend_i32_u (i32.load16_u (i32.add (i32.const 256) (i32.add (local.get $i) (local.get $base)))))
              (i64.extend_i32_s (i32.load16_s (i32.add (i32.add (local.get $base) (i32.const 300)) (i32.add (local.get $i) (i32.const -44))))))
            (i64.add
              (i64.extend_i32_u (i32.load (i32.add (i32.add (local.get $base) (local.get $i)) (i32.const 256))))
              (i64.load (i32.add (i32.add (local.get $base) (local.get $i)) (i32.const 256))))))))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if 0 (i32.ne (local.get $i) (i32.const 8))))
    (local.get $sum))
  ;; The same numbers with addresses that are no sums to the translator.
  (func (export "plainly") (param $base i32) (result i64) (local $i i32) (local $sum i64) (local $at i32)
    (loop
      (local.set $at (i32.sub (local.get $base) (i32.sub (i32.const -256) (local.get $i))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3))
        (i64.add
          (i64.add (i64.extend_i32_u (i32.load8_u (local.get $at))) (i64.extend_i32_s (i32.load8_s (local.get $at))))
          (i64.add
            (i64.add (i64.extend_i32_u (i32.load16_u (local.get $at))) (i64.extend_i32_s (i32.load16_s (local.get $at))))
            (i64.add (i64.extend_i32_u (i32.load (local.get $at))) (i64.load (local.get $at)))))))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if 0 (i32.ne (local.get $i) (i32.const 8))))
    (local.get $sum))
  ;; A sum whose terms change before it is used is that of what they were.
  (func (export "stale") (param $a i32) (param $b i32) (result i32) (local $at i32) (local $n i32) (local $sum i32)
    (loop
      (local.set $at (i32.add (i32.add (local.get $a) (local.get $b)) (i32.const 256)))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 100)) (i32.load8_u (local.get $at))))
      (local.set $b (i32.add (local.get $b) (i32.const 1)))
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 100)) (i32.load8_u (i32.add (local.get $at) (i32.const 1)))))
      (i32.store (i32.const 0) (local.get $sum))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if 0 (i32.ne (local.get $n) (i32.const 2))))
    (local.get $sum))
  ;; Where ways meet, nothing is known of a sum.
  (func (export "meet") (param $a i32) (param $b i32) (param $c i32) (result i32) (local $at i32) (local $n i32) (local $sum i32)
    (loop
      (local.set $at (i32.add (i32.add (local.get $a) (local.get $b)) (i32.const 256)))
      (if (local.get $c) (then (local.set $at (i32.add (i32.add (local.get $b) (local.get $c)) (i32.const 256)))))
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 100)) (i32.load8_u (local.get $at))))
      (i32.store (i32.const 0) (local.get $sum))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if 0 (i32.ne (local.get $n) (i32.const 2))))
    (local.get $sum))
  ;; Vectors, 16 bytes further each time, until $i is 48: each is what it was, plus one.
  (func (export "vectors") (param $from i32) (param $to i32) (param $i i32)
    (loop
      (v128.store (i32.add (local.get $to) (local.get $i))
        (i8x16.add (v128.load (i32.add (local.get $from) (local.get $i))) (i8x16.splat (i32.const 1))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br_if 0 (i32.ne (local.get $i) (i32.const 48)))))
  (func (export "byte") (param $at i32) (result i32) (i32.load8_u (local.get $at)))
  ;; A load of which nothing is used traps all the same.
  (func (export "unused") (param $a i32) (param $b i32)
    (loop
      (drop (i32.load8_u (i32.add (i32.add (local.get $a) (local.get $b)) (i32.const 256))))
      (i32.store (i32.const 0) (local.get $a))
      (br_if 0 (i32.ne (local.tee $a (i32.add (local.get $a) (i32.const 65536))) (i32.const 655360)))))
  ;; An interpreter of the numbers at 1024: 0 to 5 do something, others count, 6 ends.
  (func (export "machine") (param $op i32) (result i32) (local $acc i32) (local $n i32)
    (loop $next
      (br_if 0 (i32.eqz (local.tee $n (i32.add (local.get $n) (i32.const 1)))))
      (block $other (block $end (block $five (block $four (block $three (block $two (block $one (block $zero
        (br_table $zero $one $two $three $four $five $end $other $one $other (local.get $op)))
        (local.set $acc (i32.add (local.get $acc) (i32.const 1))) (local.set $op (i32.const 3)) (br $next))
        (local.set $acc (i32.mul (local.get $acc) (i32.const 3))) (local.set $op (i32.const 2)) (br $next))
        (local.set $acc (i32.xor (local.get $acc) (i32.const 5))) (local.set $op (i32.const 4)) (br $next))
        (local.set $acc (i32.sub (local.get $acc) (i32.const 7))) (local.set $op (i32.const 1)) (br $next))
        (local.set $acc (i32.shl (local.get $acc) (i32.const 1))) (local.set $op (i32.const 5)) (br $next))
        (local.set $acc (i32.rotl (local.get $acc) (i32.const 9))) (local.set $op (i32.const 6)) (br $next))
        (return (local.get $acc)))
      (local.set $acc (i32.add (local.get $acc) (i32.const 1000)))
      (local.set $op (i32.const 0))
      (br $next))
    (unreachable)))
