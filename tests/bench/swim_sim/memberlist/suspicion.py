"""How long a suspect may refute: Lifeguard's timer that gets shorter with every further accuser.

Source: hashicorp/memberlist, suspicion.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Suspicion:
    """One suspicion at one member.

    Attributes:
        serial: Tells it from an earlier suspicion of the same member.
        accusers: Who agreed, the first one included.
        needed: Further accusers that bring it to its shortest.
    """

    serial: int
    started_at: float
    shortest_s: float
    longest_s: float
    needed: int
    accusers: set[str] = field(default_factory=set)

    @property
    def ends_at(self) -> float:
        """Return when the suspect is declared dead."""
        if self.needed < 1:
            return self.started_at + self.shortest_s
        share = math.log(len(self.accusers)) / math.log(self.needed + 1)
        timeout_s = self.longest_s - share * (self.longest_s - self.shortest_s)
        return self.started_at + max(self.shortest_s, math.floor(1000 * timeout_s) / 1000)

    def confirm(self, accuser: str) -> bool:
        """Count a further accuser; return whether that was news."""
        if len(self.accusers) > self.needed or accuser in self.accusers:
            return False
        self.accusers.add(accuser)
        return True
