"""When a change of the CA may go on."""

from __future__ import annotations

import pytest

from caxton_node.core.errors import InvalidArgument, Unavailable
from caxton_node.trust.steps import CaNotRetirable, Step, StepName, check_done, check_retirable, read_step
from caxton_node.trust.survey import NodeTrust
from caxton_node.trust.wire import Shown

pytestmark = pytest.mark.story("022")


def node(name: str, issuer: str = "new", error: str = "") -> NodeTrust:
    return NodeTrust(name, Shown(issuer=issuer), error)


def test_a_step_that_all_have_confirmed_lets_the_next_begin() -> None:
    check_done(Step(StepName.ANNOUNCE, "ca", 1, (node("a"), node("b"))), force=False)


@pytest.mark.parametrize("name", StepName)
def test_a_step_that_somebody_has_not_confirmed_stops_the_change_and_says_who(name: StepName) -> None:
    step = Step(name, "ca", 1, (node("a"), node("b", error="no answer"), node("c", error="no answer")))
    with pytest.raises(Unavailable, match="b and 1 more") as caught:
        check_done(step, force=False)
    assert caught.value.why == "no answer"
    check_done(step, force=True)


def test_the_old_ca_goes_when_nobody_shows_it_and_nobody_is_away() -> None:
    check_retirable([node("a"), node("b")], "new", [])


def test_the_old_ca_stays_for_a_member_that_shows_it() -> None:
    with pytest.raises(CaNotRetirable, match="still needed") as caught:
        check_retirable([node("a"), node("b", "old")], "new", [])
    assert caught.value.why.startswith("b would be cut off")


def test_the_old_ca_stays_for_members_that_are_away_and_names_a_few() -> None:
    with pytest.raises(CaNotRetirable, match="away") as caught:
        check_retirable([node("a")], "new", [f"n{n}" for n in range(9)])
    assert "n4 and 4 more" in caught.value.why


def test_a_word_that_is_no_step_is_refused_with_those_that_are() -> None:
    assert read_step("switch") is StepName.SWITCH
    with pytest.raises(InvalidArgument) as caught:
        read_step("leap")
    assert "announce, switch, renew, retire, abandon" in caught.value.hint
