"""How fast one agent may write what every node of the cluster keeps: shared keys, capabilities, descriptions.

Quotas bound what is there. What was taken back is in no quota, and yet each node remembers for a day or more
that it is gone: whoever writes ever new names and takes them back fills all memories. So each agent has a
bucket of writes that fills at a steady pace. Taking back costs more than writing, since it is what stays.

A request passes whole while the bucket is not empty, however much it takes out of it: half of a registration
would be of no use to anybody. What goes beyond is owed, and the next request waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.core.clock import Clock
from caxton_node.core.ids import Address
from caxton_node.messaging.platform_acts import Refused

REMOVAL_COST = 10
"""Writes for which a removal counts."""
AGENTS_MAX = 10_000
"""Agents whose buckets are kept; beyond it, who has not written for longest has a full one again."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one agent may write.

    Attributes:
        per_s: Writes each second, for as long as it likes.
        burst: Writes at once, after a rest.
    """

    per_s: float = 10.0
    burst: int = 1_000


class WritePace:
    """The buckets of all agents that write by way of this node; on the event loop.

    Args:
        clock: Time.
        allowance: Of each agent.
    """

    def __init__(self, clock: Clock, allowance: Allowance = Allowance()) -> None:
        self._clock = clock
        self._allowance = allowance
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, agent: str, *, writes: int = 0, removals: int = 0) -> None:
        """Take out of an agent's bucket what a request is about to change; before anything is.

        Args:
            agent: `tenant/name`.
            writes: Entries that will be written and differ from what is there.
            removals: Entries that will be taken back.

        Raises:
            Refused: It has written too much of late; nothing was taken.
        """
        cost = writes + REMOVAL_COST * removals
        if not cost:
            return
        left, now = self._left(agent), self._clock.now()
        if left <= 0:
            wait_s = (1 - left) / self._allowance.per_s
            raise Refused("busy", f"{Address(agent)} {_WHY}; ask again in {wait_s:.1f} s")
        self._buckets.pop(agent, None)
        self._buckets[agent] = (left - cost, now)
        if len(self._buckets) > AGENTS_MAX:
            del self._buckets[next(iter(self._buckets))]

    def _left(self, agent: str) -> float:
        if agent not in self._buckets:
            return self._allowance.burst
        left, at = self._buckets[agent]
        return min(self._allowance.burst, left + (self._clock.now() - at) * self._allowance.per_s)


_WHY = "writes more to all nodes than it may (registry.agent_writes_per_s)"
