"""From the bids of a round to what happens next: another call, or an award. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from caxton_node.fipa.bidding import Award, Decision, Revise
from caxton_node.tasks.excerpts import kept_terms
from caxton_node.tasks.order import Order
from caxton_node.tasks.scoring import Judged, Offer, find_progress, judge

NEGOTIATION = "negotiation"
OUTBID = "another bid is better"

_write = msgspec.json.Encoder().encode
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode  # values stay as they were written


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the bids of a round were judged, and what follows from it.

    Attributes:
        judged: The bids, best first, the disqualified behind them.
        best: Best value of each preferred term so far.
        progress: What has got better than in the rounds before, "" if nothing has by its step.
        decision: What follows.
    """

    judged: Sequence[Judged]
    best: Mapping[str, float]
    progress: str
    decision: Decision


def judge_round(offers: Sequence[Offer], order: Order, number: int, best: Mapping[str, float]) -> Judgement:
    """Judge a round: call again as long as bids get better or nobody qualifies, then award.

    Args:
        offers: The bids, at least one.
        order: What is wanted, and how many rounds there may be.
        number: Of the round, from 1.
        best: Best value of each preferred term in the rounds before.
    """
    criteria = order.criteria
    judged = judge(offers, criteria)
    after, progress = find_progress(best, judged, criteria)
    is_open = bool(progress) or not judged[0].rank
    again = is_open and number < order.rounds_max
    decision = Revise(_revise(order, judged[0], number + 1)) if again else _award(order, judged)
    return Judgement(judged, after, progress, decision)


def _award(order: Order, judged: Sequence[Judged]) -> Award:
    qualified = [bid.contractor for bid in judged if bid.rank]
    winners, others = qualified[: order.winners], qualified[order.winners :]
    reserves = others[: order.reserves]  # None: all of them
    breaches = {bid.contractor: bid.breach for bid in judged if bid.breach}
    outbid = dict.fromkeys(others[len(reserves) :], OUTBID)
    return Award(tuple(winners), tuple(reserves), outbid | breaches)


def _revise(order: Order, best: Judged, number: int) -> bytes:
    """Return the content of a further call: the task, and what a bid has to better."""
    negotiation = {
        "round": number,
        "rounds_max": order.rounds_max,
        "prefer": order.prefer,
        "require": order.require,
        "best": {"score": best.score, "terms": kept_terms(best.terms)} if best.rank else None,
    }
    try:
        task = _read_members(order.content)
    except msgspec.ValidationError:  # it is no object
        task = {"task": msgspec.Raw(order.content)}
    return _write({**task, NEGOTIATION: negotiation})
