;; Opens a file again and again and closes none.
;; outcome: limit-exceeded descriptors

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "data.bin")
  (func (export "process")
    (loop $again
      (if (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 8)
            (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))
        (then unreachable))
      (br $again))))
