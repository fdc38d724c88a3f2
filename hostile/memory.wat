;; Takes all memory that it can get, and needs one more page.
;; options: --max-memory 64MiB
;; outcome: limit-exceeded memory

(module
  (memory (export "memory") 1)
  (func (export "process") (local $page i32)
    (loop $again
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
      (i32.store (i32.mul (memory.size) (i32.const 65528)) (i32.const 1))
      (br $again))))
