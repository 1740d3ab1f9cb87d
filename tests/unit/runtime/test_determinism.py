from __future__ import annotations

from itertools import pairwise

import pytest

from caxton_node.core.clock import SystemClock
from caxton_node.runtime import Engine, Limits, Profile, Sandbox
from caxton_node.runtime.host.determinism import START_UNIX_US, Determinism, VirtualClock, seeded_bytes
from tests.support.guests import LogLines, tiny

pytestmark = pytest.mark.story("001")
IMPORTS = """(import "caxton" "now_ns" (func $now (result i64)))
  (import "caxton" "random" (func $random (param i32 i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))"""
# sends [now, monotonic, 16 random bytes, a NaN made by arithmetic]
HANDLE = """
  (i64.store (i32.const 2052) (call $now))
  (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 2060)))
  (call $random (i32.const 2068) (i32.const 16))
  (f64.store (i32.const 2084) (f64.div (f64.const 0) (f64.const 0)))
  (i32.store (i32.const 2048) (i32.const 40))
  (call $out (i32.const 2048) (i32.const 44))
  (call $handled (i32.const 1)) (i32.const 0)"""
DICE = tiny(imports=IMPORTS, handle=HANDLE)


def play(engine: Engine, world: Determinism | None, messages: int = 5) -> list[bytes]:
    profile = Profile(deterministic=world is not None)
    module = engine.compile(DICE, profile)
    sandbox = Sandbox(engine, module, Limits(batch_max=1), LogLines(), SystemClock(), world=world)
    sandbox.start({"agent": "dice"})
    sent = [frame for _ in range(messages) for frame in sandbox.handle([b"throw"]).outbox]
    sandbox.close()
    return sent


def test_the_same_seed_and_messages_give_the_same_bytes(engine: Engine) -> None:
    assert play(engine, Determinism(seed=7)) == play(engine, Determinism(seed=7))


def test_another_seed_gives_other_chance_and_the_same_time(engine: Engine) -> None:
    one, two = play(engine, Determinism(seed=1)), play(engine, Determinism(seed=2))
    assert [frame[:16] for frame in one] == [frame[:16] for frame in two]
    assert all(a[16:32] != b[16:32] for a, b in zip(one, two, strict=True))


def test_without_a_seed_nothing_repeats(engine: Engine) -> None:
    assert play(engine, None) != play(engine, None)


def test_time_starts_where_it_is_told_and_moves_with_each_message(engine: Engine) -> None:
    nows = [int.from_bytes(frame[:8], "little") for frame in play(engine, Determinism())]
    assert nows[0] // 1000 - START_UNIX_US == 1_001
    steps = {later - sooner for sooner, later in pairwise(nows)}
    assert steps == {1_002_000}  # a millisecond for the message, a microsecond for each of two looks


def test_a_loop_that_waits_for_time_ends() -> None:
    clock = VirtualClock(0)
    begin = clock.now()
    while clock.now() - begin < 0.001:
        pass


def test_the_source_of_chance_is_the_same_in_every_python() -> None:
    assert seeded_bytes(0)(4).hex() == "6b27270e"
