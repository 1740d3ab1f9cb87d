"""When a link is asked for a sign of life: only when it was silent, and soon again when no answer came.

Any frame is a sign of life, also the peer's own ping. So on a link with traffic nobody pings, and on an idle
one the side whose turn comes first pings for both. A link that somebody waits for is asked twice as often as
one at rest: there a silent death costs nobody anything until it is noticed.
"""

from __future__ import annotations

from transport.settings import Settings

_REST = 2.0  # a link at rest is asked so many times less often
_AGAIN = 0.5  # after a ping without an answer the next comes in this part of the interval


def is_ping_due(
    settings: Settings, *, now: float, heard_at: float, pinged_at: float, is_awaited: bool
) -> bool:
    """Say whether a ping should go out now.

    Args:
        settings: The interval, and the silence that ends a link.
        now: Monotonic seconds, like all of these.
        heard_at: When anything came last.
        pinged_at: When the last ping went out.
        is_awaited: Mail or an answer is outstanding on this link.
    """
    interval_s = settings.ping_interval_s
    if heard_at < pinged_at:
        return now - pinged_at >= interval_s * _AGAIN
    if not is_awaited:
        # two pings at least must fit before the silence is taken for death
        interval_s = max(interval_s, min(interval_s * _REST, settings.silence_timeout_s * 0.4))
    return now - heard_at >= interval_s
