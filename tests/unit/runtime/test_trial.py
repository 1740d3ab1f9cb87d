from __future__ import annotations

from collections.abc import Callable

import pytest

from caxton_node.core.clock import SystemClock
from caxton_node.runtime import Cpu, Engine, Limits, Profile, StartFailed, TrapKind, to_binary
from caxton_node.runtime.profile import FEATURES
from caxton_node.runtime.trial import MESSAGE_S_MAX, START_S_MAX, Trial, needed_features
from tests.support.guests import LogLines, request, tiny, wat
from tests.unit.runtime.test_profiles import using

pytestmark = pytest.mark.story("012")
SPIN = "(loop $again (br $again)) (i32.const 0)"
PATIENT = Limits(fuel_per_message=2**50, wall_time_s=3600)
INTRODUCTION = {"agent": "trial", "tenant": "default", "node": "n1", "config": {}}

Try = Callable[..., Trial]


@pytest.fixture
def begin(engine: Engine) -> Try:
    """Return a function that begins a trial with so many seconds left."""
    clock = SystemClock()

    def make(text: str, limits: Limits = PATIENT, left_s: float = 60.0, cpu: Cpu = Cpu.BOTH) -> Trial:
        module = engine.compile(text, Profile(cpu=cpu))
        return Trial(engine, module, limits, until=clock.now() + left_s, log=LogLines(), clock=clock)

    return make


def test_a_start_is_measured(begin: Try) -> None:
    trial = begin(wat("echo"))
    started = trial.start(INTRODUCTION)
    assert (started.fuel_units > 0, started.elapsed_s > 0, started.memory_bytes) == (True, True, 65_536)
    handled = trial.handle([request("x")])
    assert (handled.outcome.handled, len(handled.outcome.outbox), handled.memory_bytes) == (1, 1, 65_536)
    trial.close()
    assert not trial.is_alive


def test_without_fuel_none_is_measured(begin: Try) -> None:
    trial = begin(wat("echo"), cpu=Cpu.DEADLINE)
    assert trial.start(INTRODUCTION).fuel_units == 0


def test_a_start_that_never_ends_is_stopped_by_the_trial_and_not_by_its_own_patience(begin: Try) -> None:
    trial = begin(tiny(init=SPIN))
    with pytest.raises(StartFailed) as caught:
        trial.start(INTRODUCTION)
    assert (caught.value.trap.kind, trial.cut_to_s) == (TrapKind.TIME, START_S_MAX)


def test_a_message_that_never_ends_is_stopped_by_the_trial(begin: Try) -> None:
    trial = begin(tiny(handle=SPIN))
    trial.start(INTRODUCTION)
    handled = trial.handle([b"x"])
    assert handled.outcome.trap is not None
    assert (handled.outcome.trap.kind, handled.cut_to_s) == (TrapKind.TIME, MESSAGE_S_MAX)
    assert not trial.is_alive


def test_an_agent_that_is_less_patient_than_the_trial_is_stopped_by_its_own_limit(begin: Try) -> None:
    trial = begin(tiny(handle=SPIN), Limits(fuel_per_message=2**50, wall_time_s=0.02))
    trial.start(INTRODUCTION)
    handled = trial.handle([b"x"])
    assert handled.outcome.trap is not None
    assert (handled.outcome.trap.kind, handled.cut_to_s) == (TrapKind.TIME, None)


@pytest.mark.parametrize("left_s", [-1.0, 0.0, 0.4])
def test_nothing_is_begun_that_could_not_end_in_time(begin: Try, left_s: float) -> None:
    trial = begin(wat("echo"), left_s=left_s)
    with pytest.raises(TimeoutError):
        trial.start(INTRODUCTION)
    trial.close()


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_that_a_module_needs_is_named(engine: Engine, feature: str) -> None:
    needed = needed_features(to_binary(using(feature)), engine.settings)
    # Relaxed SIMD brings SIMD, and reference types bring bulk memory.
    assert needed == (feature,)


def test_a_module_that_needs_no_feature_or_one_that_nobody_may_allow_needs_none(engine: Engine) -> None:
    threads = "(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))"
    for text in (wat("echo"), threads):
        assert needed_features(to_binary(text), engine.settings) == ()
