;; Waits for as many events at once as 32 bits can count: they cannot be in its memory.
;; outcome: exited exit
;; says: 28

(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "process")
    (call $exit (call $poll (i32.const 0) (i32.const 64) (i32.const -1) (i32.const 128)))))
