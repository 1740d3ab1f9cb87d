  ;; sink: counts INFORMs, notes how late they are, and tells their sender when it may send more.
  ;;
  ;; Their content is JSON that begins {"open":"NNNNNNNN","step":"NNNNNNNN","due":"NNNNNNNNNNNNNNNNNNNN": for every `step`
  ;; of them it answers one CONFIRM (none for 0), and counts how long after `due`, nanoseconds since 1970, it handled each
  ;; (not for 0). A QUERY-REF is answered with 1 + 704 numbers of four bytes, lowest first: messages handled so far, and
  ;; how many of them were how late, in 32 cells for each doubling of microseconds.
  ;;
  ;; Memory of its own: 1020 messages handled, 1024 to 3839 the cells.
  (import "caxton" "now_ns" (func $now_ns (result i64)))

  (func (export "caxton_init") (param $len i32) (result i32) (i32.const 0))

  (func $answer (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $act i32)
    (local.set $at (call $enter (local.get $at)))
    (local.set $act (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $act) (i32.const 0x08)) ;; INFORM
      (then (return (call $count (local.get $at) (local.get $end) (local.get $out)))))
    (if (i32.eq (local.get $act) (i32.const 0x10)) ;; QUERY-REF
      (then (return (call $report (local.get $at) (local.get $end) (local.get $out) (i32.const 2820)))))
    (local.get $out))

  ;; Count one message; confirm when it completes a step.
  (func $count (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $handled i32) (local $text i32) (local $step i32) (local $due i64)
    (if (i32.eqz (call $skip_to (local.get $at) (local.get $end) (i32.const 3)))
      (then (return (local.get $out))))
    (local.set $text (call $text (global.get $from)))
    (local.set $due (call $long (i32.add (local.get $text) (i32.const 44))))
    (if (i64.ne (local.get $due) (i64.const 0))
      (then
        (call $note
          (i32.wrap_i64 (i64.div_s (i64.sub (call $now_ns) (local.get $due)) (i64.const 1000))))))
    (local.set $handled (i32.add (i32.load (i32.const 1020)) (i32.const 1)))
    (i32.store (i32.const 1020) (local.get $handled))
    (local.set $step (call $number (i32.add (local.get $text) (i32.const 27))))
    (if (i32.eqz (local.get $step)) (then (return (local.get $out))))
    (if (i32.rem_u (local.get $handled) (local.get $step)) (then (return (local.get $out))))
    (call $confirm (local.get $at) (local.get $end) (local.get $out)))

  ;; Write [CONFIRM, nil, <who sent it>, "1"].
  (func $confirm (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $sender i32)
    (local.set $sender (i32.add (local.get $at) (i32.const 1)))
    (call $reach (local.get $out))
    (local.set $at (i32.add (local.get $out) (i32.const 4)))
    (i32.store (local.get $at) (i32.const 0x00c00594)) ;; four positions, CONFIRM, no sender: the host writes it
    (local.set $at
      (call $copy
        (i32.add (local.get $at) (i32.const 3))
        (local.get $sender)
        (i32.sub (call $skip (local.get $sender) (local.get $end)) (local.get $sender))))
    (i32.store (local.get $at) (i32.const 0x003101c4)) ;; one byte: "1"
    (local.set $at (i32.add (local.get $at) (i32.const 3)))
    (i32.store (local.get $out) (i32.sub (i32.sub (local.get $at) (local.get $out)) (i32.const 4)))
    (local.get $at))

  ;; Count how late a message was, in microseconds; earlier than due counts as not late.
  (func $note (param $late i32)
    (local $power i32) (local $cell i32)
    (if (i32.lt_s (local.get $late) (i32.const 0)) (then (local.set $late (i32.const 0))))
    (local.set $cell (local.get $late))
    (if (i32.ge_u (local.get $late) (i32.const 32))
      (then
        (local.set $power (i32.sub (i32.const 31) (i32.clz (local.get $late))))
        (local.set $cell
          (i32.add
            (i32.shl (i32.sub (local.get $power) (i32.const 4)) (i32.const 5))
            (i32.and
              (i32.shr_u (local.get $late) (i32.sub (local.get $power) (i32.const 5)))
              (i32.const 31))))))
    (if (i32.gt_u (local.get $cell) (i32.const 703)) (then (local.set $cell (i32.const 703))))
    (local.set $cell (i32.add (i32.const 1024) (i32.shl (local.get $cell) (i32.const 2))))
    (i32.store (local.get $cell) (i32.add (i32.load (local.get $cell)) (i32.const 1))))
