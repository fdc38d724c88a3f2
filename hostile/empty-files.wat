;; Makes empty files for ever, each with a name of its own.
;; options: --max-files 16MiB
;; outcome: limit-exceeded files

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "tmp/aaaaaaaa")
  (func (export "process") (local $n i32) (local $digit i32)
    (loop $again
      ;; Eight letters that count.
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (local.set $digit (i32.const 0))
      (loop $digits
        (i32.store8 (i32.add (i32.const 104) (local.get $digit))
          (i32.add (i32.const 97)
            (i32.and (i32.shr_u (local.get $n) (i32.mul (local.get $digit) (i32.const 4))) (i32.const 15))))
        (br_if $digits (i32.lt_u (local.tee $digit (i32.add (local.get $digit) (i32.const 1))) (i32.const 8))))
      (if (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 12)
            (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))
        (then unreachable))
      (drop (call $close (i32.load (i32.const 16))))
      (br $again))))
