;; Waits for a million events, all of which are there at once, for ever.
;; options: --timeout 500ms --max-memory 128MiB
;; outcome: limit-exceeded time

(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1400)
  (func (export "process")
    ;; A million subscriptions of 48 bytes, all zero: clocks that are due; 32 bytes for each event.
    (loop $again
      (drop (call $poll (i32.const 0) (i32.const 48000000) (i32.const 1000000) (i32.const 90000000)))
      (br $again))))
