"""What `df` answers searches with: as many offers as were asked for and fit into a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from caxton_node.core.ids import Address
from caxton_node.registry.discovery.finder import Answer, Found
from caxton_node.registry.discovery.watches import Change, News
from caxton_node.registry.records import CapabilityRecord

BYTES_MAX = 48 * 1024
"""Of one answer; an agent may refuse messages of more than 64 KiB."""


class Offer(Struct, frozen=True, omit_defaults=True):
    """An agent that has a capability.

    Attributes:
        name: The agent's name.
        capability: What it can do.
        version: Of that.
        node: Where it runs.
        distance_ms: Round trip to there as this node guesses it; None if it cannot.
        load: How full its mailbox is: 0 hardly, 1 a quarter, 2 half, 3 nearly.
        change: What happened to it, for subscribers.
        The others: As registered, where details were asked for.
    """

    name: str
    capability: str
    version: str
    node: str
    distance_ms: float | None = None
    load: int = 0
    change: str = ""
    input: Mapping[str, object] | None = None
    output: Mapping[str, object] | None = None
    performatives: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    cost: Mapping[str, float] = {}
    attributes: Mapping[str, str] = {}
    description: str = ""


class Offers(Struct, frozen=True, omit_defaults=True):
    """The answer to a search.

    Attributes:
        agents: The better ones first.
        more: There are others.
    """

    agents: list[Offer]
    more: bool = False


class Changes(Struct, frozen=True):
    """What a subscriber is told."""

    changes: list[Offer]


def to_search(answer: Answer, *, detail: bool) -> Offers:
    """Return the answer to a search."""
    offers = [_of_found(found, detail=detail) for found in answer.found]
    kept = _fitting(offers)
    return Offers(kept, answer.more or len(kept) < len(offers))


def present(records: Iterable[CapabilityRecord], *, detail: bool) -> Offers:
    """Return what is there when a subscription begins."""
    offers = [_offer(record, detail=detail) for record in records]
    kept = _fitting(offers)
    return Offers(kept, len(kept) < len(offers))


def of_news(news: Iterable[News], *, detail: bool) -> Iterable[Changes]:
    """Return what a subscriber is told, in messages that are not too large."""
    waiting = [_offer(each.record, change=each.change, detail=detail) for each in news]
    while waiting:
        kept = _fitting(waiting) or waiting[:1]
        yield Changes(kept)
        waiting = waiting[len(kept) :]


def _fitting(offers: list[Offer]) -> list[Offer]:
    """Return the first offers, as many as fit into a message."""
    left = BYTES_MAX
    for count, offer in enumerate(offers):
        left -= len(msgspec.json.encode(offer)) + 1
        if left < 0:
            return offers[:count]
    return offers


def _of_found(found: Found, *, detail: bool) -> Offer:
    distance_ms = None if found.distance_ms is None else round(found.distance_ms, 2)
    return _offer(found.record, distance_ms=distance_ms, load=found.load, detail=detail)


def _offer(
    record: CapabilityRecord,
    *,
    detail: bool,
    distance_ms: float | None = None,
    load: int = 0,
    change: Change | None = None,
) -> Offer:
    offer = Offer(
        name=str(Address(record.agent)),
        capability=record.name,
        version=record.version,
        node=record.node,
        distance_ms=distance_ms,
        load=load,
        change=change.value if change is not None else "",
    )
    if not detail:
        return offer
    return msgspec.structs.replace(
        offer,
        input=record.schema,
        output=record.output,
        performatives=record.performatives,
        protocols=record.protocols,
        cost=record.cost,
        attributes=record.attributes,
        description=record.description,
    )
