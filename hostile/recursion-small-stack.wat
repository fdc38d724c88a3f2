;; The same on the smallest stack that is accepted.
;; options: --max-stack 64KiB
;; outcome: trapped stack-overflow

(module
  (func $deeper (call $deeper))
  (func (export "process") (call $deeper)))
