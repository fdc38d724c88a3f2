;; Gives a system call a pointer that is not in its memory.
;; outcome: trapped invalid-wasi-call
;; says: out of bounds

(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "process")
    (drop (call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 0)))))
