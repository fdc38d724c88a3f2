;; Emits itself, twice as often at every depth.
;; options: --max-depth 1000000 --max-subcontent 2000
;; outcome: completed
;; tree: limit-exceeded sub-content

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "subcontent/0.bin")
  (data (i32.const 200) "subcontent/0.json")
  (data (i32.const 300) "{\"filename\":\"again\"}")
  (func $put (param $path i32) (param $length i32) (param $data i32) (param $size i32)
    (drop (call $open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length)
      (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (local.get $data))
    (i32.store (i32.const 4) (local.get $size))
    (drop (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $close (i32.load (i32.const 16)))))
  (func $emit (param $digit i32)
    (i32.store8 (i32.const 111) (local.get $digit))
    (i32.store8 (i32.const 211) (local.get $digit))
    (call $put (i32.const 100) (i32.const 16) (i32.const 300) (i32.const 20))
    (call $put (i32.const 200) (i32.const 17) (i32.const 300) (i32.const 20)))
  (func (export "process")
    (call $emit (i32.const 48))
    (call $emit (i32.const 49))))
