"""What is to be measured: values that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from swim.settings import Pace


class Rules(StrEnum):
    """Whose rules the members follow."""

    CAXTON = "caxton"
    MEMBERLIST = "memberlist"


class Profile(StrEnum):
    """For which kind of network both have numbers."""

    LAN = "lan"
    WAN = "wan"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario at one size.

    Attributes:
        scenario: Name in `SCENARIOS`.
        size: Members.
        seconds: How long the part lasts whose length can be chosen.
        seeds: How many runs, each with a seed of its own.
        loss: Share of all datagrams that is lost.
        slow: Share of members that stand still for 8 s, run for 2 s, and so on.
        pace: Ours; memberlist has none.
        profile: Of both.
        suffix: Put behind the names of the metrics.
        rules: Who can do this at this size.
    """

    scenario: str
    size: int
    seconds: float
    seeds: int = 1
    loss: float = 0.0
    slow: float = 0.0
    pace: Pace = Pace.DEFAULT
    profile: Profile = Profile.LAN
    suffix: str = ""
    rules: tuple[Rules, ...] = tuple(Rules)
