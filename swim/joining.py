"""Joining: ask seeds for their table until one answers, then take it page by page.

The newcomer asks for each page itself, so a slow link is never flooded, a lost page is asked for again, and
a seed keeps nothing about those who join. Whatever is still missing afterwards is found by the digests.
Seeds are remembered: a node that finds itself alone asks them again.
"""

from __future__ import annotations

from collections.abc import Sequence

from swim.context import Context
from swim.events import JoinCompleted
from swim.member import Address
from swim.messages import Page, Pull, introduce
from swim.own import OwnRecord
from swim.timers import JoinRetry
from swim.wire import Wire

SEEDS_MAX = 64
SEEDS_AT_ONCE = 3
RETRIES_PER_SEED = 3
"""Unanswered requests for a page before the join starts again with any seed."""
DOUBLINGS_MAX = 10
BACKOFF_MAX = 10
"""Longest pause between attempts, in probe intervals."""


class Joiner:
    """One node's way into the cluster."""

    def __init__(self, context: Context, *, own: OwnRecord, wire: Wire) -> None:
        self._settings = context.settings
        self._rng = context.rng
        self._roster = context.roster
        self._outbox = context.outbox
        self._own = own
        self._wire = wire
        self._seeds: list[Address] = []
        self._attempt = 0
        self._unanswered = 0
        self._turn: list[Address] = []
        self._turns = 0
        self._under_way = False
        self._source: Address | None = None
        self._cursor = b""

    def join(self, seeds: Sequence[Address]) -> None:
        """Ask these seeds, at most `SEEDS_MAX` of them, from now on until one has given its table."""
        own_address = self._own.member.address
        self._seeds = [seed for seed in dict.fromkeys(seeds) if seed != own_address][:SEEDS_MAX]
        self.rejoin()

    def rejoin(self) -> None:
        """Ask the seeds again from the beginning, unless that is going on already."""
        if not self._seeds:
            return
        self._under_way = True
        self._source, self._cursor, self._unanswered = None, b"", 0
        self._turn, self._turns = [], -1
        self._ask()

    @property
    def is_under_way(self) -> bool:
        """Tell whether a join has begun and no table has arrived completely."""
        return self._under_way

    def handle_page(self, page: Page, source: Address) -> bool:
        """Ask for the next page, or be done; return whether that was the last."""
        if not self._under_way or (self._source is not None and source != self._source):
            return False
        if page.next and page.next <= self._cursor:
            return False  # the answer to a request that was made twice
        self._source, self._unanswered = source, 0
        if page.next:
            self._cursor = page.next
            self._ask()
            return False
        self._under_way = False
        self._outbox.notify(JoinCompleted(self._roster.live_count))
        return True

    def handle_retry(self, timer: JoinRetry) -> None:
        """Ask again if nothing has come since."""
        if not self._under_way or timer.attempt != self._attempt:
            return
        self._unanswered += 1
        if self._source is not None and self._unanswered > RETRIES_PER_SEED:
            self._source, self._cursor = None, b""
        self._ask()

    def _ask(self) -> None:
        self._attempt += 1
        targets = [self._source] if self._source else self._draw_seeds()
        for address in targets:
            self._wire.send_bare(address, introduce(self._own.member), Pull(self._cursor))
        pause = min(BACKOFF_MAX, 2 ** min(DOUBLINGS_MAX, self._unanswered if self._source else self._turns))
        self._outbox.schedule(JoinRetry(self._attempt), pause * self._settings.probe_interval_s)

    def _draw_seeds(self) -> list[Address]:
        """Return the next few seeds: all of them in random order before any of them again."""
        if not self._turn:
            self._turn = self._rng.sample(self._seeds, len(self._seeds))
            self._turns += 1
        drawn, self._turn = self._turn[:SEEDS_AT_ONCE], self._turn[SEEDS_AT_ONCE:]
        return drawn
