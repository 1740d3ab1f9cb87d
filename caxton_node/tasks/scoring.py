"""Who is chosen, and why: bids ranked by declared criteria. Pure.

A bid that is no JSON object, breaks a requirement or lacks a preferred number is disqualified. For the
others, each preferred term is brought to 0..1 between the worst (0) and the best (1) of the qualified bids of
the round; where all are equal it is 1 for all. The score is the weighted mean of those. So a score says where
a bid stands among the bids of its own round; it does not compare rounds, which `find_progress` does, term by
term.

The order is total: higher score, then earlier bid, then address. Scores are compared after rounding to nine
digits, so that the order of a sum never decides.

Source: story 011. Weighted sums of min-max-normalised terms: Hwang and Yoon, Multiple Attribute Decision
Making, 1981; the rejected alternatives (product of ratios, outranking) explain themselves less well in one
line of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import zip_longest

import msgspec

from caxton_node.tasks.criteria import ANSWERED_MS, LOCAL, Criteria, Preference, number_of

DIGITS = 9
_read = msgspec.json.Decoder().decode


class TieBreak(StrEnum):
    """What puts a bid ahead of another with the same score."""

    NONE = ""
    EARLIER = "earlier"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Offer:
    """A bid as it came, and what the platform knows of it.

    Attributes:
        contractor: `name@node`.
        content: What was proposed.
        answered_us: From the call to the bid, microseconds.
        is_local: The contractor is on the initiator's node.
    """

    contractor: str
    content: bytes | None
    answered_us: int
    is_local: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A bid with its place.

    Attributes:
        contractor: `name@node`.
        terms: The values that were looked at, by name.
        normalised: Preferred terms between 0 (worst) and 1 (best of the round); empty if disqualified.
        score: Their weighted mean; None if disqualified.
        rank: From 1; 0 if disqualified.
        breach: Why it is disqualified, "" if it is not.
        tie_break: What puts it ahead of the next one, if the score does not.
    """

    contractor: str
    terms: Mapping[str, object] = field(default_factory=dict)
    normalised: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    rank: int = 0
    breach: str = ""
    tie_break: TieBreak = TieBreak.NONE


def judge(offers: Sequence[Offer], criteria: Criteria) -> list[Judged]:
    """Rank the bids of one round.

    Args:
        offers: Each contractor once.
        criteria: What is wanted.

    Returns:
        The qualified bids, best first, then the disqualified in the order of the offers.
    """
    seen = [_look_at(offer, criteria) for offer in offers]
    qualified = {bid.contractor: bid for bid in seen if not bid.breach}
    scales = {each.term: _scale(each, qualified.values()) for each in criteria.preferences}
    scored = [_score(bid, criteria.preferences, scales) for bid in qualified.values()]
    answered = {offer.contractor: offer.answered_us for offer in offers}
    scored.sort(key=lambda bid: (-(bid.score or 0.0), answered[bid.contractor], bid.contractor))
    ranked = [
        replace(bid, rank=rank, tie_break=_tie_break(bid, after, answered))
        for rank, (bid, after) in enumerate(zip_longest(scored, scored[1:]), start=1)
    ]
    return [*ranked, *(bid for bid in seen if bid.breach)]


def find_progress(
    best: Mapping[str, float], judged: Sequence[Judged], criteria: Criteria
) -> tuple[dict[str, float], str]:
    """Compare a round with the best values of those before it.

    Args:
        best: Best value of each preferred term so far; empty before the first round.
        judged: The bids of the round.
        criteria: What is wanted, and by which steps.

    Returns:
        The best values now, and a sentence about what got better by at least its step, "" if nothing did.
    """
    after, found = dict(best), []
    for each in criteria.preferences:
        values = [number for bid in judged if bid.rank and (number := _number(bid, each)) is not None]
        if not values:
            continue
        now = min(values, key=lambda value: -each.betters(value, 0.0))
        if each.term not in best:
            after[each.term] = now
            found.append(f"{each.term} {now:g}")
            continue
        before = best[each.term]
        gain = each.betters(now, before)
        if gain > 0:
            after[each.term] = now
            if gain >= criteria.steps.get(each.term, 0.0):
                found.append(f"{each.term} {before:g} → {now:g}")
    return after, ", ".join(found)


def _look_at(offer: Offer, criteria: Criteria) -> Judged:
    """Read a bid's terms, and find what disqualifies it."""
    try:
        content = _read(offer.content or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Judged(offer.contractor, breach="the bid is not JSON")
    if not isinstance(content, dict):
        return Judged(offer.contractor, breach="the bid is not a JSON object")
    facts = {LOCAL: int(offer.is_local), ANSWERED_MS: offer.answered_us / 1000}
    known = content | facts
    terms = {name: known[name] for name in criteria.terms if name in known}
    return Judged(offer.contractor, terms, breach=_find_breach(terms, criteria))


def _find_breach(terms: Mapping[str, object], criteria: Criteria) -> str:
    for requirement in criteria.requirements:
        if breach := requirement.find_breach(terms):
            return breach
    for preference in criteria.preferences:
        if number_of(terms.get(preference.term)) is None:
            missing = "is not a number" if preference.term in terms else "is missing"
            return f"{preference.term} {missing}, and bids are ranked by it"
    return ""


@dataclass(frozen=True, slots=True)
class _Scale:
    """The worst and the best value of a term among qualified bids."""

    worst: float
    best: float

    def place(self, value: float) -> float:
        """Return where a value lies between the worst, 0, and the best, 1."""
        span = self.best - self.worst
        return abs((value - self.worst) / span) if span else 1.0  # never -0


def _scale(preference: Preference, bids: Iterable[Judged]) -> _Scale:
    values = [number for bid in bids if (number := _number(bid, preference)) is not None] or [0.0]
    ordered = sorted(values, key=lambda value: preference.betters(value, 0.0))
    return _Scale(ordered[0], ordered[-1])


def _score(bid: Judged, preferences: Sequence[Preference], scales: Mapping[str, _Scale]) -> Judged:
    places = {each.term: scales[each.term].place(_number(bid, each) or 0.0) for each in preferences}
    whole = sum(each.weight for each in preferences)
    score = sum(each.weight * places[each.term] for each in preferences) / whole if preferences else 1.0
    return replace(bid, normalised=places, score=round(score, DIGITS))


def _number(bid: Judged, preference: Preference) -> float | None:
    return number_of(bid.terms.get(preference.term))


def _tie_break(bid: Judged, after: Judged | None, answered: Mapping[str, int]) -> TieBreak:
    if after is None or bid.score != after.score:
        return TieBreak.NONE
    is_earlier = answered[bid.contractor] != answered[after.contractor]
    return TieBreak.EARLIER if is_earlier else TieBreak.ADDRESS
