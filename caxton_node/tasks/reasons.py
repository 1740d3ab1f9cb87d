"""Why a bid was chosen and why a task ended, in one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from caxton_node.tasks.lifecycle import Outcome
from caxton_node.tasks.record import Bid, Record, Verdict
from caxton_node.tasks.scoring import TieBreak

_ACCEPTED = frozenset({Verdict.DONE, Verdict.FAILED, Verdict.OVERDUE})


def why_chosen(bid: Bid, bids: Iterable[Bid]) -> str:
    """Say why a bid was chosen before the next one of its round."""
    other = next((each for each in bids if each.rank == bid.rank + 1), None)
    if other is None:
        return "the only bid that qualifies" if bid.rank == 1 else "the last bid that qualifies"
    if bid.tie_break == TieBreak.EARLIER:
        return f"same score as {other.contractor}, {other.answered_ms - bid.answered_ms:.3g} ms earlier"
    if bid.tie_break == TieBreak.ADDRESS:
        return f"same score and time as {other.contractor}, its address comes first"
    return f"score {bid.score:.4g}, the next is {other.contractor} with {other.score:.4g}"


def why_ended(outcome: Outcome, record: Record, bids: int) -> str:
    """Say why a task ended as it did; `bids` are those of the last round."""
    done = sum(bid.verdict is Verdict.DONE for bid in record.bids)
    tried = sum(bid.verdict in _ACCEPTED for bid in record.bids)
    called = record.rounds[-1].called if record.rounds else 0
    return {
        Outcome.DONE: f"delivered by {', '.join(record.winners)}",
        Outcome.PARTLY_DONE: f"{done} of {record.order.winners} delivered",
        Outcome.FAILED: f"nobody delivered; {tried} of {bids} bids were accepted in turn",
        Outcome.NO_PROPOSALS: f"none of {called} contractors called made a bid",
        Outcome.NOT_AWARDED: f"none of {bids} bids qualifies",
    }.get(outcome, "")
