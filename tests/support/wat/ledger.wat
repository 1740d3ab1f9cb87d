  ;; ledger: keeps account of what one `numbered` agent sends it.
  ;;
  ;; A QUERY-REF is answered with four numbers of four bytes, lowest first: the number that comes next, messages that came
  ;; a second time or too late, numbers that were passed over, messages handled.
  ;;
  ;; Memory of its own: 1020 next, 1024 again, 1028 missing, 1032 handled.
  (func (export "caxton_init") (param $len i32) (result i32) (i32.const 0))

  (func $answer (param $at i32) (param $end i32) (param $out i32) (result i32)
    (local $act i32)
    (local.set $at (call $enter (local.get $at)))
    (local.set $act (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $act) (i32.const 0x08)) ;; INFORM
      (then (call $book (local.get $at) (local.get $end))))
    (if (i32.eq (local.get $act) (i32.const 0x10)) ;; QUERY-REF
      (then (return (call $report (local.get $at) (local.get $end) (local.get $out) (i32.const 16)))))
    (local.get $out))

  (func $book (param $at i32) (param $end i32)
    (local $number i32) (local $next i32)
    (if (i32.eqz (call $skip_to (local.get $at) (local.get $end) (i32.const 3))) (then (return)))
    (local.set $number (call $number (i32.add (call $text (global.get $from)) (i32.const 29))))
    (local.set $next (i32.load (i32.const 1020)))
    (i32.store (i32.const 1032) (i32.add (i32.load (i32.const 1032)) (i32.const 1)))
    (if (i32.lt_u (local.get $number) (local.get $next))
      (then
        (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (i32.const 1)))
        (return)))
    (i32.store (i32.const 1028)
      (i32.add (i32.load (i32.const 1028)) (i32.sub (local.get $number) (local.get $next))))
    (i32.store (i32.const 1020) (i32.add (local.get $number) (i32.const 1))))
