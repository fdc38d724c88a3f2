;; Prints and fails with what would take over a terminal: a title, colours, a cleared screen, a
;; carriage return over the line, and text that runs backwards.
;; outcome: raised

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "\1b]0;owned\07\1b[31m\1b[2J\0drewritten\c2\9b31m\e2\80\aebackwards")
  (data (i32.const 300) "metadata/failure.error")
  (data (i32.const 400) "{\"kind\":\"\\u001b[31mKind\",\"message\":\"\\u001b]0;owned\\u0007\\rmessage\\u202e\",\"traceback\":\"\\u001b[2J\"}")
  (func (export "process") (result i32)
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 54))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 300) (i32.const 22)
      (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (i32.const 400))
    (i32.store (i32.const 4) (i32.const 97))
    (drop (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $close (i32.load (i32.const 16))))
    (i32.const 1)))
