;; echo: answers every REQUEST with an INFORM that carries the same content.
;;
;; The smallest complete agent: ABI v1 and MessagePack by hand, no imports, no allocator. It copies the fields of a
;; reply as raw MessagePack and looks at no more of a message than it needs, so any valid envelope will do.
;;
;; Memory: 0 tables, 64 control block, 256 places of the envelope's fields, 1024 inbox, then outbox.
(module
  (memory (export "memory") 1)

  ;; Per type byte from 0xc0: bytes of length that follow, and bytes of value that always follow.
  (data (i32.const 0)
    "\00\00\00\00\01\02\04\01\02\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\02\04\02\04\02\04")
  (data (i32.const 32)
    "\00\00\00\00\00\00\00\01\01\01\04\08\01\02\04\08\01\02\04\08\02\03\05\09\11\00\00\00\00\00\00\00")
  ;; Control block: ABI 1, handled, out_ptr, out_len, flags.
  (data (i32.const 64) "\01\00\00\00")

  (global $outbox (mut i32) (i32.const 0))
  (global $out (mut i32) (i32.const 0))

  (func (export "caxton_abi_v1") (result i32) (i32.const 64))

  ;; The inbox takes as much as memory can grow to; the outbox behind it needs at most three times that.
  (func (export "caxton_inbox") (param $len i32) (result i32)
    (local $pages i32)
    (if (i32.gt_u (local.get $len) (i32.const 0x4000000)) (then (return (i32.const 0))))
    (local.set $pages
      (i32.shr_u (i32.add (i32.shl (local.get $len) (i32.const 2)) (i32.const 0x10800)) (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const 0))))))
    (global.set $outbox (i32.add (i32.const 1040) (local.get $len)))
    (i32.const 1024))

  (func (export "caxton_init") (param $len i32) (result i32) (i32.const 0))

  (func (export "caxton_handle") (param $len i32) (result i32)
    (local $at i32) (local $end i32) (local $stop i32)
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (global.set $out (global.get $outbox))
    (i32.store (i32.const 68) (i32.const 0))
    (i32.store (i32.const 72) (global.get $outbox))
    (i32.store (i32.const 76) (i32.const 0))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $stop (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
        (call $answer (i32.add (local.get $at) (i32.const 4)) (local.get $stop))
        (local.set $at (local.get $stop))
        (i32.store (i32.const 76) (i32.sub (global.get $out) (global.get $outbox)))
        (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Handle one envelope at [at, end); what is not an envelope is passed over.
  (func $answer (param $at i32) (param $end i32)
    (local $frame i32)
    (if (i32.eqz (call $index (local.get $at) (local.get $end))) (then (return)))
    ;; 0x13 is REQUEST; every other act wants no answer from an echo.
    (if (i32.ne (i32.load8_u (call $field (i32.const 0))) (i32.const 0x13)) (then (return)))
    ;; Nobody to answer to: neither reply_to nor sender.
    (if (call $is_nil (call $receiver)) (then (return)))
    (local.set $frame (global.get $out))
    (global.set $out (i32.add (local.get $frame) (i32.const 7)))
    (i32.store8 offset=4 (local.get $frame) (i32.const 0x9c)) ;; twelve positions
    (i32.store8 offset=5 (local.get $frame) (i32.const 0x08)) ;; 0 performative: INFORM
    (i32.store8 offset=6 (local.get $frame) (i32.const 0xc0)) ;; 1 sender: the host writes it
    (call $append (call $receiver))             ;; 2 receivers
    (call $append (i32.const 3))                ;; 3 content
    (call $append (i32.const 4))                ;; 4 conversation_id
    (call $append (i32.const 16))               ;; 5 reply_with: nil
    (call $append (i32.const 5))                ;; 6 in_reply_to: what the request called reply_with
    (call $append (i32.const 16))               ;; 7 reply_by: nil
    (call $append (i32.const 8))                ;; 8 ontology
    (call $append (i32.const 9))                ;; 9 language
    (call $append (i32.const 10))               ;; 10 encoding
    (call $append (i32.const 11))               ;; 11 protocol
    (i32.store (local.get $frame)
      (i32.sub (i32.sub (global.get $out) (local.get $frame)) (i32.const 4))))

  ;; Note where positions 0 to 15 of an envelope start; position 16 is a nil for those that are absent.
  ;; Returns 0 if it is no MessagePack array with a first element.
  (func $index (param $at i32) (param $end i32) (result i32)
    (local $count i32) (local $i i32) (local $type i32)
    (i32.store8 (i32.const 255) (i32.const 0xc0))
    (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
    (local.set $type (i32.load8_u (local.get $at)))
    (if (i32.eq (i32.and (local.get $type) (i32.const 0xf0)) (i32.const 0x90))
      (then
        (local.set $count (i32.and (local.get $type) (i32.const 15)))
        (local.set $at (i32.add (local.get $at) (i32.const 1))))
      (else
        ;; array 16 or 32: the count ends in byte 2 or 4, and its last two bytes are all that can matter
        (if (i32.ne (i32.or (local.get $type) (i32.const 1)) (i32.const 0xdd)) (then (return (i32.const 0))))
        (local.set $at
          (i32.add (local.get $at) (select (i32.const 5) (i32.const 3) (i32.and (local.get $type) (i32.const 1)))))
        (if (i32.gt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
        (local.set $count
          (i32.or
            (i32.shl (i32.load8_u (i32.sub (local.get $at) (i32.const 2))) (i32.const 8))
            (i32.load8_u (i32.sub (local.get $at) (i32.const 1)))))))
    (if (i32.eqz (local.get $count)) (then (return (i32.const 0))))
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $count))
        (then
          (i32.store (i32.add (i32.const 256) (i32.shl (local.get $i) (i32.const 2))) (local.get $at))
          (local.set $at (call $skip (local.get $at) (local.get $end)))
          (if (i32.eqz (local.get $at)) (then (return (i32.const 0)))))
        (else
          (i32.store (i32.add (i32.const 256) (i32.shl (local.get $i) (i32.const 2))) (i32.const 255))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 16))))
    (i32.store (i32.const 320) (i32.const 255))
    (global.set $limit (local.get $end))
    (i32.const 1))

  (global $limit (mut i32) (i32.const 0))

  (func $field (param $position i32) (result i32)
    (i32.load (i32.add (i32.const 256) (i32.shl (local.get $position) (i32.const 2)))))

  (func $is_nil (param $position i32) (result i32)
    (i32.eq (i32.load8_u (call $field (local.get $position))) (i32.const 0xc0)))

  ;; reply_to (12) if the sender gave one, else the sender (1)
  (func $receiver (result i32)
    (select (i32.const 1) (i32.const 12) (call $is_nil (i32.const 12))))

  ;; Copy one field as it stands.
  (func $append (param $position i32)
    (local $from i32) (local $stop i32)
    (local.set $from (call $field (local.get $position)))
    (if (i32.eq (local.get $from) (i32.const 255))
      (then (local.set $stop (i32.const 256)))
      (else (local.set $stop (call $skip (local.get $from) (global.get $limit)))))
    (loop $words
      (if (i32.le_u (i32.add (local.get $from) (i32.const 8)) (local.get $stop))
        (then
          (i64.store (global.get $out) (i64.load (local.get $from)))
          (local.set $from (i32.add (local.get $from) (i32.const 8)))
          (global.set $out (i32.add (global.get $out) (i32.const 8)))
          (br $words))))
    (loop $bytes
      (if (i32.lt_u (local.get $from) (local.get $stop))
        (then
          (i32.store8 (global.get $out) (i32.load8_u (local.get $from)))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (global.set $out (i32.add (global.get $out) (i32.const 1)))
          (br $bytes)))))

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
