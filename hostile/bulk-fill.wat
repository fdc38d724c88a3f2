;; Fills all of its memory, again and again, with one instruction each.
;; options: --timeout 300ms --max-memory 256MiB
;; outcome: limit-exceeded time

(module
  (memory 4096)
  (func (export "process")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x10000000))
      (br $again))))
