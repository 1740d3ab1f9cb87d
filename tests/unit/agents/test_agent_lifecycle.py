import itertools

import pytest

from caxton_node.agents.lifecycle import TRANSITIONS, Event, State
from caxton_node.core.machine import IllegalTransition, allowed, step

pytestmark = pytest.mark.story("003")


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_pair_of_state_and_event_moves_by_the_table_or_is_refused(state, event):
    if (state, event) in TRANSITIONS:
        assert step(TRANSITIONS, state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition):
            step(TRANSITIONS, state, event)


def test_the_whole_life_runs_from_unloaded_to_unloaded():
    state = State.UNLOADED
    seen = [state]
    for event in (Event.LOAD, Event.START, Event.DRAIN, Event.STOP, Event.LOAD, Event.REMOVE):
        state = step(TRANSITIONS, state, event)
        seen.append(state)
    assert seen == ["Unloaded", "Loaded", "Running", "Draining", "Stopped", "Loaded", "Unloaded"]


def test_failed_can_be_reached_from_every_other_state():
    assert all(Event.FAIL in allowed(TRANSITIONS, state) for state in State if state is not State.FAILED)


def test_no_state_is_a_dead_end():
    assert all(allowed(TRANSITIONS, state) for state in State)


def test_a_running_agent_cannot_be_removed_without_stopping_it():
    with pytest.raises(IllegalTransition, match="remove is not possible while Running"):
        step(TRANSITIONS, State.RUNNING, Event.REMOVE)
