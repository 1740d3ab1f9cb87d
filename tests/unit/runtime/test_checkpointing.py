from __future__ import annotations

import pytest

from caxton_node.runtime import CheckpointFailed, Cpu, Engine, Limits, Profile, Sandbox, StartFailed, TrapKind
from caxton_node.runtime.violations import Action, Bound, Violation
from tests.support.guests import LogLines, start
from tests.support.versions import keeper

pytestmark = pytest.mark.story("047")


def count(sandbox) -> int:
    return sandbox._function("counted")(0)


def test_what_one_instance_leaves_another_takes(engine: Engine) -> None:
    first, _ = start(engine, keeper("a", start=41))
    left = first.checkpoint()
    assert left == (41).to_bytes(4, "little")
    second, _ = start(engine, keeper("b"))
    assert second.restore(left) == []
    assert count(second) == 41
    assert first.handle([b"\x90"]).handled == 1, "the first one lives on"


@pytest.mark.parametrize(
    ("version", "words", "fatal"),
    [
        (keeper(checkpoint_code=4), "checkpoint: it refused with 4", False),
        (keeper(checkpoint_bytes=65_536), "abi: its outbox at 0x400", True),
        (keeper(before_checkpoint="unreachable"), "unreachable: it panicked", True),
        (keeper(before_checkpoint="(loop $l (br $l))"), "fuel: it used up its fuel", True),
        (keeper(before_checkpoint="(drop (memory.grow (i32.const 1)))", checkpoint_bytes=65_536),
         "checkpoint: its checkpoint has 65,536 bytes, at most 1,000 are kept", False),
    ],
    ids=["refuses", "outside", "traps", "spins", "bomb"],
)  # fmt: skip
def test_a_checkpoint_that_fails_says_why(engine: Engine, version: bytes, words: str, fatal: bool) -> None:
    limits = Limits(fuel_per_message=100_000, checkpoint_bytes_max=1_000)
    sandbox, _ = start(engine, version, limits=limits)
    with pytest.raises(CheckpointFailed) as caught:
        sandbox.checkpoint()
    assert words in str(caught.value)
    assert (caught.value.trap.fatal, sandbox.is_alive) == (fatal, not fatal)


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        (keeper(restore_code=5), TrapKind.CHECKPOINT),
        (keeper(before_restore="unreachable"), TrapKind.UNREACHABLE),
        (keeper(before_restore="(loop $l (br $l))"), TrapKind.FUEL),
        (keeper(before_restore="(drop (i32.load (i32.const -1)))"), TrapKind.BOUNDS),
    ],
)
def test_a_successor_that_does_not_take_it_does_not_start(
    engine: Engine, version: bytes, kind: TrapKind
) -> None:
    limits = Limits(fuel_per_message=100_000)
    sandbox, _ = start(engine, version, limits=limits)
    with pytest.raises(StartFailed) as caught:
        sandbox.restore(b"\0\0\0\0")
    assert caught.value.trap.kind is kind


def test_a_checkpoint_of_another_age_is_refused_by_the_guest(engine: Engine) -> None:
    sandbox, _ = start(engine, keeper())
    with pytest.raises(StartFailed, match="does not take the checkpoint: it returned error 9"):
        sandbox.restore(b"too long for this version")


def test_a_module_without_restore_takes_none(engine: Engine) -> None:
    text = keeper().replace(b'(export "caxton_restore")', b"")
    sandbox, _ = start(engine, text)
    with pytest.raises(StartFailed, match="no caxton_restore"):
        sandbox.restore(b"\0\0\0\0")


def test_an_image_goes_on_where_its_instance_stood(engine: Engine) -> None:
    module = engine.compile(keeper(start=3))
    assert module.is_whole
    first, _ = start(engine, module)
    first.handle([b"\x90"] * 4)
    second = Sandbox(engine, module, Limits(), LogLines())
    second.start_from_image(first.take_image())
    assert count(second) == count(first) == 7
    assert second.handle([b"\x90"]).handled == 1
    assert count(second) == 8


def test_an_image_above_the_limit_is_not_kept(engine: Engine) -> None:
    sandbox, _ = start(engine, keeper(), limits=Limits(checkpoint_bytes_max=10))
    with pytest.raises(CheckpointFailed, match="at most 10 are kept") as caught:
        sandbox.take_image()
    violation = caught.value.violation
    assert violation is not None
    assert (violation.bound, violation.limit, violation.action) == (Bound.CHECKPOINT, 10, Action.REFUSED)
    assert f"its image has {violation.used:,} bytes" in str(caught.value)


def test_a_checkpoint_that_is_too_large_is_a_violation_with_its_size(engine: Engine) -> None:
    limits = Limits(checkpoint_bytes_max=1_000)
    sandbox, _ = start(engine, keeper(checkpoint_bytes=1_001), limits=limits)
    with pytest.raises(CheckpointFailed) as caught:
        sandbox.checkpoint()
    assert caught.value.violation == Violation(Bound.CHECKPOINT, 1_001, 1_000, Action.REFUSED)
    assert sandbox.is_alive


def test_a_checkpoint_that_takes_too_much_fuel_is_a_violation(engine: Engine) -> None:
    version = keeper(before_checkpoint="(loop $l (br $l))")
    sandbox, _ = start(engine, version, limits=Limits(fuel_per_message=100_000))
    with pytest.raises(CheckpointFailed) as caught:
        sandbox.checkpoint()
    assert caught.value.violation == Violation(Bound.FUEL, 5_000_000, 5_000_000, Action.TRAPPED)


def test_a_checkpoint_that_takes_too_long_is_a_violation(engine: Engine) -> None:
    module = engine.compile(keeper(before_checkpoint="(loop $l (br $l))"), Profile(cpu=Cpu.DEADLINE))
    sandbox, _ = start(engine, module, limits=Limits(wall_time_s=0.01))
    with pytest.raises(CheckpointFailed) as caught:
        sandbox.checkpoint()
    violation = caught.value.violation
    assert violation is not None
    assert (violation.bound, violation.limit, violation.action) == (Bound.TIME, 0.5, Action.TRAPPED)
    assert violation.used > 0.5


def test_whoever_refuses_a_checkpoint_passes_no_limit(engine: Engine) -> None:
    first, _ = start(engine, keeper(checkpoint_code=4))
    with pytest.raises(CheckpointFailed) as left:
        first.checkpoint()
    assert left.value.violation is None
    second, _ = start(engine, keeper(restore_code=5))
    with pytest.raises(StartFailed) as taken:
        second.restore(b"\0\0\0\0")
    assert taken.value.trap.kind is TrapKind.CHECKPOINT
    assert taken.value.violation is None
