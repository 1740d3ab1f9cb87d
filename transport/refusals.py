"""Counts and logs every refusal, once, where it was decided or learned."""

from __future__ import annotations

import logging

from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.status import Address, Stats

_LINES_PER_SECOND = 20
_EXPECTED = frozenset(  # a dialler that raced two transports, changed its mind, or was early
    {
        EndReason.DOUBLE_DIAL,
        EndReason.NOT_READY,
        EndReason.CLOSING,
        EndReason.REPLACED,
        EndReason.FORGOTTEN,
        EndReason.LOST,
    }
)

log = logging.getLogger("transport")


class Refusals:
    """The one place that speaks of handshakes that came to nothing.

    Anyone can knock at an open port, so lines are bounded: what is over twenty in a second is counted only.
    """

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._second = 0
        self._lines = 0

    def note_accepted(self, source: Address, error: PeerRefused | LinkFailed, now: float) -> None:
        """Note that someone who came to us did not get a link."""
        if error.reason in _EXPECTED:
            return
        self._stats.refused[error.reason] += 1
        if self._may_speak(now):
            by_peer = isinstance(error, PeerRefused) and error.by_peer
            verb = "was refused by peer at" if by_peer else "refused peer from"
            log.warning("%s %s:%d: %s", verb, *source, error)

    def note_dialled(
        self, node_id: str, address: Address, error: PeerRefused | LinkFailed, now: float
    ) -> None:
        """Note that we did not get a link that we asked for; only refusals are worth a warning."""
        if not error.reason.is_refusal:
            log.debug("no link to %s at %s:%d: %s", node_id, *address, error)
            return
        self._stats.dials_refused[error.reason] += 1
        if self._may_speak(now):
            by_peer = isinstance(error, PeerRefused) and error.by_peer
            verb = "was refused by" if by_peer else "refused to talk to"
            log.warning("%s %s at %s:%d: %s", verb, node_id, *address, error)

    def _may_speak(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._lines = int(now), 0
        self._lines += 1
        return self._lines <= _LINES_PER_SECOND
