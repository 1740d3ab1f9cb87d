  ;; diary: an agent that remembers by way of the platform's own agents.
  ;;
  ;; A REQUEST makes it set a durable timer with ams, in the conversation "ring". When that rings it writes a key with kv,
  ;; in the conversation "note". A QUERY-REF makes it read the key, in the conversation "key"; what kv says goes to who
  ;; asked last.
  ;;
  ;; Memory of its own: 1020 length of who asked last, 1024 who that was, then three messages with their length in front:
  ;; 2048 to ams, 2560 and 3072 to kv.
  (func (export "caxton_init") (param $len i32) (result i32) (i32.const 0))

  (func $answer (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $act i32)
    (local.set $at (call $enter (local.get $at)))
    (local.set $act (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $act) (i32.const 0x13)) ;; REQUEST
      (then (return (call $say (i32.const 2048) (local.get $out)))))
    (if (i32.eq (local.get $act) (i32.const 0x10)) ;; QUERY-REF
      (then
        (call $note_asker (local.get $at) (local.get $end))
        (return (call $say (i32.const 3072) (local.get $out)))))
    (if (i32.eq (local.get $act) (i32.const 0x08)) ;; INFORM
      (then (return (call $hear (local.get $at) (local.get $end) (local.get $out)))))
    (local.get $out))

  (func $note_asker (param $at i32) (param $end i32)
    (local $length i32)
    (local.set $at (call $skip_to (local.get $at) (local.get $end) (i32.const 1)))
    (local.set $length (i32.sub (local.get $at) (global.get $from)))
    (if (i32.gt_u (local.get $length) (i32.const 500)) (then unreachable))
    (i32.store (i32.const 1020) (local.get $length))
    (drop (call $copy (i32.const 1024) (global.get $from) (local.get $length))))

  ;; What an INFORM is about its conversation says, by its first letter.
  (func $hear (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $talk i32)
    (if (i32.eqz (call $skip_to (local.get $at) (local.get $end) (i32.const 4))) (then (return (local.get $out))))
    (local.set $talk (i32.load8_u offset=1 (global.get $from)))
    (if (i32.eq (local.get $talk) (i32.const 0x72)) ;; r
      (then (return (call $say (i32.const 2560) (local.get $out)))))
    (if (i32.eq (local.get $talk) (i32.const 0x6b)) ;; k
      (then (return (call $tell (local.get $at) (local.get $end) (local.get $out)))))
    (local.get $out))

  ;; Send one of the three messages.
  (func $say (param $message i32) (param $out i32) (result i32)
    (call $copy (local.get $out) (local.get $message)
      (i32.add (i32.load (local.get $message)) (i32.const 4))))

  ;; Send a content on to who asked last: [INFORM, nil, <who asked>, content].
  (func $tell (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $to i32)
    (local.set $at (call $skip_to (local.get $at) (local.get $end) (i32.const 3)))
    (call $reach (i32.add (local.get $out) (i32.sub (local.get $at) (global.get $from))))
    (i32.store offset=4 (local.get $out) (i32.const 0x00c00894))
    (local.set $to (call $copy (i32.add (local.get $out) (i32.const 7)) (i32.const 1024) (i32.load (i32.const 1020))))
    (local.set $to
      (call $copy (local.get $to) (global.get $from) (i32.sub (local.get $at) (global.get $from))))
    (i32.store (local.get $out) (i32.sub (i32.sub (local.get $to) (local.get $out)) (i32.const 4)))
    (local.get $to))
