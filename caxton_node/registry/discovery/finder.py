"""Searches: what the index has, judged by what is alive, near and compatible, in the order asked for.

A search spends no more than so much on schemas (`work.SEARCH_UNITS_MAX`); then it answers with what it has
and says that there may be more. What it found out is remembered, so the next search goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from caxton_node.core.errors import InvalidArgument
from caxton_node.registry.discovery.compatibility import Compatibility
from caxton_node.registry.discovery.offers import Offer, OfferIndex
from caxton_node.registry.discovery.query import Locality, Pick, Query
from caxton_node.registry.discovery.ranking import band_of, by_chance, in_order
from caxton_node.registry.records import CapabilityRecord

HERE_MS = 0.0

Distance = Callable[[str], float | None]
"""Round trip to a node in seconds, as this node estimates it; None if it cannot."""


class Liveness(Protocol):
    """What a search must know of the cluster."""

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        ...

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is alive or only suspected; this node always is."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One answer to a search.

    Attributes:
        record: What was registered.
        distance_ms: Round trip to its node, 0 for this one; None if it is not known.
        load: How loaded its agent is, 0 to 3.
        ready: Whether it can be used now.
    """

    record: CapabilityRecord
    distance_ms: float | None
    load: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search has found.

    Attributes:
        found: The better ones first.
        more: There are others that fit, or may: the limit was reached, or the bound on comparing schemas.
    """

    found: tuple[Found, ...]
    more: bool = False


class Finder:
    """Answers searches of a node.

    Args:
        index: What is offered.
        cluster: Who is alive.
        distance_s: How far nodes are.
        rng: For picking by chance.
    """

    def __init__(
        self, index: OfferIndex, cluster: Liveness, distance_s: Distance, rng: random.Random
    ) -> None:
        self.index = index
        self._cluster = cluster
        self._distance_s = distance_s
        self._rng = rng

    @property
    def node_id(self) -> str:
        """Return the node whose finder this is."""
        return self._cluster.node_id

    def search(self, query: Query) -> Answer:
        """Answer a search with what this node knows now."""
        view = _View(self._cluster, self._distance_s)
        offers = self._within_reach(query, view)
        compatible = Compatibility(query)
        found: list[Found] = []
        limit = query.limit if query.pick is Pick.ALL else 1
        for offer in self._in_order(offers, query, view):
            if not compatible.holds(offer):
                if compatible.is_exhausted:
                    break
                continue
            if len(found) == limit:
                return Answer(tuple(found), more=query.pick is Pick.ALL)
            found.append(view.show(offer))
        return Answer(tuple(found), more=compatible.is_exhausted)

    def get(self, name: str, agent: str, node: str = "") -> list[Found]:
        """Return what an agent registered under a name, on one node or wherever it is, ready or not."""
        view = _View(self._cluster, self._distance_s)
        offers = [offer for offer in self.index.named(name) if offer.record.agent == agent]
        return [view.show(offer) for offer in in_order(offers, view.band) if node in {"", offer.node}]

    def is_up(self, agent: str, node: str) -> bool:
        """Tell whether an agent is there on a node: it runs, or begins or ends to."""
        return self._cluster.is_alive(node) and self.index.is_up(agent, node)

    def is_ready(self, offer: Offer) -> bool:
        """Tell whether an offer can be used now."""
        return offer.ready and self._cluster.is_alive(offer.node)

    def _within_reach(self, query: Query, view: _View) -> list[Offer]:
        """Return the offers that fit and are where the search wants them, on nodes that are alive."""
        nodes = [query.node] if query.node else self.index.nodes()
        offers = self.index.fitting(query, {node for node in nodes if self._is_wanted(node, query, view)})
        tenants = query.tenants
        if tenants is None:
            return offers
        return [offer for offer in offers if offer.record.agent.partition("/")[0] in tenants]

    def _is_wanted(self, node: str, query: Query, view: _View) -> bool:
        if not query.unready and not view.is_alive(node):
            return False
        match query.locality:
            case Locality.HERE:
                return node == self._cluster.node_id
            case Locality.NEAR:
                distance_ms = view.distance_ms(node)
                return distance_ms is not None and distance_ms <= query.within_ms
            case _:
                return True

    def _in_order(self, offers: list[Offer], query: Query, view: _View) -> Iterator[Offer]:
        match query.pick:
            case Pick.ANY:
                return by_chance(offers, self._rng)
            case Pick.BEST:
                return in_order(offers, view.band, self._rng)
            case _:
                return in_order(offers, view.band)


class _View:
    """What one search has looked up of the cluster: each node once."""

    def __init__(self, cluster: Liveness, distance_s: Distance) -> None:
        self._cluster = cluster
        self._distance_s = distance_s
        self._alive: dict[str, bool] = {}
        self._distances: dict[str, float | None] = {}
        self._bands: dict[str, int] = {}

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is alive."""
        alive = self._alive.get(node)
        if alive is None:
            alive = self._alive[node] = self._cluster.is_alive(node)
        return alive

    def distance_ms(self, node: str) -> float | None:
        """Return how far a node is."""
        if node not in self._distances:
            distance_s = self._distance_s(node)
            known = None if distance_s is None else 1000 * distance_s
            self._distances[node] = HERE_MS if node == self._cluster.node_id else known
        return self._distances[node]

    def band(self, node: str) -> int:
        """Return in which band of distances a node is."""
        band = self._bands.get(node)
        if band is None:
            band = self._bands[node] = band_of(self.distance_ms(node))
        return band

    def show(self, offer: Offer) -> Found:
        """Return an offer as an answer."""
        node = offer.node
        return Found(offer.record, self.distance_ms(node), offer.load, offer.ready and self.is_alive(node))


def refuse_blank(query: Query) -> Query:
    """Return a search that asks for something.

    Raises:
        InvalidArgument: It asks for nothing in particular.
    """
    if query.is_blank:
        raise InvalidArgument(
            "the search has no condition",
            why="it would find whatever anybody offers",
            hint="name a capability, or * to find all",
        )
    return query
