"""memberlist's timers as values; a stale one is recognised by what it carries."""

from __future__ import annotations

from typing import NamedTuple


class ProbeTick(NamedTuple):
    """Probe the next member; stale unless the number is that of the newest tick."""

    number: int


class ProbeTimeout(NamedTuple):
    """No direct ack came: ask helpers, and try TCP."""

    sequence: int


class ProbeDeadline(NamedTuple):
    """Judge the probe."""

    sequence: int


class HelperTimeout(NamedTuple):
    """Tell the one who asked that there was no ack."""

    sequence: int


class SuspicionTimeout(NamedTuple):
    """Declare a suspect dead, unless the suspicion is over or lasts longer."""

    node: str
    serial: int


class GossipTick(NamedTuple):
    """Tell a few members what waits."""


class PushPullTick(NamedTuple):
    """Exchange tables with one member."""


class StreamRetry(NamedTuple):
    """Send again what was not answered on a connection, as the operating system does."""

    stream: int
    attempt: int
