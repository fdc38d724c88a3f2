;; A guest in WebAssembly text: counts the lines of its input and hands over one row.
;;
;;     wadup run examples/wat-line-count/line-count.wat --input README.md --output lines.db
;;
;; It shows wadup's whole protocol in its smallest form. Any module can be a guest that
;;
;;   * imports from `wasi_snapshot_preview1` only and exports its memory as `memory`,
;;   * exports `process` without parameters, or `_start`,
;;   * reads its input from `/data.bin`,
;;   * hands over tables and rows by writing JSON to a file in `/metadata` and closing it,
;;   * returns 0 (or nothing) if all went well.
;;
;; The row is written as
;;
;;     {"tables":[{"name":"lines","columns":[{"name":"lines","data_type":"Int64"}]}],
;;      "rows":[{"table_name":"lines","values":[{"Int64":42}]}]}
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close"
    (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit"
    (func $proc_exit (param i32)))

  (memory (export "memory") 2)

  ;; Where things are in memory.
  (global $result i32 (i32.const 0))      ;; what a WASI function answers, 4 bytes
  (global $iovec i32 (i32.const 16))      ;; a buffer's address and length, for WASI
  (global $digits_end i32 (i32.const 96)) ;; a number in decimal ends here
  (global $buffer i32 (i32.const 65536))  ;; a piece of the input, 64 KiB

  ;; `/` is preopened as descriptor 3, and paths are relative to it.
  (data (i32.const 100) "data.bin")
  (data (i32.const 120) "metadata/lines.json")
  (data (i32.const 200) "{\22tables\22:[{\22name\22:\22lines\22,\22columns\22:[{\22name\22:\22lines\22,\22data_type\22:\22Int64\22}]}],\22rows\22:[{\22table_name\22:\22lines\22,\22values\22:[{\22Int64\22:")
  (data (i32.const 400) "}]}]}")

  (func (export "process")
    (local $fd i32)
    (local $lines i64)
    (local $digits i32)
    (local.set $lines (call $count_lines))

    ;; 9: create and truncate; 0x42: the right to write
    (local.set $fd
      (call $open (i32.const 120) (i32.const 19) (i32.const 9) (i64.const 0x42)))
    (call $write (local.get $fd) (i32.const 200) (i32.const 127))
    (local.set $digits (call $format (local.get $lines)))
    (call $write (local.get $fd)
      (local.get $digits)
      (i32.sub (global.get $digits_end) (local.get $digits)))
    (call $write (local.get $fd) (i32.const 400) (i32.const 5))
    ;; Closing it hands it over.
    (call $check (call $fd_close (local.get $fd))))

  ;; The number of newlines in the input.
  (func $count_lines (result i64)
    (local $fd i32)
    (local $lines i64)
    (local $at i32)
    (local $end i32)
    (local.set $fd
      (call $open (i32.const 100) (i32.const 8) (i32.const 0) (i64.const 0x2)))
    (loop $read
      (i32.store (global.get $iovec) (global.get $buffer))
      (i32.store offset=4 (global.get $iovec) (i32.const 65536))
      (call $check
        (call $fd_read (local.get $fd) (global.get $iovec) (i32.const 1) (global.get $result)))
      (local.set $at (global.get $buffer))
      (local.set $end (i32.add (global.get $buffer) (i32.load (global.get $result))))
      (loop $next
        (if (i32.lt_u (local.get $at) (local.get $end))
          (then
            (local.set $lines
              (i64.add (local.get $lines)
                (i64.extend_i32_u (i32.eq (i32.load8_u (local.get $at)) (i32.const 10)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $next))))
      ;; 0 bytes are the end of the file.
      (br_if $read (i32.load (global.get $result))))
    (call $check (call $fd_close (local.get $fd)))
    (local.get $lines))

  ;; Writes a number in decimal; answers where it begins.
  (func $format (param $number i64) (result i32)
    (local $at i32)
    (local.set $at (global.get $digits_end))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48)
          (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $number) (i64.const 0))))
    (local.get $at))

  (func $open
    (param $path i32) (param $length i32) (param $oflags i32) (param $rights i64) (result i32)
    (call $check
      (call $path_open
        (i32.const 3) (i32.const 0) (local.get $path) (local.get $length)
        (local.get $oflags) (local.get $rights) (i64.const 0) (i32.const 0)
        (global.get $result)))
    (i32.load (global.get $result)))

  ;; Writes all of it: a single `fd_write` may write less.
  (func $write (param $fd i32) (param $data i32) (param $length i32)
    (loop $more
      (if (local.get $length)
        (then
          (i32.store (global.get $iovec) (local.get $data))
          (i32.store offset=4 (global.get $iovec) (local.get $length))
          (call $check
            (call $fd_write
              (local.get $fd) (global.get $iovec) (i32.const 1) (global.get $result)))
          (local.set $data (i32.add (local.get $data) (i32.load (global.get $result))))
          (local.set $length (i32.sub (local.get $length) (i32.load (global.get $result))))
          (br $more)))))

  ;; Ends the guest with the errno if there is one; the outcome is then `exited`.
  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno))))))
