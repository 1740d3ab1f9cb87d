"""What all parts of one membership share: its numbers, its chance, its table, and the trays they work on."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from swim.awareness import Awareness
from swim.dissemination import Dissemination
from swim.effects import Outbox
from swim.roster import Roster
from swim.settings import Settings
from swim.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Context:
    """Made once by the hub and handed to every part; parts that need each other say so besides.

    Attributes:
        key: This node's key.
        settings: The numbers.
        rng: All chance.
        awareness: Local health.
        roster: The member table; `View` and `OwnRecord` write to it, `Healer` forgets.
        dissemination: Rumours that wait to be told.
        outbox: Effects of the input that is being handled.
        statistics: Counters.
    """

    key: bytes
    settings: Settings
    rng: random.Random
    awareness: Awareness
    dissemination: Dissemination
    roster: Roster = field(default_factory=Roster)
    outbox: Outbox = field(default_factory=Outbox)
    statistics: Statistics = field(default_factory=Statistics)

    @classmethod
    def make(cls, key: bytes, settings: Settings, rng: random.Random) -> Context:
        """Return a context around an empty table."""
        return cls(key, settings, rng, Awareness(settings.health_max), Dissemination(settings))
