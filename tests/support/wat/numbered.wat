  ;; numbered: sends INFORMs to the agent named `peer` in its configuration, and numbers them from 0 on.
  ;;
  ;; A REQUEST whose content is JSON that begins {"more":"NNNNNNNN","number":"NNNNNNNN" makes it send so many more. What it
  ;; sends carries that content with the number of the message in `number`, all in one conversation, so that their order
  ;; holds. A QUERY-REF is answered with how many it has sent: four bytes, lowest first.
  ;;
  ;; Memory of its own: 96 names, 256 the head of a message, 512 its name, 1020 messages sent, 1024 the message that is
  ;; copied, with its length in front.
  (data (i32.const 96) "\a6config")
  (data (i32.const 104) "\a4peer")
  (data (i32.const 112) "\a5agent")

  (global $head (mut i32) (i32.const 0)) ;; length of the head at 256: up to the receiver
  (global $name (mut i32) (i32.const 0)) ;; length of the agent's name at 512, with its type
  (global $length (mut i32) (i32.const 0)) ;; of the message at 1024, with its four bytes of length

  (func (export "caxton_init") (param $len i32) (result i32)
    (local $end i32) (local $at i32)
    (local.set $end (i32.add (i32.const 4096) (local.get $len)))
    (local.set $at (call $find (i32.const 4096) (local.get $end) (i32.const 112) (i32.const 6)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 1))))
    (global.set $name (i32.sub (call $skip (local.get $at) (local.get $end)) (local.get $at)))
    (drop (call $copy (i32.const 512) (local.get $at) (global.get $name)))
    (local.set $at (call $find (i32.const 4096) (local.get $end) (i32.const 96) (i32.const 7)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 2))))
    (local.set $at (call $find (local.get $at) (local.get $end) (i32.const 104) (i32.const 5)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 3))))
    (local.set $len (i32.sub (call $skip (local.get $at) (local.get $end)) (local.get $at)))
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
    (if (i32.eq (local.get $act) (i32.const 0x13)) ;; REQUEST
      (then (return (call $more (local.get $at) (local.get $end) (local.get $out)))))
    (if (i32.eq (local.get $act) (i32.const 0x10)) ;; QUERY-REF
      (then (return (call $report (local.get $at) (local.get $end) (local.get $out) (i32.const 4)))))
    (local.get $out))

  ;; Take a content and send as many messages as it says.
  (func $more (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $content i32) (local $to i32)
    (local.set $at (call $skip_to (local.get $at) (local.get $end) (i32.const 3)))
    (if (i32.eqz (local.get $at)) (then (return (local.get $out))))
    (local.set $content (global.get $from))
    (if (i32.gt_u (i32.sub (local.get $at) (local.get $content)) (i32.const 2048)) (then unreachable))
    (local.set $to (call $copy (i32.const 1028) (i32.const 256) (global.get $head)))
    (local.set $to
      (call $copy (local.get $to) (local.get $content) (i32.sub (local.get $at) (local.get $content))))
    (local.set $to (call $copy (local.get $to) (i32.const 512) (global.get $name)))
    (global.set $length (i32.sub (local.get $to) (i32.const 1024)))
    (i32.store (i32.const 1024) (i32.sub (global.get $length) (i32.const 4)))
    (call $send (call $number (i32.add (call $text (local.get $content)) (i32.const 9))) (local.get $out)))

  ;; Send so many messages; return where the next frame goes.
  (func $send (param $count i32) (param $out i32) (result i32)
    (local $sent i32)
    (local.set $sent (i32.load (i32.const 1020)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (call $digits
          (i32.add (call $text (i32.add (i32.const 1028) (global.get $head))) (i32.const 29))
          (local.get $sent))
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
