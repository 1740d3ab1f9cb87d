;; puppet: does what a script says, in the order in which the host calls it.
;;
;; The script comes from `caxton.random` when the instance is made. Each export reads acts until one returns:
;;
;;     act    bits 0-3 what, bits 6-7 how an address is written
;;            0 behave as an agent should, and return    4 n   grow by n pages
;;            1 a     return a                           5     trap
;;            2 a u32 store                              6 a n copy n bytes of the script
;;            3 w a   put a into word w of the block     7 c   behave, then return c
;;     a      0 u32 | 1 u8 before the end of memory | 2 block + u8 | 3 u16
;;
;; An empty script makes a good agent that echoes its whole inbox. Memory: 64 block, 1024 inbox, 0x8000 script.
(module
  (import "caxton" "random" (func $random (param i32 i32)))
  (memory (export "memory") 1)
  (global $at (mut i32) (i32.const 0x8000))
  (global $block (mut i32) (i32.const 64))

  (func $load (call $random (i32.const 0x8000) (i32.const 0x1000)))
  (start $load)

  (func $ended (result i32) (i32.ge_u (global.get $at) (i32.const 0x9000)))
  (func $step (param $n i32) (global.set $at (i32.add (global.get $at) (local.get $n))))
  (func $u8 (result i32)
    (if (call $ended) (then (return (i32.const 0))))
    (call $step (i32.const 1))
    (i32.load8_u (i32.sub (global.get $at) (i32.const 1))))
  (func $u16 (result i32) (i32.or (call $u8) (i32.shl (call $u8) (i32.const 8))))
  (func $u32 (result i32) (i32.or (call $u16) (i32.shl (call $u16) (i32.const 16))))
  (func $end (result i32) (i32.shl (memory.size) (i32.const 16)))

  (func $address (param $how i32) (result i32)
    (if (i32.eq (local.get $how) (i32.const 1)) (then (return (i32.sub (call $end) (call $u8)))))
    (if (i32.eq (local.get $how) (i32.const 2)) (then (return (i32.add (global.get $block) (call $u8)))))
    (if (i32.eq (local.get $how) (i32.const 3)) (then (return (call $u16))))
    (call $u32))

  (func $copy (param $to i32) (param $n i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (i32.store8 (local.get $to) (call $u8))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next))))

  (func $word (param $w i32) (param $value i32)
    (i32.store (i32.add (global.get $block) (i32.shl (i32.and (local.get $w) (i32.const 7)) (i32.const 2)))
      (local.get $value)))

  ;; 0 caxton_abi_v1, 1 caxton_inbox, 3 caxton_handle; nothing is to be done in the others.
  (func $behave (param $which i32) (param $len i32) (result i32)
    (local $seen i32) (local $count i32)
    (if (i32.eqz (local.get $which))
      (then (i32.store (i32.const 64) (i32.const 1)) (return (i32.const 64))))
    (if (i32.eq (local.get $which) (i32.const 1))
      (then (return (select (i32.const 1024) (i32.const 0) (i32.lt_u (local.get $len) (i32.const 0x7000))))))
    (if (i32.ne (local.get $which) (i32.const 3)) (then (return (i32.const 0))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $seen) (local.get $len)))
        (local.set $seen (i32.add (i32.add (local.get $seen) (i32.const 4))
          (i32.load offset=1024 (local.get $seen))))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $next)))
    (call $word (i32.const 1) (local.get $count))
    (call $word (i32.const 2) (i32.const 1024))
    (call $word (i32.const 3) (local.get $len))
    (i32.const 0))

  (func $act (param $which i32) (param $len i32) (result i32)
    (local $op i32) (local $how i32)
    (loop $next
      (local.set $op (call $u8))
      (local.set $how (i32.shr_u (local.get $op) (i32.const 6)))
      (local.set $op (i32.and (local.get $op) (i32.const 15)))
      (if (i32.eqz (local.get $op)) (then (return (call $behave (local.get $which) (local.get $len)))))
      (if (i32.eq (local.get $op) (i32.const 1)) (then (return (call $address (local.get $how)))))
      (if (i32.eq (local.get $op) (i32.const 2))
        (then (i32.store (call $address (local.get $how)) (call $u32)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 3))
        (then (call $word (call $u8) (call $address (local.get $how))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 4)) (then (drop (memory.grow (call $u8))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 5)) (then unreachable))
      (if (i32.eq (local.get $op) (i32.const 6))
        (then (call $copy (call $address (local.get $how)) (call $u8)) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 7))
        (then (drop (call $behave (local.get $which) (local.get $len))) (return (call $u8))))
      (br $next))
    unreachable)

  (func (export "_initialize") (drop (call $act (i32.const 6) (i32.const 0))))
  (func (export "caxton_abi_v1") (result i32)
    (global.set $block (call $act (i32.const 0) (i32.const 0)))
    (global.get $block))
  (func (export "caxton_inbox") (param i32) (result i32) (call $act (i32.const 1) (local.get 0)))
  (func (export "caxton_init") (param i32) (result i32) (call $act (i32.const 2) (local.get 0)))
  (func (export "caxton_handle") (param i32) (result i32) (call $act (i32.const 3) (local.get 0)))
  (func (export "caxton_checkpoint") (result i32) (call $act (i32.const 4) (i32.const 0)))
  (func (export "caxton_restore") (param i32) (result i32) (call $act (i32.const 5) (local.get 0))))
