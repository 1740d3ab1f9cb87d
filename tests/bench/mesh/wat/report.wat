  ;; What source and sink share: numbers in their contents, and the answer to who asks for theirs.

  ;; Return where the bytes of a content begin: behind a type and one, two or four bytes of length.
  (func $text (param $content i32) (result i32)
    (i32.add
      (i32.add (local.get $content) (i32.const 1))
      (i32.shl (i32.const 1) (i32.sub (i32.load8_u (local.get $content)) (i32.const 0xc4)))))

  ;; Read eight decimal digits.
  (func $number (param $at i32) (result i32)
    (local $value i32) (local $left i32)
    (local.set $left (i32.const 8))
    (loop $next
      (local.set $value
        (i32.add
          (i32.mul (local.get $value) (i32.const 10))
          (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))
    (local.get $value))

  ;; Read twenty decimal digits.
  (func $long (param $at i32) (result i64)
    (i64.add
      (i64.mul (i64.extend_i32_u (call $number (local.get $at))) (i64.const 1000000000000))
      (i64.add
        (i64.mul
          (i64.extend_i32_u (call $number (i32.add (local.get $at) (i32.const 8))))
          (i64.const 10000))
        (i64.extend_i32_u (i32.rem_u (call $number (i32.add (local.get $at) (i32.const 12))) (i32.const 10000))))))

  ;; Answer with so many bytes from 1020 on:
  ;; [INFORM, nil, <who asked>, bytes, conversation_id, nil, <reply_with>, nil, nil, "octets"]
  (data (i32.const 144) "\c0\c0\a6octets")
  (func $report (param $at i32) (param $end i32) (param $out i32) (param $length i32) (result i32)
    (local $sender i32) (local $talk i32) (local $reply_with i32) (local $stop i32)
    (local.set $sender (i32.add (local.get $at) (i32.const 1)))
    (local.set $talk (call $skip_to (local.get $sender) (local.get $end) (i32.const 2)))
    (local.set $reply_with (call $skip (local.get $talk) (local.get $end)))
    (local.set $stop (call $skip (local.get $reply_with) (local.get $end)))
    (if (i32.eqz (local.get $stop)) (then (return (local.get $out))))
    (call $reach (i32.add (local.get $out) (i32.sub (local.get $stop) (local.get $at))))
    (local.set $at (i32.add (local.get $out) (i32.const 4)))
    (i32.store (local.get $at) (i32.const 0x00c0089a)) ;; ten positions, INFORM, no sender
    (local.set $at
      (call $copy
        (i32.add (local.get $at) (i32.const 3))
        (local.get $sender)
        (i32.sub (call $skip (local.get $sender) (local.get $end)) (local.get $sender))))
    (i32.store8 (local.get $at) (i32.const 0xc5)) ;; bytes, with two of length
    (i32.store8 (i32.add (local.get $at) (i32.const 1)) (i32.shr_u (local.get $length) (i32.const 8)))
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (local.get $length))
    (local.set $at (call $copy (i32.add (local.get $at) (i32.const 3)) (i32.const 1020) (local.get $length)))
    (local.set $at
      (call $copy (local.get $at) (local.get $talk) (i32.sub (local.get $reply_with) (local.get $talk))))
    (i32.store8 (local.get $at) (i32.const 0xc0)) ;; 5 reply_with
    (local.set $at
      (call $copy
        (i32.add (local.get $at) (i32.const 1))
        (local.get $reply_with)
        (i32.sub (local.get $stop) (local.get $reply_with))))
    (local.set $at (call $copy (local.get $at) (i32.const 144) (i32.const 9)))
    (i32.store (local.get $out) (i32.sub (i32.sub (local.get $at) (local.get $out)) (i32.const 4)))
    (local.get $at))
