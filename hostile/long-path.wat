;; Opens a path of 100,000 segments.
;; outcome: exited exit
;; says: 37

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 8)
  (func (export "process") (local $at i32)
    (loop $again
      (i32.store16 (i32.add (i32.const 1000) (local.get $at)) (i32.const 0x2f61))
      (br_if $again (i32.lt_u
        (local.tee $at (i32.add (local.get $at) (i32.const 2))) (i32.const 200000))))
    ;; ENAMETOOLONG is 37.
    (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 1000) (i32.const 200000)
      (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))))
