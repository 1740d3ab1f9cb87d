"""Whatever contractors do, in whatever order, a Contract Net ends and leaves nobody without an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.contract_net import (
    Award,
    ContractNet,
    Decision,
    Effect,
    Notify,
    Phase,
    Proposal,
    Revise,
    Schedule,
    Send,
    Settings,
    Timer,
)
from caxton_node.fipa.conversation import BidState

pytestmark = pytest.mark.story("011")

NAMES = ("a", "b", "c")
acts = st.tuples(st.sampled_from(NAMES), st.sampled_from(Performative))
events = st.lists(acts | st.just("timer") | st.just("stale timer") | st.just("cancel"), max_size=30)
decisions = st.lists(st.sampled_from(["first", "all", "none", "again"]), min_size=4, max_size=4)


@settings(max_examples=300, deadline=None)
@given(events, decisions, st.integers(1, 3))
def test_it_always_ends_once_and_every_proposal_is_answered(
    steps: list[tuple[str, Performative] | str], plan: list[str], rounds_max: int
) -> None:
    def choose(offers: Sequence[Proposal], number: int) -> Decision:
        names = tuple(offer.contractor for offer in offers)
        kind = plan[number - 1]
        return (
            Revise(b"again")
            if kind == "again"
            else Award({"first": names[:1], "all": names, "none": ()}[kind])
        )

    net = ContractNet(
        initiator="buyer",
        conversation_id="talk",
        task=b"",
        contractors=NAMES,
        choose=choose,
        settings=Settings(rounds_max=rounds_max),
    )
    effects: list[Effect] = net.start(0)
    for step in steps:
        if step == "timer":
            effects += net.handle_timer(Timer(net.phase, net.round), 0)
        elif step == "stale timer":
            assert net.handle_timer(Timer(Phase.CALLING, net.round - 1), 0) == []
        elif step == "cancel":
            effects += net.cancel()
        else:
            assert not isinstance(step, str)
            effects += net.handle_message(Envelope(step[1], step[0], "buyer", b"", "talk"), 0)
    for _ in range(2 * rounds_max + 2):
        effects += net.handle_timer(Timer(net.phase, net.round), 0)
    assert net.phase is Phase.FINISHED
    assert sum(isinstance(effect, Notify) for effect in effects) == 1
    assert net.round <= rounds_max
    waiting = {BidState.CALLED, BidState.PROPOSED, BidState.ACCEPTED}
    assert not waiting & set(net.states.values())
    assert all(effect.timer.round <= net.round for effect in effects if isinstance(effect, Schedule))
    spoken_to = {effect.envelope.receivers for effect in effects if isinstance(effect, Send)}
    assert spoken_to == set(NAMES)
