;; Never comes back from its start function, before `process` is called.
;; options: --timeout 300ms
;; outcome: limit-exceeded time

(module
  (func $start
    (loop $again (br $again)))
  (func (export "process"))
  (start $start))
