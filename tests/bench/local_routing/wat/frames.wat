  ;; What both guests of the bench share: the ABI's block and inbox, and a walk through MessagePack. No module by itself:
  ;; guests.py puts it behind requester.wat or responder.wat.
  ;;
  ;; Memory: 0 tables, 64 control block, 96 to 4095 the guest's own, 4096 inbox of init and batches, then outbox.
  (memory (export "memory") 1)

  ;; Per type byte from 0xc0: bytes of length that follow, and bytes of value that always follow.
  (data (i32.const 0)
    "\00\00\00\00\01\02\04\01\02\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\02\04\02\04\02\04")
  (data (i32.const 32)
    "\00\00\00\00\00\00\00\01\01\01\04\08\01\02\04\08\01\02\04\08\02\03\05\09\11\00\00\00\00\00\00\00")
  ;; Control block: ABI 1, handled, out_ptr, out_len, flags.
  (data (i32.const 64) "\01\00\00\00")

  (global $outbox (mut i32) (i32.const 0))
  (global $room (mut i32) (i32.const 0)) ;; bytes of memory
  (global $from (mut i32) (i32.const 0)) ;; where the field that `skip_to` found begins

  (func (export "caxton_abi_v1") (result i32)
    (global.set $room (i32.shl (memory.size) (i32.const 16)))
    (i32.const 64))

  (func (export "caxton_inbox") (param $len i32) (result i32)
    (if (i32.gt_u (local.get $len) (i32.const 0x1000000)) (then (return (i32.const 0))))
    ;; Room for the eight bytes at a time that copying may read and write too much.
    (global.set $outbox (i32.add (i32.const 4112) (local.get $len)))
    (call $reach (global.get $outbox))
    (i32.const 4096))

  ;; Handle a batch: `$answer` writes what one envelope leads to behind what is there already.
  (func (export "caxton_handle") (param $len i32) (result i32)
    (local $at i32) (local $end i32) (local $stop i32) (local $out i32)
    (local.set $at (i32.const 4096))
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
          (call $answer (i32.add (local.get $at) (i32.const 4)) (local.get $stop) (local.get $out)))
        (local.set $at (local.get $stop))
        (i32.store (i32.const 76) (i32.sub (local.get $out) (global.get $outbox)))
        (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Make memory reach beyond an address, with room for one frame more.
  (func $reach (param $at i32)
    (if (i32.gt_u (i32.add (local.get $at) (i32.const 0x1000)) (global.get $room))
      (then
        (if (i32.eq (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))
        (global.set $room (i32.shl (memory.size) (i32.const 16)))
        (call $reach (local.get $at)))))

  ;; Return the address behind an array's head.
  (func $enter (param $at i32) (result i32)
    (local $i i32)
    ;; array 16 (0xdc) has two bytes of count behind its type, array 32 (0xdd) four, a short array none
    (local.set $i (i32.sub (i32.load8_u (local.get $at)) (i32.const 0xdb)))
    (i32.add
      (i32.add (local.get $at) (i32.const 1))
      (select (i32.shl (local.get $i) (i32.const 1)) (i32.const 0) (i32.le_u (local.get $i) (i32.const 2)))))

  ;; Pass over `count` values and one more; return the address behind it, or 0. `$from` is where the last one begins.
  (func $skip_to (param $at i32) (param $end i32) (param $count i32) (result i32)
    (loop $next
      (global.set $from (local.get $at))
      (local.set $at (call $skip (local.get $at) (local.get $end)))
      (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (i32.ge_s (local.get $count) (i32.const 0))))
    (local.get $at))

  ;; Copy eight bytes at a time, up to seven too many: the next write covers them. Return the address behind the copy.
  (func $copy (param $to i32) (param $from i32) (param $length i32) (result i32)
    (local $stop i32) (local $at i32)
    (local.set $stop (i32.add (local.get $from) (local.get $length)))
    (local.set $at (local.get $to))
    (loop $words
      (i64.store (local.get $at) (i64.load (local.get $from)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (br_if $words (i32.lt_u (local.get $from) (local.get $stop))))
    (i32.add (local.get $to) (local.get $length)))

  ;; Return the address of the value that a map has for a key, or 0.
  (func $find (param $at i32) (param $end i32) (param $key i32) (param $length i32) (result i32)
    (local $count i32) (local $value i32)
    (local.set $count (i32.and (i32.load8_u (local.get $at)) (i32.const 15)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
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
    (local.get $at))
