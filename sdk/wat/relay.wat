;; relay: sends each message's content on to the agent named `next` in its configuration; the cheapest agent that does
;; real work, made for measuring the host. Without `next` it is a sink.
;;
;; What it sends is [INFORM, nil, next, content, conversation_id]. The first three are written once, at init; the last
;; two stand side by side in every envelope and are copied as they are. The language is not copied, which would cost as
;; much again, so it relays JSON: to any other content the host says NOT_UNDERSTOOD.
;;
;; Memory: 0 tables, 64 control block, 96 names, 256 head of an envelope, 1024 inbox of init and batches, then outbox.
(module
  (memory (export "memory") 1)

  ;; Per type byte from 0xc0: bytes of length that follow, and bytes of value that always follow.
  (data (i32.const 0)
    "\00\00\00\00\01\02\04\01\02\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\02\04\02\04\02\04")
  (data (i32.const 32)
    "\00\00\00\00\00\00\00\01\01\01\04\08\01\02\04\08\01\02\04\08\02\03\05\09\11\00\00\00\00\00\00\00")
  ;; Control block: ABI 1, handled, out_ptr, out_len, flags.
  (data (i32.const 64) "\01\00\00\00")
  ;; The keys that are looked for, as MessagePack writes them.
  (data (i32.const 96) "\a6config")
  (data (i32.const 112) "\a4next")

  (global $outbox (mut i32) (i32.const 0))
  (global $head (mut i32) (i32.const 0)) ;; length of the head at 256; 0 = sink

  (func (export "caxton_abi_v1") (result i32) (i32.const 64))

  ;; A message that is sent on has at least ten bytes, and what is sent is no longer than it and the head.
  (func (export "caxton_inbox") (param $len i32) (result i32)
    (local $pages i32)
    (if (i32.gt_u (local.get $len) (i32.const 0x1000000)) (then (return (i32.const 0))))
    (local.set $pages
      (i32.shr_u
        (i32.add
          (i32.mul (local.get $len) (i32.add (i32.const 3) (i32.shr_u (global.get $head) (i32.const 3))))
          (i32.const 0x10800))
        (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const 0))))))
    ;; Room for the eight bytes at a time that copying may read and write too much.
    (global.set $outbox (i32.add (i32.const 1040) (local.get $len)))
    (i32.const 1024))

  (func (export "caxton_init") (param $len i32) (result i32)
    (local $end i32) (local $next i32) (local $length i32)
    (local.set $end (i32.add (i32.const 1024) (local.get $len)))
    (local.set $next (call $find (i32.const 1024) (local.get $end) (i32.const 96) (i32.const 7)))
    (if (i32.eqz (local.get $next)) (then (return (i32.const 0))))
    (local.set $next (call $find (local.get $next) (local.get $end) (i32.const 112) (i32.const 5)))
    (if (i32.eqz (local.get $next)) (then (return (i32.const 0))))
    (local.set $length (i32.sub (call $skip (local.get $next) (local.get $end)) (local.get $next)))
    ;; Names are short: more than 500 bytes is no name.
    (if (i32.gt_u (local.get $length) (i32.const 500)) (then (return (i32.const 1))))
    (i32.store8 (i32.const 256) (i32.const 0x95)) ;; five positions
    (i32.store8 (i32.const 257) (i32.const 0x08)) ;; 0 performative: INFORM
    (i32.store8 (i32.const 258) (i32.const 0xc0)) ;; 1 sender: the host writes it
    (call $copy (i32.const 259) (local.get $next) (local.get $length))
    (global.set $head (i32.add (i32.const 3) (local.get $length)))
    (i32.const 0))

  (func (export "caxton_handle") (param $len i32) (result i32)
    (local $at i32) (local $end i32) (local $stop i32) (local $out i32)
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (local.set $out (global.get $outbox))
    (i32.store (i32.const 68) (i32.const 0))
    (i32.store (i32.const 72) (local.get $out))
    (i32.store (i32.const 76) (i32.const 0))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $stop (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
        (local.set $out
          (call $forward (i32.add (local.get $at) (i32.const 4)) (local.get $stop) (local.get $out)))
        (local.set $at (local.get $stop))
        (i32.store (i32.const 76) (i32.sub (local.get $out) (global.get $outbox)))
        (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Send one envelope on; return where the next frame goes. What is not an envelope of five positions is passed over.
  (func $forward (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $from i32) (local $stop i32) (local $i i32)
    (if (i32.eqz (global.get $head)) (then (return (local.get $out))))
    (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $out))))
    ;; array 16 (0xdc) has two bytes of count behind its type, array 32 (0xdd) four, a short array none
    (local.set $i (i32.sub (i32.load8_u (local.get $at)) (i32.const 0xdb)))
    (local.set $stop
      (i32.add
        (i32.add (local.get $at) (i32.const 1))
        (select (i32.shl (local.get $i) (i32.const 1)) (i32.const 0) (i32.le_u (local.get $i) (i32.const 2)))))
    (local.set $i (i32.const 0))
    ;; performative, sender, receivers; then content and conversation_id
    (loop $next
      (if (i32.eq (local.get $i) (i32.const 3)) (then (local.set $from (local.get $stop))))
      (local.set $stop (call $skip (local.get $stop) (local.get $end)))
      (if (i32.eqz (local.get $stop)) (then (return (local.get $out))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 5))))
    (local.set $i (i32.sub (local.get $stop) (local.get $from)))
    (i32.store (local.get $out) (i32.add (global.get $head) (local.get $i)))
    (local.set $out (i32.add (local.get $out) (i32.const 4)))
    (call $copy (local.get $out) (i32.const 256) (global.get $head))
    (local.set $out (i32.add (local.get $out) (global.get $head)))
    (call $copy (local.get $out) (local.get $from) (local.get $i))
    (i32.add (local.get $out) (local.get $i)))

  ;; Eight bytes at a time, up to seven too many: the next write covers them.
  (func $copy (param $to i32) (param $from i32) (param $length i32)
    (local $stop i32)
    (local.set $stop (i32.add (local.get $from) (local.get $length)))
    (loop $words
      (i64.store (local.get $to) (i64.load (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.const 8)))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (br_if $words (i32.lt_u (local.get $from) (local.get $stop)))))

  ;; Return the address of the value that a map has for a key, or 0.
  (func $find (param $at i32) (param $end i32) (param $key i32) (param $length i32) (result i32)
    (local $count i32) (local $value i32)
    (local.set $count (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $count) (i32.const 0xde)) ;; map 16
      (then
        (local.set $count
          (i32.or
            (i32.shl (i32.load8_u offset=1 (local.get $at)) (i32.const 8))
            (i32.load8_u offset=2 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 3))))
      (else
        (if (i32.ne (i32.and (local.get $count) (i32.const 0xf0)) (i32.const 0x80))
          (then (return (i32.const 0))))
        (local.set $count (i32.and (local.get $count) (i32.const 15)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))))
    (block $none
      (loop $next
        (br_if $none (i32.eqz (local.get $count)))
        (local.set $value (call $skip (local.get $at) (local.get $end)))
        (br_if $none (i32.eqz (local.get $value)))
        (if (i32.eq (i32.sub (local.get $value) (local.get $at)) (local.get $length))
          (then
            (if (call $same (local.get $at) (local.get $key) (local.get $length))
              (then (return (local.get $value))))))
        (local.set $at (call $skip (local.get $value) (local.get $end)))
        (br_if $none (i32.eqz (local.get $at)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  (func $same (param $a i32) (param $b i32) (param $length i32) (result i32)
    (loop $next
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (if (i32.ne
            (i32.load8_u (i32.add (local.get $a) (local.get $length)))
            (i32.load8_u (i32.add (local.get $b) (local.get $length))))
        (then (return (i32.const 0))))
      (br_if $next (local.get $length)))
    (i32.const 1))

  ;; Return the address behind one MessagePack value, however nested, or 0 when it does not end before `end`.
  (func $skip (param $at i32) (param $end i32) (result i32)
    (local $left i32) (local $type i32) (local $size i32) (local $i i32) (local $value i32)
    (local.set $left (i32.const 1))
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
      (local.set $type (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (local.set $size (i32.const 0))
      (if (i32.and (i32.ge_u (local.get $type) (i32.const 0x80)) (i32.lt_u (local.get $type) (i32.const 0xe0)))
        (then
          (if (i32.lt_u (local.get $type) (i32.const 0xc0))
            (then
              (if (i32.ge_u (local.get $type) (i32.const 0xa0))
                (then (local.set $size (i32.and (local.get $type) (i32.const 31)))) ;; short text
                (else ;; short map: two values an entry; short array
                  (local.set $left
                    (i32.add (local.get $left)
                      (i32.shl
                        (i32.and (local.get $type) (i32.const 15))
                        (i32.lt_u (local.get $type) (i32.const 0x90))))))))
            (else
              (local.set $type (i32.sub (local.get $type) (i32.const 0xc0)))
              (local.set $size (i32.load8_u offset=32 (local.get $type)))
              (local.set $i (i32.load8_u (local.get $type)))
              (if (local.get $i)
                (then
                  (if (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (local.get $i))
                    (then (return (i32.const 0))))
                  (local.set $value (i32.const 0))
                  (loop $length
                    (local.set $value
                      (i32.or (i32.shl (local.get $value) (i32.const 8)) (i32.load8_u (local.get $at))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                    (br_if $length (local.get $i)))
                  ;; Neither bytes nor children can be more than the bytes that are left.
                  (if (i32.gt_u (local.get $value) (i32.sub (local.get $end) (local.get $at)))
                    (then (return (i32.const 0))))
                  (if (i32.lt_u (local.get $type) (i32.const 0x1c))
                    (then (local.set $size (i32.add (local.get $size) (local.get $value))))
                    (else
                      (local.set $left
                        (i32.add (local.get $left)
                          (i32.shl (local.get $value) (i32.ge_u (local.get $type) (i32.const 0x1e)))))))))))))
      (if (i32.gt_u (local.get $size) (i32.sub (local.get $end) (local.get $at))) (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      ;; Every value still to come has at least one byte; this also keeps the count from overflowing.
      (if (i32.gt_u (local.get $left) (i32.sub (local.get $end) (local.get $at))) (then (return (i32.const 0))))
      (br_if $next (local.get $left)))
    (local.get $at)))
