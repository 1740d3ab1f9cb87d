  ;; responder: answers every REQUEST with an INFORM of the same content, conversation and protocol.
  ;;
  ;;   [INFORM, nil, <who asked>, content, conversation_id, nil, <reply_with>, nil, nil, nil, nil, "fipa-request"]
  ;;
  ;; Content and conversation id stand side by side in every envelope and are copied as they are.
  ;;
  ;; Memory of its own: 96 what stands between reply_with and the end.
  (data (i32.const 96) "\c0\c0\c0\c0\acfipa-request")

  (func (export "caxton_init") (param $len i32) (result i32) (i32.const 0))

  (func $answer (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $sender i32) (local $receivers i32) (local $content i32) (local $reply_with i32) (local $stop i32)
    (local $length i32)
    (local.set $at (call $enter (local.get $at)))
    (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x13)) (then (return (local.get $out))))
    (local.set $sender (i32.add (local.get $at) (i32.const 1)))
    (local.set $receivers (call $skip (local.get $sender) (local.get $end)))
    (local.set $content (call $skip (local.get $receivers) (local.get $end)))
    (local.set $reply_with (call $skip_to (local.get $content) (local.get $end) (i32.const 1)))
    (if (i32.eqz (local.get $reply_with)) (then (return (local.get $out))))
    (local.set $stop (call $skip (local.get $reply_with) (local.get $end)))
    (if (i32.eqz (local.get $stop)) (then (return (local.get $out))))
    (call $reach (i32.add (local.get $out) (i32.sub (local.get $stop) (local.get $at))))
    (local.set $at (i32.add (local.get $out) (i32.const 4)))
    (i32.store (local.get $at) (i32.const 0x00c0089c)) ;; twelve positions, INFORM, no sender: the host writes it
    (local.set $at
      (call $copy
        (i32.add (local.get $at) (i32.const 3))
        (local.get $sender)
        (i32.sub (local.get $receivers) (local.get $sender))))
    (local.set $at
      (call $copy (local.get $at) (local.get $content) (i32.sub (local.get $reply_with) (local.get $content))))
    (i32.store8 (local.get $at) (i32.const 0xc0)) ;; 5 reply_with
    (local.set $length (i32.sub (local.get $stop) (local.get $reply_with)))
    (local.set $at
      (call $copy (i32.add (local.get $at) (i32.const 1)) (local.get $reply_with) (local.get $length)))
    (local.set $at (call $copy (local.get $at) (i32.const 96) (i32.const 17)))
    (i32.store (local.get $out) (i32.sub (i32.sub (local.get $at) (local.get $out)) (i32.const 4)))
    (local.get $at))
