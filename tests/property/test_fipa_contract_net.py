"""Whatever contractors do, in whatever order, a Contract Net ends and leaves nobody without an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.bidding import (
    Award,
    Decision,
    Effect,
    Finished,
    Notify,
    Phase,
    Proposal,
    Revise,
    Schedule,
    Send,
    Settings,
    Timer,
)
from caxton_node.fipa.contract_net import ContractNet
from caxton_node.fipa.protocols import BidState

pytestmark = pytest.mark.story("011")

NAMES = ("a", "b", "c", "d")
acts = st.tuples(st.sampled_from(NAMES), st.sampled_from(Performative))
events = st.lists(acts | st.sampled_from(["timer", "stale timer", "cancel", "unreachable"]), max_size=30)
kinds = st.sampled_from(["first", "first, others in reserve", "all", "none", "again"])


def decide(kind: str, offers: Sequence[Proposal]) -> Decision:
    names = tuple(offer.contractor for offer in offers)
    if kind == "again":
        return Revise(b"again")
    reserves = names[1:] if "reserve" in kind else ()
    return Award({"all": names, "none": ()}.get(kind, names[:1]), reserves)


class Table:
    """A negotiation, and the timers that it has set."""

    def __init__(self, plan: Sequence[str], rounds_max: int) -> None:
        self.net = ContractNet(
            initiator="buyer",
            conversation_id="talk",
            task=b"",
            contractors=NAMES,
            choose=lambda offers, number: decide(plan[number - 1], offers),
            settings=Settings(rounds_max=rounds_max),
        )
        self.timers: list[Timer] = []
        self.effects: list[Effect] = []

    def take(self, effects: list[Effect]) -> None:
        self.effects += effects
        self.timers += [effect.timer for effect in effects if isinstance(effect, Schedule)]

    def play(self, step: tuple[str, Performative] | str) -> None:
        net = self.net
        if step == "timer" and self.timers:
            self.take(net.handle_timer(self.timers.pop(0), 0))
        elif step == "stale timer":
            assert net.handle_timer(Timer(Phase.CALLING, net.round - 1), 0) == []
        elif step == "cancel":
            self.take(net.cancel())
        elif step == "unreachable":
            self.take(net.handle_failure(NAMES[0], 0))
        elif not isinstance(step, str):
            self.take(net.handle_message(Envelope(step[1], step[0], "buyer", b"", "talk"), 0))

    def sent(self, act: Performative) -> list[object]:
        return [
            effect.envelope.receivers
            for effect in self.effects
            if isinstance(effect, Send) and effect.envelope.performative is act
        ]


@settings(max_examples=300, deadline=None)
@given(events, st.lists(kinds, min_size=4, max_size=4), st.integers(1, 3))
def test_it_always_ends_once_and_every_proposal_is_answered(
    steps: list[tuple[str, Performative] | str], plan: list[str], rounds_max: int
) -> None:
    table = Table(plan, rounds_max)
    table.take(table.net.start(0))
    for step in steps:
        table.play(step)
    while table.timers:
        table.play("timer")
    net = table.net
    assert net.phase is Phase.FINISHED
    ends = [
        effect
        for effect in table.effects
        if isinstance(effect, Notify) and isinstance(effect.event, Finished)
    ]
    assert len(ends) == 1
    assert net.round <= rounds_max
    assert not {BidState.CALLED, BidState.PROPOSED, BidState.ACCEPTED} & set(net.states.values())
    spoken_to = {effect.envelope.receivers for effect in table.effects if isinstance(effect, Send)}
    assert spoken_to == set(NAMES)
    accepted = table.sent(Performative.ACCEPT_PROPOSAL)
    assert len(accepted) == len(set(accepted)), "nobody gets the work twice"
