;; Takes all that there is of everything at once, waits for others to do the same, and then hands
;; over one more row, of a text that is as long as it may be.
;; options: --max-memory 32MiB --max-files 16MiB --max-rows 4MiB --max-subcontent 2000
;; outcome: limit-exceeded rows
;; says: --max-rows

(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  ;; 0: a subscription to the clock. 64: an event. 128: what was opened. 132: how much was written.
  ;; 136: pointer and length of what is to be written.
  (data (i32.const 200) "tmp/filler")
  (data (i32.const 220) "metadata/0.json")
  (data (i32.const 240) "subcontent/0.bin")
  (data (i32.const 260) "subcontent/0.json")
  (data (i32.const 300) "{\"filename\":\"a piece\"}")
  (data (i32.const 400) "{\"tables\":[{\"name\":\"t\",\"columns\":[{\"name\":\"s\",\"data_type\":\"String\"}]}],\"rows\":[{\"table_name\":\"t\",\"values\":[{\"String\":\"\\n")
  (data (i32.const 600) "\"}]}]}")
  ;; From 65536 on: a chunk of 64 KiB for all contents.

  ;; Makes a file and leaves it open.
  (func $open (param $name i32) (param $length i32) (result i32)
    (if (call $path_open (i32.const 3) (i32.const 0) (local.get $name) (local.get $length)
          (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 128))
      (then unreachable))
    (i32.load (i32.const 128)))

  (func $write (param $fd i32) (param $from i32) (param $length i32) (result i32)
    (i32.store (i32.const 136) (local.get $from))
    (i32.store (i32.const 140) (local.get $length))
    (call $fd_write (local.get $fd) (i32.const 136) (i32.const 1) (i32.const 132)))

  (func $write_all (param $fd i32) (param $from i32) (param $length i32)
    (if (call $write (local.get $fd) (local.get $from) (local.get $length))
      (then unreachable)))

  (func $close (param $fd i32)
    (if (call $fd_close (local.get $fd)) (then unreachable)))

  ;; A row with a text of so many chunks of 64 KiB, in a file that is left open.
  (func $row (param $chunks i32) (result i32) (local $fd i32)
    (local.set $fd (call $open (i32.const 220) (i32.const 15)))
    (call $write_all (local.get $fd) (i32.const 400) (i32.const 120))
    (loop $more
      (call $write_all (local.get $fd) (i32.const 65536) (i32.const 65536))
      (br_if $more (local.tee $chunks (i32.sub (local.get $chunks) (i32.const 1)))))
    (call $write_all (local.get $fd) (i32.const 600) (i32.const 6))
    (local.get $fd))

  (func $piece (local $fd i32)
    (local.set $fd (call $open (i32.const 240) (i32.const 16)))
    (call $write_all (local.get $fd) (i32.const 65536) (i32.const 4096))
    (call $close (local.get $fd))
    (local.set $fd (call $open (i32.const 260) (i32.const 17)))
    (call $write_all (local.get $fd) (i32.const 300) (i32.const 22))
    (call $close (local.get $fd)))

  (func $chatter (param $fd i32) (param $times i32)
    (loop $more
      (drop (call $write (local.get $fd) (i32.const 65536) (i32.const 65536)))
      (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  (func $wait
    ;; Relative, monotonic: 3 s.
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3000000000))
    (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 132))))

  (func (export "process") (local $n i32) (local $fd i32)
    (local.set $n (i32.const 65536))
    (loop $letters
      (i32.store (local.get $n) (i32.const 0x78797a77))
      (br_if $letters
        (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 4))) (i32.const 131072))))

    (call $chatter (i32.const 1) (i32.const 10))
    (call $chatter (i32.const 2) (i32.const 10))
    ;; Rows: 63 chunks of the 64 that there may be.
    (call $close (call $row (i32.const 63)))
    (local.set $n (i32.const 2000))
    (loop $pieces
      (call $piece)
      (br_if $pieces (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    ;; One more row, to be handed over later.
    (local.set $fd (call $row (i32.const 63)))
    ;; Linear memory, page by page.
    (loop $grow
      (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (local.set $n (i32.const 1048576))
    (loop $touch
      (if (i32.lt_u (local.get $n) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (i32.store (local.get $n) (i32.const 1))
          (local.set $n (i32.add (local.get $n) (i32.const 4096)))
          (br $touch))))
    ;; What is left for files.
    (local.set $n (call $open (i32.const 200) (i32.const 10)))
    (loop $fill
      (br_if $fill
        (i32.eqz (call $write (local.get $n) (i32.const 65536) (i32.const 65536)))))
    (call $wait)
    (call $close (local.get $fd))))
