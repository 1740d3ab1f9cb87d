import itertools

import pytest

from caxton_node.core.machine import IllegalTransition, allowed, step
from caxton_node.fipa.bidding import Ending
from caxton_node.tasks.lifecycle import ENDS, FINAL, TRANSITIONS, Event, Outcome, State, outcome_of

pytestmark = pytest.mark.story("011")


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_state_takes_every_event_as_the_table_says(state, event):
    if event in allowed(TRANSITIONS, state):
        assert step(TRANSITIONS, state, event) in State
    else:
        with pytest.raises(IllegalTransition):
            step(TRANSITIONS, state, event)


def test_nothing_follows_an_end_and_every_other_state_can_fail_and_be_cancelled():
    assert {State.COMPLETED, State.PARTIAL, State.FAILED, State.CANCELLED} == FINAL
    for state in set(State) - FINAL:
        assert step(TRANSITIONS, state, Event.FAIL) is State.FAILED
        assert step(TRANSITIONS, state, Event.CANCEL) is State.CANCELLED


def test_every_ending_of_a_negotiation_is_an_outcome_and_every_outcome_an_end():
    assert {ending.value for ending in Ending} <= {outcome.value for outcome in Outcome}
    assert set(ENDS) == set(Outcome)


def test_only_all_that_was_asked_for_is_done():
    assert outcome_of(Ending.DONE, 2, 2) is Outcome.DONE
    assert outcome_of(Ending.DONE, 1, 2) is Outcome.PARTLY_DONE
    assert outcome_of(Ending.FAILED, 0, 1) is Outcome.FAILED
