"""Who noticed what and when, among the members of one process."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection

from swim import JoinCompleted, MemberDied, MemberJoined, MemberUpdated


class Ledger:
    """Takes the events of the members of this process; only those that run are listened to.

    Attributes:
        deaths: When each observer held a member for dead, by the member's id.
        updates: When each observer had new metadata, by the metadata.
        false_deaths: Deaths of members that run, since somebody set it to 0.
        joined: Those who have the table of their seed.
    """

    def __init__(self) -> None:
        self.deaths: defaultdict[str, list[float]] = defaultdict(list)
        self.updates: defaultdict[bytes, list[float]] = defaultdict(list)
        self.false_deaths = 0
        self.joined: set[str] = set()
        self._running: set[str] = set()
        self._known: dict[str, set[str]] = {}
        self._news = asyncio.Event()

    def listen(self, node_id: str) -> None:
        """Take the events of a member from now on."""
        self._known[node_id] = {node_id}

    def expect(self, node_ids: Collection[str]) -> None:
        """Say who runs, in other processes too: whoever does not is rightly held dead."""
        self._running = set(node_ids)
        for node_id in self._known.keys() - self._running:
            del self._known[node_id]

    def note(self, observer: str, event: object) -> None:
        """Write down what one member noticed."""
        if observer not in self._known:
            return
        match event:
            case MemberJoined(member):
                self._known[observer].add(member.node_id)
            case JoinCompleted():
                self.joined.add(observer)
            case MemberUpdated(member):
                self.updates[member.metadata].append(time.monotonic())
            case MemberDied(member):
                self._known[observer].discard(member.node_id)
                self.deaths[member.node_id].append(time.monotonic())
                self.false_deaths += member.node_id in self._running
            case _:
                return
        self._news.set()

    def is_complete(self) -> bool:
        """Tell whether every running member knows every other one."""
        return all(self._running <= known for known in self._known.values())

    async def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """Return whether it came about in time; looked at after each event."""
        try:
            async with asyncio.timeout(within_s):
                while not done():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True
