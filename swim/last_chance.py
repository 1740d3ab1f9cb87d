"""The last chance: before a suspect is declared dead it is asked once more, directly and through others.

Four pings and three helpers, each with the accusation, so that whatever the suspect answers carries its
refutation. They begin early enough to be over when the suspicion is, so that a crash is not noticed later
for it. Under 30 % loss this is what keeps the last of the false deaths away.

Source: DESIGN.md, "Probing".
"""

from __future__ import annotations

from swim.codec import TARGET_BYTES
from swim.context import Context
from swim.member import Member, MemberState
from swim.messages import Ping, PingRequest
from swim.rounds import Rounds
from swim.timers import LastChance
from swim.view import View
from swim.wire import Wire

TRIES = 4
HELPERS = 3
PAUSE_SHARE = 0.15
"""Of the probe interval, between two pings."""
UNASKED = 0
"""Sequence number of a ping whose answer nobody waits for: its sender's incarnation says it all."""


class LastChances:
    """Asks those whose suspicion is about to end."""

    def __init__(self, context: Context, *, rounds: Rounds, view: View, wire: Wire) -> None:
        self._settings = context.settings
        self._roster = context.roster
        self._outbox = context.outbox
        self._rounds = rounds
        self._view = view
        self._wire = wire

    def begin(self, suspect: Member, suspicion: int) -> None:
        """Ask helpers to ping a suspect, and begin to ping it."""
        shown = self._view.suspicions.shown(suspect)
        for helper in self._rounds.helpers(HELPERS, for_target=suspect.key):
            self._wire.send_bare(helper.address, *shown, PingRequest(UNASKED, suspect.key))
        self._ping(suspect, suspicion, TRIES)

    def handle_step(self, timer: LastChance) -> None:
        """Ping again, unless the suspicion is over."""
        suspect = self._roster.find(timer.key)
        if suspect is None or suspect.state is not MemberState.SUSPECT:
            return
        if self._view.suspicions.number(timer.key) == timer.suspicion:
            self._ping(suspect, timer.suspicion, timer.tries_left)

    def _ping(self, suspect: Member, suspicion: int, tries_left: int) -> None:
        ping = Ping(UNASKED, suspect.key[:TARGET_BYTES], self._roster.digest)
        self._wire.send_bare(suspect.address, ping, *self._view.suspicions.shown(suspect))
        if tries_left > 1:
            timer = LastChance(suspect.key, suspicion, tries_left - 1)
            self._outbox.schedule(timer, PAUSE_SHARE * self._settings.probe_interval_s)
