"""Whether a certificate is inside its dates, and whether clocks are to blame when it is not."""

from __future__ import annotations

from datetime import datetime, timedelta

from transport.errors import PeerRefused
from transport.faults import EndReason

CLOCKS_APART = timedelta(minutes=5)
"""What clocks may differ by without a word: new certificates begin this much early."""


def check_dates(not_before: datetime, not_after: datetime, now: datetime) -> None:
    """Refuse what has not begun or has ended.

    There is no grace: a date that is sometimes a little later is no date. But a miss by a few minutes says
    more about clocks than about certificates, so the words say so.

    Raises:
        PeerRefused: With by how much it is outside.
    """
    if now < not_before:
        raise PeerRefused(EndReason.NOT_YET_VALID, _miss("begins", not_before, not_before - now))
    if now > not_after:
        raise PeerRefused(EndReason.EXPIRED, _miss("ended", not_after, now - not_after))


def _miss(verb: str, edge: datetime, by: timedelta) -> str:
    words = f"{verb} {edge.isoformat()}"
    if by > CLOCKS_APART:
        return words
    return f"{words}, {by.total_seconds():.0f} s from now: the clocks of the two nodes may differ"
