"""The guest that writes down what it handles: an ack to `ledger` for each message, then what it shall send.

Built from the echo of `sdk/wat`, whose way through an envelope it keeps. A message of a plan has the content

    {"n":"0000002a","do":"n","out":"<hex>"}     n its number, do its act (`plan.Act`), out frames to send

The ack has the same conversation and `in_reply_to`, the instance as ontology, and as `reply_to` the receiver
as it was addressed. Its content is the number and how many such messages this sandbox has handled; that of
anything else, such as FAILURE, is copied as it is. An ack leaves with the messages behind it or not at all:
what is not acked was not handled, whatever the router counts.
"""

from __future__ import annotations

from functools import cache

from tests.support.guests import wat

ACK_MARK = b'{"n":"'

_RECORD = r"""
  (data (i32.const 112) "\9d\08\c0\a6ledger")
  (data (i32.const 144) ",\"seen\":\"")
  (global $seen (mut i32) (i32.const 0))       ;; of this sandbox; never restored
  (global $name_bytes (mut i32) (i32.const 0)) ;; the instance as MessagePack, at 512
  (global $length (mut i32) (i32.const 0))     ;; of the content that was looked for last

  ;; Keep the value of "instance"; a map of at most 15 entries is all that a host gives.
  (func (export "caxton_init") (param $len i32) (result i32)
    (local $at i32) (local $end i32) (local $key i32)
    (local.set $end (i32.add (i32.const 1024) (local.get $len)))
    (local.set $at (i32.const 1025))
    (loop $next
      (local.set $key (local.get $at))
      (local.set $at (call $skip (local.get $at) (local.get $end)))
      (if (i32.eqz (local.get $at)) (then (return (i32.const 1))))
      (if (i32.and
            (i64.eq (i64.load (local.get $key)) (i64.const 0x636e6174736e69a8)) ;; 8 letters: "instanc"
            (i32.eq (i32.load8_u offset=8 (local.get $key)) (i32.const 0x65)))
        (then
          (global.set $name_bytes
            (i32.sub (call $skip (local.get $at) (local.get $end)) (local.get $at)))
          (call $copy (i32.const 512) (local.get $at) (global.get $name_bytes))
          (return (i32.const 0))))
      (local.set $at (call $skip (local.get $at) (local.get $end)))
      (br_if $next (local.get $at)))
    (i32.const 1))

  ;; Handle one envelope at [at, end); returns an error code.
  (func $record (param $at i32) (param $end i32) (result i32)
    (local $text i32) (local $length i32) (local $planned i32)
    (if (i32.eqz (call $index (local.get $at) (local.get $end))) (then (return (i32.const 0))))
    (local.set $text (call $content))
    (local.set $length (global.get $length))
    (if (i32.ge_u (local.get $length) (i32.const 34))
      (then (local.set $planned (i32.eq (i32.load (local.get $text)) (i32.const 0x226e227b))))) ;; {"n"
    (if (local.get $planned)
      (then (if (call $act (i32.load8_u offset=22 (local.get $text))) (then (return (i32.const 7))))))
    (call $ack (local.get $text) (local.get $planned))
    (if (local.get $planned)
      (then
        (call $send
          (i32.add (local.get $text) (i32.const 32))
          (i32.add (local.get $text) (i32.sub (local.get $length) (i32.const 2))))))
    (i32.const 0))

  ;; Find the text of the content.
  (func $content (result i32)
    (local $at i32) (local $bytes i32)
    (local.set $at (call $field (i32.const 3)))
    (local.set $bytes (i32.sub (i32.load8_u (local.get $at)) (i32.const 0xc4))) ;; bin 8, 16, 32: 0, 1, 2
    (global.set $length (i32.const 0))
    (if (i32.gt_u (local.get $bytes) (i32.const 2)) (then (return (local.get $at))))
    (local.set $bytes (i32.shl (i32.const 1) (local.get $bytes)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (loop $next
      (global.set $length
        (i32.or (i32.shl (global.get $length) (i32.const 8)) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 1)))))
    (local.get $at))

  ;; Do what the letter says: t trap, b burn, s be slow, f say no (1), anything else nothing.
  (func $act (param $letter i32) (result i32)
    (local $turns i32)
    (if (i32.eq (local.get $letter) (i32.const 0x74)) (then unreachable))
    (if (i32.eq (local.get $letter) (i32.const 0x62)) (then (loop $on (br $on))))
    (if (i32.eq (local.get $letter) (i32.const 0x73))
      (then
        (local.set $turns (i32.const 20000))
        (loop $on (br_if $on (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))
    (i32.eq (local.get $letter) (i32.const 0x66)))

  (func $ack (param $text i32) (param $planned i32)
    (local $frame i32)
    (local.set $frame (global.get $out))
    (global.set $out (i32.add (local.get $frame) (i32.const 4)))
    (call $write (i32.const 112) (i32.const 10))             ;; 0 act, 1 sender, 2 receiver
    (if (local.get $planned)                                 ;; 3 content
      (then
        (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
        (call $byte (i32.const 0xc4))
        (call $byte (i32.const 34))
        (call $write (local.get $text) (i32.const 15))
        (call $write (i32.const 144) (i32.const 9))
        (call $number (global.get $seen))
        (call $byte (i32.const 0x22))
        (call $byte (i32.const 0x7d)))
      (else
        (if (call $is_nil (i32.const 3))
          (then
            (call $byte (i32.const 0xc4)) (call $byte (i32.const 2))
            (call $byte (i32.const 0x7b)) (call $byte (i32.const 0x7d)))
          (else (call $append (i32.const 3))))))
    (call $append (i32.const 4))                             ;; 4 conversation_id
    (call $byte (i32.const 0xc0))
    (call $append (i32.const 6))                             ;; 6 in_reply_to
    (call $byte (i32.const 0xc0))
    (call $write (i32.const 512) (global.get $name_bytes))   ;; 8 ontology
    (call $byte (i32.const 0xc0)) (call $byte (i32.const 0xc0)) (call $byte (i32.const 0xc0))
    (call $append (i32.const 2))                             ;; 12 reply_to
    (i32.store (local.get $frame)
      (i32.sub (i32.sub (global.get $out) (local.get $frame)) (i32.const 4))))

  ;; Write the frames that stand at [at, end) in hex.
  (func $send (param $at i32) (param $end i32)
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return)))
      (call $byte
        (i32.or
          (i32.shl (call $nibble (i32.load8_u (local.get $at))) (i32.const 4))
          (call $nibble (i32.load8_u offset=1 (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (br $next)))

  (func $nibble (param $digit i32) (result i32)
    (i32.sub
      (i32.sub (local.get $digit) (i32.const 48))
      (select (i32.const 39) (i32.const 0) (i32.gt_u (local.get $digit) (i32.const 57)))))

  ;; Write eight hex digits.
  (func $number (param $value i32)
    (local $shift i32) (local $digit i32)
    (local.set $shift (i32.const 32))
    (loop $next
      (local.set $shift (i32.sub (local.get $shift) (i32.const 4)))
      (local.set $digit (i32.and (i32.shr_u (local.get $value) (local.get $shift)) (i32.const 15)))
      (call $byte
        (i32.add (local.get $digit)
          (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $digit) (i32.const 9)))))
      (br_if $next (local.get $shift))))

  (func $byte (param $value i32)
    (i32.store8 (global.get $out) (local.get $value))
    (global.set $out (i32.add (global.get $out) (i32.const 1))))

  (func $write (param $from i32) (param $length i32)
    (call $copy (global.get $out) (local.get $from) (local.get $length))
    (global.set $out (i32.add (global.get $out) (local.get $length))))

  (func $copy (param $to i32) (param $from i32) (param $length i32)
    (loop $next
      (if (i32.eqz (local.get $length)) (then (return)))
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br $next)))
"""

