;; Copies half of its memory onto the other half, again and again, with one instruction each.
;; options: --timeout 300ms --max-memory 256MiB
;; outcome: limit-exceeded time

(module
  (memory 4096)
  (func (export "process")
    (loop $again
      (memory.copy (i32.const 0x8000000) (i32.const 0) (i32.const 0x8000000))
      (br $again))))
