from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from caxton_node.core.errors import InvalidArgument, InvalidModule, ResourceLimit
from caxton_node.runtime import STRICT, Cpu, Engine, Limits, Profile, StartFailed, TrapKind
from caxton_node.runtime.engine import PROFILES_MAX, EngineSettings, LocalCompiler
from caxton_node.runtime.profile import FEATURES
from tests.support.guests import contents, request, start, tiny, wat

USES = {
    "bulk-memory": "(memory.fill (i32.const 4096) (i32.const 1) (i32.const 8))",
    "multi-value": "(call $two) drop drop",
    "reference-types": "(drop (ref.null func))",
    "relaxed-simd": "(drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
    "simd": "(drop (v128.const i64x2 0 0))",
    "tail-call": "(call $tail)",
}
TWO = "(func $two (result i32 i32) (i32.const 1) (i32.const 2))"
TAIL = "(func $tail (return_call $last)) (func $last)"
SPIN = "(loop $again (br $again)) (i32.const 0)"


class Held(LocalCompiler):
    """A compiler that waits with the modules of one profile until it may go on."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self.holds: Profile | None = None
        self.reached, self.go_on = Event(), Event()

    def compile(self, binary: bytes, profile: Profile) -> bytes:
        if profile == self.holds:
            self.reached.set()
            assert self.go_on.wait(10)
        return super().compile(binary, profile)


def profiles(count: int) -> list[Profile]:
    names = list(FEATURES)
    return [
        Profile(tuple(name for bit, name in enumerate(names) if number >> bit & 1)) for number in range(count)
    ]


def using(feature: str) -> str:
    extra = {"multi-value": TWO, "tail-call": TAIL}.get(feature, "")
    return tiny(handle=f"{USES[feature]} (call $handled (i32.const 1)) (i32.const 0)", extra=extra)


@pytest.mark.story("001")
@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_refused_unless_it_was_allowed(engine: Engine, feature: str) -> None:
    with pytest.raises(InvalidModule, match="the module needs"):
        engine.compile(using(feature))
    sandbox, _ = start(engine, engine.compile(using(feature), Profile((feature,))))
    assert sandbox.handle([b"x"]).trap is None


@pytest.mark.story("001")
def test_allowing_one_feature_allows_no_other(engine: Engine) -> None:
    for feature in ("simd", "tail-call", "multi-value"):
        with pytest.raises(InvalidModule, match="bulk memory"):
            engine.compile(using("bulk-memory"), Profile((feature,)))


@pytest.mark.story("001")
@pytest.mark.parametrize("feature", ["threads", "memory64", "multi-memory", "gc", "exceptions", "SIMD", ""])
def test_what_no_operator_can_allow_is_named(feature: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a feature that can be allowed"):
        Profile((feature,))


@pytest.mark.story("001")
def test_equal_profiles_share_one_engine_and_its_code(engine: Engine) -> None:
    one = engine.compile(wat("echo"), Profile(("simd", "bulk-memory", "simd")))
    two = engine.compile(wat("echo"), Profile(("bulk-memory", "simd")))
    assert one is two
    assert one.profile.key == "both+bulk-memory+simd"
    assert engine.compile(wat("echo")) is not one


@pytest.mark.story("016")
def test_there_is_a_bound_on_profiles_in_use() -> None:
    with_many = Engine()
    *most, last = profiles(PROFILES_MAX + 1)
    used = [with_many.compile(wat("echo"), profile) for profile in most]
    with pytest.raises(ResourceLimit, match="at most 32 combinations"):
        with_many.compile(wat("echo"), last)
    used.pop(7)
    assert with_many.compile(wat("echo"), last).profile == last
    assert most[7] not in with_many._shops
    with_many.close()


@pytest.mark.story("016")
def test_a_profile_that_nothing_runs_on_makes_room_for_another() -> None:
    with_many = Engine()
    first, *others = profiles(PROFILES_MAX + 5)
    sandbox, _ = start(
        with_many, with_many.compile(tiny(handle=SPIN), first), limits=Limits(wall_time_s=0.05)
    )
    for profile in others:
        assert with_many.compile(wat("echo"), profile).profile == profile
    assert len(with_many._shops) == PROFILES_MAX
    assert first in with_many._shops, "an instance runs on it"
    assert sandbox.handle([b"x"]).trap is not None
    sandbox.close()
    with_many.close()


@pytest.mark.story("016")
def test_an_engine_that_is_being_compiled_for_stays() -> None:
    first, *others = profiles(PROFILES_MAX + 1)
    held = Held(EngineSettings())
    with_many = Engine(compiler=held)
    with ThreadPoolExecutor(1) as pool:
        held.holds = first
        slow = pool.submit(with_many.compile, wat("echo"), first)
        assert held.reached.wait(10)
        for profile in others:
            with_many.compile(wat("echo"), profile)
        held.go_on.set()
        assert slow.result(10).raw is with_many._shops[first].raw
    with_many.close()


@pytest.mark.story("016")
@pytest.mark.parametrize("cpu", list(Cpu))
def test_every_way_of_bounding_time_stops_a_loop_and_leaves_honest_work_alone(
    engine: Engine, cpu: Cpu
) -> None:
    limits = Limits(fuel_per_message=5_000_000, wall_time_s=0.05)
    spinner, _ = start(engine, engine.compile(tiny(handle=SPIN), Profile(cpu=cpu)), limits=limits)
    outcome = spinner.handle([b"x"])
    assert outcome.trap is not None
    stopped_by = {Cpu.METERED: {TrapKind.FUEL}, Cpu.DEADLINE: {TrapKind.TIME}}
    assert outcome.trap.kind in stopped_by.get(cpu, {TrapKind.FUEL, TrapKind.TIME})
    honest, _ = start(engine, engine.compile(wat("echo"), Profile(cpu=cpu)))
    outcome = honest.handle([request("hello")] * 8)
    assert contents(outcome) == [b"hello"] * 8
    assert bool(outcome.fuel_units) is cpu.has_fuel


@pytest.mark.story("016")
@pytest.mark.parametrize("cpu", list(Cpu))
def test_a_start_that_never_ends_is_stopped_too(engine: Engine, cpu: Cpu) -> None:
    limits = Limits(fuel_per_message=100_000, wall_time_s=0.01)
    with pytest.raises(StartFailed):
        start(engine, engine.compile(tiny(init=SPIN), Profile(cpu=cpu)), limits=limits)


@pytest.mark.story("001")
def test_the_strict_profile_is_the_default(engine: Engine) -> None:
    assert engine.compile(wat("echo")).profile == STRICT == Profile((), Cpu.BOTH)
