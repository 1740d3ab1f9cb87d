"""How an agent does, as the cluster is told."""

from __future__ import annotations

import random

import pytest

from caxton_node.agents.condition import FAILURES_MIN, Condition, Gauge, level_of
from caxton_node.agents.supervision import RestartPolicy, Supervisor

pytestmark = pytest.mark.story("015")


def look(gauge: Gauge, *fills: int, failures: int = 0) -> list[bool]:
    return [gauge.look(waiting=fill, depth_max=100, failures=failures) for fill in fills]


def test_a_level_is_told_when_two_looks_agree_on_it() -> None:
    gauge = Gauge()
    assert look(gauge, 0, 60, 0, 60, 60, 60) == [False, False, False, False, True, False]
    assert gauge.told == Condition(load=2)
    assert look(gauge, 0, 60, 0, 0) == [False, False, False, True]
    assert gauge.told == Condition()


def test_a_mailbox_at_a_border_keeps_its_level() -> None:
    gauge = Gauge()
    assert not any(look(gauge, *[24, 26] * 20))
    look(gauge, 40, 40)
    assert not any(look(gauge, *[24, 26] * 20))
    assert gauge.told.load == 1


@pytest.mark.parametrize(("fill", "level"), [(0.0, 0), (0.32, 1), (0.6, 2), (0.95, 3), (1.0, 3)])
def test_a_level_is_how_full_a_mailbox_is(fill: float, level: int) -> None:
    assert [level_of(fill, before) for before in range(4)] == [level] * 4


def test_an_agent_that_fails_again_and_again_is_told_of_until_its_failures_are_old() -> None:
    supervisor, gauge = Supervisor(RestartPolicy(window_s=60), random.Random(1)), Gauge()
    for number in range(FAILURES_MIN):
        assert look(gauge, 0, failures=supervisor.count_failures(10.0 + number)) == [False]
        supervisor.handle_failure(10.0 + number)
    assert look(gauge, 0, failures=supervisor.count_failures(20.0)) == [True]
    assert gauge.told == Condition(failing=True)
    assert look(gauge, 0, failures=supervisor.count_failures(60.0)) == [False]
    assert look(gauge, 0, failures=supervisor.count_failures(71.0)) == [True]
    assert gauge.told == Condition()
