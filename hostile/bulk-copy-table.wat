;; Copies a large table onto itself, again and again.
;; options: --timeout 300ms
;; outcome: limit-exceeded time

(module
  (table 100000 funcref)
  (func (export "process")
    (loop $again
      (table.copy (i32.const 0) (i32.const 1) (i32.const 99999))
      (br $again))))
