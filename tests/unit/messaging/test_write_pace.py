"""How fast an agent may write what every node keeps, told by hand of a clock."""

from __future__ import annotations

import pytest

from caxton_node.messaging import write_pace
from caxton_node.messaging.platform_acts import Refused
from caxton_node.messaging.write_pace import REMOVAL_COST, Allowance, WritePace
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("026")


def a_pace(clock: HandClock, per_s: float = 2, burst: int = 10) -> WritePace:
    return WritePace(clock, Allowance(per_s, burst))


def test_a_burst_is_free_and_then_the_pace_holds_for_each_agent_alone() -> None:
    clock = HandClock()
    pace = a_pace(clock)
    for _ in range(10):
        pace.spend("default/a", writes=1)
    with pytest.raises(Refused, match=r"registry.agent_writes_per_s\); ask again in 0.5 s") as caught:
        pace.spend("default/a", writes=1)
    assert caught.value.reason == "busy"
    pace.spend("default/b", writes=1)
    clock.advance(0.5)
    pace.spend("default/a", writes=1)


def test_what_a_day_of_writing_and_taking_back_leaves_is_bounded() -> None:
    clock = HandClock()
    pace, removed = a_pace(clock, per_s=10, burst=100), 0
    for _ in range(1000):
        try:
            pace.spend("default/a", removals=1)
            removed += 1
        except Refused:
            clock.advance(1)
    assert removed <= 100 / REMOVAL_COST + clock.now() * 10 / REMOVAL_COST + 1


def test_a_request_passes_whole_and_what_goes_beyond_is_owed() -> None:
    clock = HandClock()
    pace = a_pace(clock)
    pace.spend("default/a", removals=64)
    clock.advance(300)
    with pytest.raises(Refused):
        pace.spend("default/a", writes=1)
    clock.advance(16)
    pace.spend("default/a", writes=1)


def test_what_changes_nothing_costs_nothing_and_is_never_refused() -> None:
    pace = a_pace(HandClock())
    pace.spend("default/a", writes=10)
    pace.spend("default/a")


def test_no_more_agents_than_a_bound_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_pace, "AGENTS_MAX", 2)
    pace = a_pace(HandClock())
    for name in ("a", "b", "c"):
        pace.spend(name, writes=10)
    pace.spend("a", writes=1)  # whoever has not written for longest has a full one again
    with pytest.raises(Refused):
        pace.spend("c", writes=1)
