;; Makes a file 2^62 bytes long.
;; outcome: limit-exceeded files

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $truncate (param i32 i64) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "tmp/long")
  (func (export "process")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 8)
      (i32.const 9) (i64.const 0x400044) (i64.const 0) (i32.const 0) (i32.const 16)))
    (if (call $truncate (i32.load (i32.const 16)) (i64.const 0x4000000000000000))
      (then unreachable))))
