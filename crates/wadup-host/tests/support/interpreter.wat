;; A guest that does what its input says, so that one artifact can behave in every way that a
;; test needs. The input is a list of commands, each a byte and its operands (little endian):
;;
;;   1 path_len:u16 data_len:u32 path data   write a file and close it
;;   2 code:u8                               return with a code
;;   3                                       trap
;;   4                                       loop for ever
;;   5 code:u8                               proc_exit
;;   6 pages:u32                             grow memory, whatever comes of it
;;   7                                       recurse for ever
;;   8 data_len:u32 data                     write to stdout
;;   9 path_len:u16 data_len:u32 path data   write a file and leave it open
;;  10 path_len:u16 path                     write the input itself to a file
;;  11 milliseconds:u32                      sleep
;;
;; At the end of the list it returns 0.
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
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

  ;; 0: a result, 16: an iovec, 1024: a path, 65536: the input
  (memory (export "memory") 2)
  (data (i32.const 1024) "data.bin")

  (global $input i32 (i32.const 65536))
  (global $end (mut i32) (i32.const 65536))

  (func $fail_unless_zero (param i32)
    (if (local.get 0) (then (call $proc_exit (i32.add (local.get 0) (i32.const 100))))))

  ;; A descriptor; oflags 0 to read, 9 to create and truncate.
  (func $open (param $path i32) (param $len i32) (param $oflags i32) (result i32)
    (call $fail_unless_zero (call $path_open
      (i32.const 3) (i32.const 0) (local.get $path) (local.get $len) (local.get $oflags)
      (select (i64.const 0x4000000000000042) (i64.const 0x2)
        (i32.ne (local.get $oflags) (i32.const 0)))
      (i64.const 0) (i32.const 0) (i32.const 0)))
    (i32.load (i32.const 0)))

  (func $iovec (param $data i32) (param $len i32)
    (i32.store (i32.const 16) (local.get $data))
    (i32.store (i32.const 20) (local.get $len)))

  (func $write_all (param $fd i32) (param $data i32) (param $len i32)
    (loop $more
      (if (local.get $len) (then
        (call $iovec (local.get $data) (local.get $len))
        (call $fail_unless_zero
          (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 0)))
        (local.set $data (i32.add (local.get $data) (i32.load (i32.const 0))))
        (local.set $len (i32.sub (local.get $len) (i32.load (i32.const 0))))
        (br $more)))))

  ;; Reads the input to its end, growing memory as needed.
  (func $read_input
    (local $fd i32)
    (local.set $fd (call $open (i32.const 1024) (i32.const 8) (i32.const 0)))
    (loop $more
      (if (i32.lt_u
            (i32.sub (i32.mul (memory.size) (i32.const 65536)) (global.get $end))
            (i32.const 65536))
        (then (drop (memory.grow (i32.const 1)))))
      (call $iovec (global.get $end) (i32.const 65536))
      (call $fail_unless_zero
        (call $fd_read (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 0)))
      (global.set $end (i32.add (global.get $end) (i32.load (i32.const 0))))
      (br_if $more (i32.load (i32.const 0))))
    (drop (call $fd_close (local.get $fd))))

  (func $recurse (param i64) (result i64)
    (i64.add (call $recurse (i64.add (local.get 0) (i64.const 1)))
      (i64.load (i32.wrap_i64 (i64.and (local.get 0) (i64.const 0xff))))))

  (func $sleep (param $milliseconds i32)
    ;; A subscription to the monotonic clock, from now on.
    (memory.fill (i32.const 2048) (i32.const 0) (i32.const 48))
    (i32.store (i32.const 2064) (i32.const 1))
    (i64.store (i32.const 2072)
      (i64.mul (i64.extend_i32_u (local.get $milliseconds)) (i64.const 1000000)))
    (drop (call $poll_oneoff
      (i32.const 2048) (i32.const 2304) (i32.const 1) (i32.const 0))))

  (func (export "process") (result i32)
    (local $at i32) (local $op i32) (local $path i32) (local $data i32) (local $len i32)
    (local $fd i32)
    (call $read_input)
    (local.set $at (global.get $input))
    (loop $next
      (if (i32.ge_u (local.get $at) (global.get $end)) (then (return (i32.const 0))))
      (local.set $op (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))

      (if (i32.or (i32.eq (local.get $op) (i32.const 1)) (i32.eq (local.get $op) (i32.const 9)))
        (then
          (local.set $path (i32.add (local.get $at) (i32.const 6)))
          (local.set $data
            (i32.add (local.get $path) (i32.load16_u (local.get $at))))
          (local.set $len (i32.load offset=2 (local.get $at)))
          (local.set $fd
            (call $open (local.get $path) (i32.load16_u (local.get $at)) (i32.const 9)))
          (call $write_all (local.get $fd) (local.get $data) (local.get $len))
          (if (i32.eq (local.get $op) (i32.const 1))
            (then (call $fail_unless_zero (call $fd_close (local.get $fd)))))
          (local.set $at (i32.add (local.get $data) (local.get $len)))
          (br $next)))
      (if (i32.eq (local.get $op) (i32.const 2))
        (then (return (i32.load8_u (local.get $at)))))
      (if (i32.eq (local.get $op) (i32.const 3)) (then unreachable))
      (if (i32.eq (local.get $op) (i32.const 4)) (then (loop (br 0))))
      (if (i32.eq (local.get $op) (i32.const 5))
        (then (call $proc_exit (i32.load8_u (local.get $at)))))
      (if (i32.eq (local.get $op) (i32.const 6)) (then
        (drop (memory.grow (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next)))
      (if (i32.eq (local.get $op) (i32.const 7))
        (then (drop (call $recurse (i64.const 0)))))
      (if (i32.eq (local.get $op) (i32.const 8)) (then
        (local.set $len (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (call $write_all (i32.const 1) (local.get $at) (local.get $len))
        (local.set $at (i32.add (local.get $at) (local.get $len)))
        (br $next)))
      (if (i32.eq (local.get $op) (i32.const 10)) (then
        (local.set $path (i32.add (local.get $at) (i32.const 2)))
        (local.set $len (i32.load16_u (local.get $at)))
        (local.set $fd (call $open (local.get $path) (local.get $len) (i32.const 9)))
        (call $write_all (local.get $fd) (global.get $input)
          (i32.sub (global.get $end) (global.get $input)))
        (call $fail_unless_zero (call $fd_close (local.get $fd)))
        (local.set $at (i32.add (local.get $path) (local.get $len)))
        (br $next)))
      (if (i32.eq (local.get $op) (i32.const 11)) (then
        (call $sleep (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next))))
    ;; An unknown command.
    (i32.const 99)))
