"""When a change of the CA may go on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from caxton_node.core.errors import InvalidArgument, StateError, Unavailable
from caxton_node.trust.steps import (
    CaNotRetirable,
    Step,
    StepName,
    check_done,
    check_retirable,
    check_settled,
    judged,
    read_step,
)
from caxton_node.trust.survey import NodeTrust
from caxton_node.trust.wire import Shown
from certs import Authority, TrustList
from certs.rotation import announce

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


@pytest.mark.parametrize("name", [StepName.RETIRE, StepName.ABANDON])
def test_after_the_last_step_nobody_is_told_to_begin_another_change(name: StepName) -> None:
    with pytest.raises(Unavailable) as caught:
        check_done(Step(name, "ca", 1, (node("a", error="no answer"),)), force=False)
    assert "do not give the command again" in caught.value.hint


def test_another_change_does_not_begin_before_the_last_one_has_come_to_all() -> None:
    nodes = [NodeTrust("a", Shown(digest="now")), NodeTrust("b", Shown(), "no answer")]
    check_settled(nodes, "now")
    with pytest.raises(StateError, match="has not come") as caught:
        check_settled([*nodes, NodeTrust("c", Shown(digest="before"))], "now")
    assert caught.value.why.startswith("c ")


def test_a_member_that_signs_has_not_followed_before_it_has_the_new_key() -> None:
    old = Authority.create("test", datetime.now(UTC))
    new = Authority.create("test", datetime.now(UTC))
    trust = announce(TrustList.initial(old.certificate_pem), new, [old])

    def shown(*keys: Authority, digest: str = trust.digest) -> str:
        found = NodeTrust("a", Shown(digest=digest, keys=tuple(key.fingerprint for key in keys)))
        return judged([found], trust)[0].error

    assert shown() == shown(old, new) == ""
    assert "has not come to it" in shown(old)
    assert "another trust list" in shown(digest="other")
