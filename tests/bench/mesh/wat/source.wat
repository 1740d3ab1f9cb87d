  ;; source: sends INFORMs to the agent named `peer` in its configuration, as many as it is allowed.
  ;;
  ;; A REQUEST starts it. Its content is JSON that begins {"open":"NNNNNNNN","step":"NNNNNNNN": so many messages it
  ;; sends at once, and so many more for each CONFIRM that the sink answers them with. What it sends carries that
  ;; content on:
  ;;
  ;;   [INFORM, nil, peer, content, "<its name>/NNNNNNNN"]
  ;;
  ;; Where its `due` is 1, the moment of sending takes that place: nanoseconds since 1970, in twenty digits.
  ;;
  ;; Sixteen conversations take turns, message by message; after 4,096 messages sixteen others follow. A QUERY-REF stops
  ;; it and is answered with the number of messages it has sent: four bytes, lowest first.
  ;;
  ;; Memory of its own: 96 names, 256 the head of a message, 512 its name, 1020 messages sent, 1024 the message that is
  ;; copied, with its length in front.
  (import "caxton" "now_ns" (func $now_ns (result i64)))

  (data (i32.const 96) "\a6config")
  (data (i32.const 104) "\a4peer")
  (data (i32.const 112) "\a5agent")
  (data (i32.const 128) "/00000000")

  (global $head (mut i32) (i32.const 0)) ;; length of the head at 256: up to the receiver
  (global $name (mut i32) (i32.const 0)) ;; length of the agent's name at 512
  (global $length (mut i32) (i32.const 0)) ;; of the message at 1024, with its four bytes of length
  (global $step (mut i32) (i32.const 0)) ;; messages for a CONFIRM
  (global $stamp (mut i32) (i32.const 0)) ;; where the message has its moment of sending; 0: nowhere

  (func (export "caxton_init") (param $len i32) (result i32)
    (local $end i32) (local $at i32)
    (local.set $end (i32.add (i32.const 4096) (local.get $len)))
    (local.set $at (call $find (i32.const 4096) (local.get $end) (i32.const 112) (i32.const 6)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 1))))
    (global.set $name (i32.and (i32.load8_u (local.get $at)) (i32.const 31)))
    ;; With a slash and eight digits it is still a short text.
    (if (i32.gt_u (global.get $name) (i32.const 22)) (then (return (i32.const 2))))
    (drop (call $copy (i32.const 512) (i32.add (local.get $at) (i32.const 1)) (global.get $name)))
    (local.set $at (call $find (i32.const 4096) (local.get $end) (i32.const 96) (i32.const 7)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 3))))
    (local.set $at (call $find (local.get $at) (local.get $end) (i32.const 104) (i32.const 5)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 4))))
    (local.set $len (i32.sub (call $skip (local.get $at) (local.get $end)) (local.get $at)))
    (if (i32.gt_u (local.get $len) (i32.const 200)) (then (return (i32.const 5))))
    (i32.store8 (i32.const 256) (i32.const 0x95)) ;; five positions
    (i32.store8 (i32.const 257) (i32.const 0x08)) ;; 0 performative: INFORM
    (i32.store8 (i32.const 258) (i32.const 0xc0)) ;; 1 sender: the host writes it
    (drop (call $copy (i32.const 259) (local.get $at) (local.get $len)))
    (global.set $head (i32.add (i32.const 3) (local.get $len)))
    (i32.const 0))

  (func $answer (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $act i32)
    (local.set $at (call $enter (local.get $at)))
    (local.set $act (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $act) (i32.const 0x05)) ;; CONFIRM
      (then (return (call $send (global.get $step) (local.get $out)))))
    (if (i32.eq (local.get $act) (i32.const 0x13)) ;; REQUEST
      (then (return (call $start (local.get $at) (local.get $end) (local.get $out)))))
    (if (i32.eq (local.get $act) (i32.const 0x10)) ;; QUERY-REF
      (then
        (global.set $step (i32.const 0))
        (return (call $report (local.get $at) (local.get $end) (local.get $out) (i32.const 4)))))
    (local.get $out))

  ;; Take a content, and send the first messages.
  (func $start (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $content i32) (local $text i32)
    (local.set $at (call $skip_to (local.get $at) (local.get $end) (i32.const 3)))
    (if (i32.eqz (local.get $at)) (then (return (local.get $out))))
    (local.set $content (global.get $from))
    (if (i32.gt_u (i32.sub (local.get $at) (local.get $content)) (i32.const 2048)) (then unreachable))
    (call $write (local.get $content) (i32.sub (local.get $at) (local.get $content)))
    (local.set $text (call $text (local.get $content)))
    (global.set $step (call $number (i32.add (local.get $text) (i32.const 27))))
    (global.set $stamp
      (select
        (i32.add (call $text (i32.add (i32.const 1028) (global.get $head))) (i32.const 44))
        (i32.const 0)
        (i64.eq (call $long (i32.add (local.get $text) (i32.const 44))) (i64.const 1))))
    (call $send (call $number (i32.add (local.get $text) (i32.const 9))) (local.get $out)))

  ;; Write the message that is to be copied.
  (func $write (param $content i32) (param $length i32)
    (local $at i32)
    (local.set $at (call $copy (i32.const 1028) (i32.const 256) (global.get $head)))
    (local.set $at (call $copy (local.get $at) (local.get $content) (local.get $length)))
    (i32.store8 (local.get $at) (i32.add (i32.const 0xa9) (global.get $name)))
    (local.set $at (call $copy (i32.add (local.get $at) (i32.const 1)) (i32.const 512) (global.get $name)))
    (local.set $at (call $copy (local.get $at) (i32.const 128) (i32.const 9)))
    (global.set $length (i32.sub (local.get $at) (i32.const 1024)))
    (i32.store (i32.const 1024) (i32.sub (global.get $length) (i32.const 4))))

  ;; Send so many messages; return where the next frame goes.
  (func $send (param $count i32) (param $out i32) (result i32)
    (local $sent i32)
    (local.set $sent (i32.load (i32.const 1020)))
    (if (global.get $stamp) (then (call $long_digits (global.get $stamp) (call $now_ns))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (call $digits
          (i32.add (i32.const 1016) (global.get $length)) ;; the last eight bytes of the message
          (i32.or
            (i32.shl (i32.shr_u (local.get $sent) (i32.const 12)) (i32.const 4))
            (i32.and (local.get $sent) (i32.const 15))))
        (call $reach (i32.add (local.get $out) (global.get $length)))
        (local.set $out (call $copy (local.get $out) (i32.const 1024) (global.get $length)))
        (local.set $sent (i32.add (local.get $sent) (i32.const 1)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (i32.const 1020) (local.get $sent))
    (local.get $out))

  ;; Write a number as eight decimal digits.
  (func $digits (param $at i32) (param $value i32)
    (local $left i32)
    (local.set $left (i32.const 8))
    (loop $next
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (i32.store8
        (i32.add (local.get $at) (local.get $left))
        (i32.add (i32.rem_u (local.get $value) (i32.const 10)) (i32.const 0x30)))
      (local.set $value (i32.div_u (local.get $value) (i32.const 10)))
      (br_if $next (local.get $left))))

  ;; Write a number as twenty decimal digits.
  (func $long_digits (param $at i32) (param $value i64)
    (call $digits (local.get $at) (i32.wrap_i64 (i64.div_u (local.get $value) (i64.const 1000000000000))))
    (call $digits
      (i32.add (local.get $at) (i32.const 8))
      (i32.wrap_i64 (i64.rem_u (i64.div_u (local.get $value) (i64.const 10000)) (i64.const 100000000))))
    (call $digits
      (i32.add (local.get $at) (i32.const 12))
      (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 100000000)))))
