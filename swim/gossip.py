"""Gossip rounds: while something is waiting to be told, tell a few random members at a steady pace.

A quiet cluster sends none of these; its rumours have all been told.
"""

from __future__ import annotations

from swim.context import Context
from swim.rounds import Rounds
from swim.timers import GossipRound
from swim.wire import Wire


class Gossip:
    """Runs rounds whenever there is something to tell and somebody to tell it to."""

    def __init__(self, context: Context, *, rounds: Rounds, wire: Wire) -> None:
        self._settings = context.settings
        self._rng = context.rng
        self._roster = context.roster
        self._dissemination = context.dissemination
        self._outbox = context.outbox
        self._rounds = rounds
        self._wire = wire
        self._round = 0
        self._armed = False

    def arm(self) -> None:
        """Schedule the next round if one is needed; called after every input."""
        if not self._armed and self._has_work():
            self._armed = True
            self._outbox.schedule(
                GossipRound(self._round), self._rng.random() * self._settings.gossip_interval_s
            )

    def handle_round(self, timer: GossipRound) -> None:
        """Tell some members what is waiting."""
        if timer.number != self._round:
            return
        self._round += 1
        for member in self._rounds.listeners(self._settings.gossip_fanout):
            self._wire.send_rumours(member.address, self._settings.gossip_burst)
        self._armed = self._has_work()
        if self._armed:
            self._outbox.schedule(GossipRound(self._round), self._settings.gossip_interval_s)

    def _has_work(self) -> bool:
        return bool(self._dissemination) and self._roster.live_count > 1
