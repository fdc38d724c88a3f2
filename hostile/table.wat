;; Makes a table as large as it gets, and needs it larger.
;; outcome: limit-exceeded table

(module
  (table 1 funcref)
  (func (export "process")
    (loop $again
      (if (i32.eq (table.grow (ref.null func) (i32.const 100000)) (i32.const -1)) (then unreachable))
      (br $again))))
