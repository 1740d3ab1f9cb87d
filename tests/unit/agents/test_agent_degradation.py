import pytest

from caxton_node.agents.degradation import CALM_S, PACES, Degradation
from caxton_node.runtime.slot import FULL_PACE

pytestmark = pytest.mark.story("016")


def test_an_agent_that_stays_within_its_limits_keeps_its_pace():
    assert Degradation().pace(1e9) is FULL_PACE
    assert Degradation().eases_in_s(0.0) is None


def test_each_stop_slows_down_a_step_and_no_further():
    degradation = Degradation()
    paces = []
    for second in range(4):
        degradation.handle_stop(float(second))
        paces.append(degradation.pace(float(second)))
    assert paces == [PACES[1], PACES[2], PACES[2], PACES[2]]
    assert (paces[0].batch_max, paces[0].share) == (1, 1.0)
    assert (paces[1].batch_max, paces[1].share) == (1, 0.25)


def test_each_calm_minute_takes_a_step_back():
    degradation = Degradation()
    degradation.handle_stop(0.0)
    degradation.handle_stop(10.0)
    assert degradation.eases_in_s(10.0) == CALM_S
    assert degradation.pace(10.0 + CALM_S - 0.1) is PACES[2]
    assert degradation.pace(10.0 + CALM_S) is PACES[1]
    assert degradation.pace(10.0 + 2 * CALM_S) is FULL_PACE
    degradation.handle_stop(10.0 + 2 * CALM_S)
    assert degradation.pace(10.0 + 2 * CALM_S) is PACES[1]


def test_an_operator_gives_full_pace_back():
    degradation = Degradation()
    degradation.handle_stop(0.0)
    degradation.reset()
    assert degradation.pace(0.0) is FULL_PACE
