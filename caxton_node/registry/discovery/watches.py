"""Those who want to be told when what they search for appears, changes or goes.

Every node watches its own index, so a change costs no request. Changes are gathered for `GATHER_S` and told
once: an agent that registers ten capabilities, or a node that dies with a thousand, is one piece of news to
each watcher. What an offer was at the last telling is kept once for all watches, which themselves keep
nothing that grows.

A change of load is no news, and neither is a change of distance: who needs these searches when it needs them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from caxton_node.core.errors import InvalidArgument, ResourceLimit
from caxton_node.registry.discovery.compatibility import Compatibility
from caxton_node.registry.discovery.finder import Finder
from caxton_node.registry.discovery.offers import Offer
from caxton_node.registry.discovery.query import Locality, Query
from caxton_node.registry.records import CapabilityRecord

GATHER_S = 0.05
WATCHES_MAX = 2_000
TURN_MAX = 2_000
"""Offers held against watches before others of the loop get their turn."""


class Change(StrEnum):
    """What happened to an offer, as a watcher sees it."""

    PRESENT = "present"  # it was there when the watch began
    APPEARED = "appeared"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class News:
    """One change.

    Attributes:
        change: What happened.
        record: The offer: as it is now, or as it was when it is gone.
    """

    change: Change
    record: CapabilityRecord


Listener = Callable[[Sequence[News]], None]


@dataclass(eq=False, slots=True)
class Watch:
    """One watcher.

    Attributes:
        query: What it searches for; its limit, pick and distance do not count.
        listener: Called on the event loop with what changed; must not raise.
        is_told: Whether it is told of anything yet, or any more.
    """

    query: Query
    listener: Listener
    is_told: bool = field(default=True)


class Watches:
    """The watches of a node; on the event loop.

    Args:
        finder: Whose index they are about.
        most: How many there may be.
    """

    def __init__(self, finder: Finder, *, most: int = WATCHES_MAX) -> None:
        self._finder = finder
        self._most = most
        self._watches: dict[Watch, None] = {}
        self._told: dict[str, Offer] = {}
        self._dirty: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._watches)

    def begin(self, query: Query, listener: Listener) -> tuple[Watch, list[CapabilityRecord]]:
        """Tell somebody of changes from now on; return the watch with what is there now, by key.

        Raises:
            InvalidArgument: What it asks for is not the same from one moment to the next.
            ResourceLimit: There are too many watches on this node.
        """
        if query.locality is Locality.NEAR:
            raise InvalidArgument("distances are not watched", hint="watch all, and search when it matters")
        if len(self._watches) >= self._most:
            raise ResourceLimit(
                f"this node has {self._most:,} watches", why="that is its bound", hint="ask another node"
            )
        if not self._watches:
            self._follow()
        self._tell()  # so that nobody else misses what this one sees at once
        watch = Watch(query, listener)
        self._watches[watch] = None
        compatible = Compatibility(query)
        present = [offer for offer in self._told.values() if self._concerns(watch, offer, compatible)]
        return watch, [offer.record for offer in sorted(present, key=lambda offer: offer.key)]

    def end(self, watch: Watch) -> None:
        """Tell it nothing any more; safe to call twice."""
        watch.is_told = False
        self._watches.pop(watch, None)
        if not self._watches:
            self._rest()

    def handle_node(self, node: str) -> None:
        """Look again at what a node offers, which has died or come back."""
        for offer in self._finder.index.on_node(node) if self._watches else ():
            self._note(offer)

    # -- following ------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Begin to listen; without watches nothing is kept and changes cost nothing."""
        index = self._finder.index
        self._told = {offer.key: offer for offer in index.all() if self._finder.is_ready(offer)}
        index.listeners.append(self._note)

    def _rest(self) -> None:
        listeners = self._finder.index.listeners
        if self._note in listeners:
            listeners.remove(self._note)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._told, self._dirty = {}, {}

    def _note(self, offer: Offer) -> None:
        self._dirty[offer.key] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._turn)

    def _turn(self) -> None:
        """Tell of some changes; of the rest after others of the loop had their turn."""
        self._timer = None
        self._tell(TURN_MAX // max(1, len(self._watches)) + 1)
        if self._dirty and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(0, self._turn)

    def _tell(self, most: int | None = None) -> None:
        keys = list(self._dirty)[:most]
        changes = [change for key in keys if (change := self._take_change(key)) != (None, None)]
        for watch in list(self._watches) if changes else ():
            news = list(self._news(watch, changes))
            if news and watch.is_told:
                watch.listener(news)

    def _take_change(self, key: str) -> tuple[Offer | None, Offer | None]:
        """Return what an offer was when it was told of last and what it is now; None where it is not."""
        del self._dirty[key]
        before, now = self._told.pop(key, None), self._finder.index.find(key)
        if now is None or not self._finder.is_ready(now):
            return before, None
        self._told[key] = now
        return (None, None) if before is not None and before.record == now.record else (before, now)

    def _news(self, watch: Watch, changes: Iterable[tuple[Offer | None, Offer | None]]) -> Iterable[News]:
        compatible = Compatibility(watch.query)
        for before, now in changes:
            was = before is not None and self._concerns(watch, before, compatible)
            if now is not None and self._concerns(watch, now, compatible):
                yield News(Change.CHANGED if was else Change.APPEARED, now.record)
            elif was and before is not None:
                yield News(Change.GONE, before.record)

    def _concerns(self, watch: Watch, offer: Offer, compatible: Compatibility) -> bool:
        query = watch.query
        if query.locality is Locality.HERE and offer.node != self._finder.node_id:
            return False
        return offer.fits(query) and compatible.holds(offer)
