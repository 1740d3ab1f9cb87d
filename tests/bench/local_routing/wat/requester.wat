  ;; requester: holds conversations of the protocol fipa-request with the agent named `peer` in its configuration.
  ;;
  ;; A REQUEST starts it. Its content is JSON that begins {"open":"NNNNNNNN","more":"NNNNNNNN": so many conversations it
  ;; opens at once, and so many more, each when an earlier one has been answered. What it asks carries that content on:
  ;;
  ;;   [REQUEST, nil, peer, content, "<its name>/NNNNNNNN", "NNNNNNNN", nil, nil, nil, nil, nil, "fipa-request"]
  ;;
  ;; The number counts its conversations and goes on from one start to the next, so no id is used twice. Whatever is
  ;; neither a REQUEST nor an INFORM that answers something is passed over: the bench would miss an answer then.
  ;;
  ;; Memory of its own: 96 names, 256 the head of a request, 1024 the request that is copied, with its length in front.
  (data (i32.const 96) "\a6config")
  (data (i32.const 104) "\a4peer")
  (data (i32.const 112) "\a5agent")
  (data (i32.const 128) "/00000000")
  ;; reply_with, then nil from in_reply_to to encoding, then the protocol
  (data (i32.const 144) "\a800000000\c0\c0\c0\c0\c0\acfipa-request")

  (global $head (mut i32) (i32.const 0)) ;; length of the head at 256: up to the receiver
  (global $name (mut i32) (i32.const 0)) ;; length of the agent's name at 512
  (global $length (mut i32) (i32.const 0)) ;; of the request at 1024, with its four bytes of length
  (global $digits (mut i32) (i32.const 0)) ;; where the request has its number: in reply_with
  (global $more (mut i32) (i32.const 0)) ;; conversations still to be opened

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
    (i32.store8 (i32.const 256) (i32.const 0x9c)) ;; twelve positions
    (i32.store8 (i32.const 257) (i32.const 0x13)) ;; 0 performative: REQUEST
    (i32.store8 (i32.const 258) (i32.const 0xc0)) ;; 1 sender: the host writes it
    (drop (call $copy (i32.const 259) (local.get $at) (local.get $len)))
    (global.set $head (i32.add (i32.const 3) (local.get $len)))
    (i32.const 0))

  (func $answer (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $act i32)
    (local.set $at (call $enter (local.get $at)))
    (local.set $act (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $act) (i32.const 0x13))
      (then (return (call $start (local.get $at) (local.get $end) (local.get $out)))))
    (if (i32.ne (local.get $act) (i32.const 0x08)) (then (return (local.get $out))))
    ;; 6 in_reply_to must not be nil
    (if (i32.eqz (call $skip_to (local.get $at) (local.get $end) (i32.const 6)))
      (then (return (local.get $out))))
    (if (i32.eq (i32.load8_u (global.get $from)) (i32.const 0xc0)) (then (return (local.get $out))))
    (if (i32.eqz (global.get $more)) (then (return (local.get $out))))
    (global.set $more (i32.sub (global.get $more) (i32.const 1)))
    (call $ask (local.get $out)))

  ;; Take a content, and open the first conversations.
  (func $start (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $left i32) (local $content i32)
    (local.set $at (call $skip_to (local.get $at) (local.get $end) (i32.const 3)))
    (if (i32.eqz (local.get $at)) (then (return (local.get $out))))
    (local.set $content (global.get $from))
    ;; a short one, whose type and length are two bytes
    (if (i32.ne (i32.load8_u (local.get $content)) (i32.const 0xc4)) (then (return (local.get $out))))
    (call $write (local.get $content) (i32.sub (local.get $at) (local.get $content)))
    (local.set $left (call $number (i32.add (local.get $content) (i32.const 11))))
    (global.set $more (call $number (i32.add (local.get $content) (i32.const 29))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $out (call $ask (local.get $out)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (local.get $out))

  ;; Write the request that is to be copied; its number is the one of the latest.
  (func $write (param $content i32) (param $length i32)
    (local $at i32)
    (local.set $at (call $copy (i32.const 1028) (i32.const 256) (global.get $head)))
    (local.set $at (call $copy (local.get $at) (local.get $content) (local.get $length)))
    (i32.store8 (local.get $at) (i32.add (i32.const 0xa9) (global.get $name)))
    (local.set $at (call $copy (i32.add (local.get $at) (i32.const 1)) (i32.const 512) (global.get $name)))
    (local.set $at (call $copy (local.get $at) (i32.const 128) (i32.const 9)))
    (global.set $digits (i32.add (local.get $at) (i32.const 1)))
    (local.set $at (call $copy (local.get $at) (i32.const 144) (i32.const 27)))
    (global.set $length (i32.sub (local.get $at) (i32.const 1024)))
    (i32.store (i32.const 1024) (i32.sub (global.get $length) (i32.const 4))))

  ;; Open the next conversation; return where the next frame goes.
  (func $ask (param $out i32) (result i32)
    (call $count (i32.const 152))
    (i64.store (global.get $digits) (i64.load (i32.const 145)))
    ;; the conversation id ends with the same eight digits, right before reply_with
    (i64.store (i32.sub (global.get $digits) (i32.const 9)) (i64.load (i32.const 145)))
    (call $reach (i32.add (local.get $out) (global.get $length)))
    (call $copy (local.get $out) (i32.const 1024) (global.get $length)))

  ;; Add one to a decimal number in text that ends at an address.
  (func $count (param $at i32)
    (loop $carry
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x39))
        (then
          (i32.store8 (local.get $at) (i32.const 0x30))
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (br $carry))
        (else (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))))))

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
