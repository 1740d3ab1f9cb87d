from __future__ import annotations

import pytest

from caxton_node.runtime import Engine, TrapKind
from tests.support.guests import start, tiny

_ALL = "(call $handled (i32.const 2)) (i32.const 0)"
_OUT_64 = "(call $out (i32.const 3000) (i32.const 64)) "


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("(call $handled (i32.const 3)) (i32.const 0)", "says 3 of 2"),
        ("(call $handled (i32.const 1)) (i32.const 0)", "says 1 of 2"),
        ("(call $handled (i32.const -1)) (i32.const 0)", "4,294,967,295 of 2"),
        (
            "(call $handled (i32.const 2)) (call $out (i32.const 65530) (i32.const 8)) (i32.const 0)",
            "outside",
        ),
        ("(call $out (i32.const -8) (i32.const 8)) " + _ALL, "outside"),
        ("(call $out (i32.const 0) (i32.const -1)) " + _ALL, "outside"),
        (
            "(call $handled (i32.const 2)) (call $out (i32.const 3000) (i32.const 64)) (i32.const 0)",
            "is empty",
        ),
        ("(i32.store (i32.const 3000) (i32.const -1)) " + _OUT_64 + _ALL, "behind the outbox"),
        (
            "(i32.store (i32.const 3000) (i32.const 1)) (call $out (i32.const 3000) (i32.const 7)) " + _ALL,
            "too few",
        ),
        # the outbox over the control block itself: its first word, 1, is then the length of a frame
        (
            "(call $handled (i32.const 2)) (call $out (i32.const 64) (i32.const 20)) (i32.const 0)",
            "outbox is broken",
        ),
    ],
)
def test_a_lying_control_block_is_a_trap_and_nothing_is_delivered(
    engine: Engine, body: str, words: str
) -> None:
    sandbox, _ = start(engine, tiny(handle=body))
    outcome = sandbox.handle([b"one", b"two"])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.ABI
    assert words in outcome.trap.message
    assert (outcome.handled, outcome.outbox) == (0, [])


@pytest.mark.story("001")
def test_an_outbox_of_countless_small_frames_is_refused(engine: Engine) -> None:
    fill = """(local $at i32) (local.set $at (i32.const 65536))
      (loop $next
        (i32.store (local.get $at) (i32.const 1)) (local.set $at (i32.add (local.get $at) (i32.const 5)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const 458756))))
      (call $handled (i32.const 1)) (call $out (i32.const 65536) (i32.sub (local.get $at) (i32.const 65536)))
      (i32.const 0)"""
    sandbox, _ = start(engine, tiny(handle=fill, memory="8"))
    outcome = sandbox.handle([b"one"])
    assert outcome.trap is not None
    assert "at most 65,536" in outcome.trap.message


@pytest.mark.story("001")
@pytest.mark.parametrize("address", ["(i32.const 65530)", "(i32.const -16)"])
def test_an_inbox_outside_of_memory_is_a_trap(engine: Engine, address: str) -> None:
    counter = "(global $n (mut i32) (i32.const 0))"
    inbox = f"""(global.set $n (i32.add (global.get $n) (i32.const 1)))
      (select (i32.const 1024) {address} (i32.eq (global.get $n) (i32.const 1)))"""
    sandbox, _ = start(engine, tiny(inbox=inbox, extra=counter))
    outcome = sandbox.handle([b"message of some length"])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.ABI
    assert "inbox at" in outcome.trap.message


@pytest.mark.story("001")
def test_a_refused_batch_is_split_and_only_the_message_that_does_not_fit_is_blamed(engine: Engine) -> None:
    # takes at most 200 bytes at once; handled = number of frames, counted by the guest
    handle = """(local $at i32) (local.set $at (i32.const 1024))
      (loop $next
        (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
        (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const 1024) (local.get 0)))))
      (i32.const 0)"""
    inbox = "(select (i32.const 0) (i32.const 1024) (i32.gt_u (local.get 0) (i32.const 200)))"
    sandbox, _ = start(engine, tiny(handle=handle, inbox=inbox))
    assert sandbox.handle([b"x" * 50] * 16).handled == 16
    outcome = sandbox.handle([b"x" * 50] * 5 + [b"y" * 300] + [b"x" * 50] * 2)
    assert outcome.trap is not None
    assert (outcome.trap.kind, outcome.trap.fatal, outcome.handled) == (TrapKind.REFUSED, False, 5)
    assert sandbox.handle([b"x" * 50]).trap is None


@pytest.mark.story("001")
def test_an_error_code_blames_one_message_and_the_agent_lives_on(engine: Engine) -> None:
    body = "(call $handled (i32.const 1)) (i32.const -7)"
    sandbox, _ = start(engine, tiny(handle=body))
    for _ in range(2):
        outcome = sandbox.handle([b"one", b"two", b"three"])
        assert outcome.trap is not None
        assert (outcome.trap.kind, outcome.trap.fatal, outcome.handled) == (TrapKind.GUEST_ERROR, False, 1)
        assert "-7" in outcome.trap.message


@pytest.mark.story("001")
def test_what_an_earlier_batch_left_in_the_block_is_not_taken_for_this_one(engine: Engine) -> None:
    counter = "(global $n (mut i32) (i32.const 0))"
    inbox = """(global.set $n (i32.add (global.get $n) (i32.const 1)))
      (if (i32.eq (global.get $n) (i32.const 3)) (then unreachable)) (i32.const 1024)"""
    sandbox, _ = start(
        engine, tiny(inbox=inbox, handle="(call $handled (i32.const 1)) (i32.const 0)", extra=counter)
    )
    assert sandbox.handle([b"one"]).handled == 1
    outcome = sandbox.handle([b"two"])
    assert outcome.trap is not None
    assert outcome.handled == 0
