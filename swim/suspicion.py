"""How long a suspect has to refute: long while one member accuses it, short once several do.

A single accuser may itself be the problem, so its suspicion lasts long. Each further accuser makes that
less likely and brings the end nearer, on a logarithm so that the first confirmations count most:

    timeout(c) = max(shortest, longest - (longest - shortest) x ln(c + 1) / ln(K + 1))

with c confirmations out of the K that are wanted. In a cluster too small to have K others, the shortest
time holds from the start.

Rejected: a fixed time, which is either too short for one slow accuser or too long for a crash that
everybody sees.

Source: Lifeguard, section IV-B; hashicorp/memberlist `suspicion.go` for the formula.
"""

from __future__ import annotations

import math

from swim.settings import Settings


class Suspicion:
    """One suspicion against one member.

    Attributes:
        number: Tells this suspicion from earlier ones against the same member.
        accusers: Shortened keys of those who could not reach the suspect, at most one more than are wanted.
        deadline: When the suspect is declared dead.
        is_warned: The suspect was given its last chance.
        is_postponed: The deadline was moved once because this process had stalled.
    """

    __slots__ = (
        "_began",
        "_longest",
        "_shortest",
        "_wanted",
        "accusers",
        "deadline",
        "is_postponed",
        "is_warned",
        "number",
    )

    def __init__(
        self, number: int, accusers: list[bytes], now: float, *, shortest: float, longest: float, wanted: int
    ) -> None:
        self.number = number
        self.accusers: list[bytes] = []
        self.is_warned = self.is_postponed = False
        self._began = now
        self._shortest, self._longest, self._wanted = shortest, longest, wanted
        self.add([*dict.fromkeys(accusers)])

    def add(self, accusers: list[bytes]) -> bool:
        """Take further accusers in; return whether any was new and still wanted."""
        room = self._wanted + 1 - len(self.accusers)
        fresh = [accuser for accuser in accusers if accuser not in self.accusers][: max(0, room)]
        self.accusers += fresh
        if not self.is_postponed:
            self.deadline = self._due()
        return bool(fresh)

    def postpone(self, until: float) -> None:
        """Give the suspect a last chance, once, after this process had stalled past the deadline."""
        self.is_postponed = True
        self.is_warned = False
        self.deadline = until

    def _due(self) -> float:
        confirmations = max(0, len(self.accusers) - 1)
        return self._began + timeout(confirmations, self._wanted, self._shortest, self._longest)


def timeout(confirmations: int, wanted: int, shortest: float, longest: float) -> float:
    """Return how long a suspicion lasts with so many confirmations."""
    if wanted <= 0:
        return shortest
    share = math.log(confirmations + 1) / math.log(wanted + 1)
    return max(shortest, longest - (longest - shortest) * share)


def bounds(settings: Settings, live: int, *, health: int = 0, flaps: float = 0.0) -> tuple[float, float, int]:
    """Return shortest and longest time and the confirmations wanted, for a cluster of `live` members.

    An unwell accuser (local health above 0) takes its time, a quarter more for each point; and a suspect
    that has refuted lately gets its due, once more for each time (`flapping.py`).
    """
    shortest = settings.suspicion_multiplier * max(1.0, math.log10(max(1, live))) * settings.probe_interval_s
    shortest *= (1 + health / 4) * (1 + flaps)
    others = live - 2  # everybody but the suspect and its first accuser
    wanted = settings.confirmations if others >= settings.confirmations else 0
    return shortest, shortest * settings.suspicion_stretch, wanted


def witnesses_needed(live: int) -> int:
    """Return how many accusers a death needs to be believed when somebody else tells of it.

    A single member that is half dead itself cannot bury anybody that way.
    """
    if live > 6:
        return 3
    return 2 if live > 4 else 1