_KEEP = r"""
  (global $before (mut i32) (i32.const 0))
  (func (export "caxton_checkpoint") (result i32)
    (i32.store (i32.const 1024) (i32.add (global.get $before) (global.get $seen)))
    (i32.store (i32.const 72) (i32.const 1024))
    (i32.store (i32.const 76) (i32.const 4))
    (i32.const 0))
  (func (export "caxton_restore") (param $len i32) (result i32)
    (global.set $before (i32.load (i32.const 1024)))
    (i32.const 0))
"""

_CALL = "(call $answer (i32.add (local.get $at) (i32.const 4)) (local.get $stop))"
_INIT = '(func (export "caxton_init") (param $len i32) (result i32) (i32.const 0))'


@cache
def scribe(mark: str = "a", *, keeps: bool = False) -> bytes:
    """Return the guest.

    Args:
        mark: Makes modules differ that are otherwise alike.
        keeps: Whether it leaves its count to its successor: a reload to such a one moves state and mailbox,
            any other divides the conversations.
    """
    text = wat("echo")
    assert text.count(_CALL) == text.count(_INIT) == 1, "the echo has changed"
    told = _CALL.replace("$answer", "$record")
    text = text.replace(_CALL, f"(if {told} (then (return (i32.const 7))))").replace(_INIT, "")
    more = _RECORD + (_KEEP if keeps else "")
    return f'{text.rstrip().removesuffix(")")}{more}  (data (i32.const 992) "{mark}"))\n'.encode()
