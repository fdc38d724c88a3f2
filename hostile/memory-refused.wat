;; Takes all memory that it can get, and is content with that.
;; options: --max-memory 64MiB
;; outcome: completed

(module
  (memory (export "memory") 1)
  (func (export "process")
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))))
