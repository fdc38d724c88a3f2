;; Never comes back; fuel ends it at the same place every time.
;; options: --fuel 1000000
;; outcome: limit-exceeded fuel

(module
  (func (export "process")
    (loop $again (br $again))))
