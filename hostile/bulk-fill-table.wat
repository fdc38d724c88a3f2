;; Fills all of a large table, again and again, with one instruction each.
;; options: --timeout 300ms
;; outcome: limit-exceeded time

(module
  (table 200000 funcref)
  (func (export "process")
    (loop $again
      (table.fill (i32.const 0) (ref.null func) (i32.const 200000))
      (br $again))))
