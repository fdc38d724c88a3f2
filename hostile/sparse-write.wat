;; Writes one byte far behind the end of a file, and one at the end of all offsets.
;; outcome: limit-exceeded files

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "tmp/sparse")
  (func (export "process")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 10)
      (i32.const 9) (i64.const 0x46) (i64.const 0) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $pwrite (i32.load (i32.const 16)) (i32.const 0) (i32.const 1)
      (i64.const 0x7ffffffffffffffe) (i32.const 8)))
    (if (call $pwrite (i32.load (i32.const 16)) (i32.const 0) (i32.const 1)
          (i64.const 0x10000000000) (i32.const 8))
      (then unreachable))))
