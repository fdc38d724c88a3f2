;; Never comes back.
;; options: --timeout 300ms
;; outcome: limit-exceeded time

(module
  (func (export "process")
    (loop $again (br $again))))
