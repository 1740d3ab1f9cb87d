"""How many messages an agent gets in one call: as many as wait, as long as its turn stays short. Pure.

A big batch spreads the price of a guest call (several microseconds) over many messages; a long turn keeps
other agents waiting. So the size is what fits into a turn of `TURN_S` at the agent's own time per message,
known from its latest calls. An agent nobody has seen yet starts small and may double with every turn, so
that a slow one is found out before it holds a worker for 256 messages.

The rejected alternative, a batch size tuned towards a throughput maximum, needs a history per agent and
finds the same figure: with light guests the turn never fills, with heavy ones the call's price does not
matter.
"""

from __future__ import annotations

from caxton_node.runtime.limits import BATCH_CAP

TURN_S = 0.002
FIRST_BATCH = 8
WEIGHT = 0.2
LONG_TURNS = 2
"""In a row: a single one may be long because its thread had to wait for a processor."""


class BatchSize:
    """The batch size of one agent.

    Args:
        batch_max: The agent's limit; never exceeded.
        turn_s: How long a turn may take, seconds.

    Attributes:
        is_heavy: Whether single messages take longer than a turn may.
    """

    __slots__ = ("_batch_max", "_long", "_per_message_s", "_reach", "_turn_s", "is_heavy")

    def __init__(self, batch_max: int, turn_s: float = TURN_S) -> None:
        self._batch_max = min(batch_max, BATCH_CAP)
        self._turn_s = turn_s
        self._reach = min(FIRST_BATCH, self._batch_max)
        self._per_message_s = 0.0
        self._long = 0
        self.is_heavy = False

    @property
    def now(self) -> int:
        """Return how many messages the next turn may take, from 1 to `batch_max`."""
        return self._reach

    def observe(self, count: int, elapsed_s: float) -> None:
        """Learn from a finished call.

        Args:
            count: Messages in it, at least 1.
            elapsed_s: Time that the guest took.
        """
        seen = elapsed_s / count
        known = self._per_message_s
        # A slower message counts at once, a faster one little by little: a long turn is worse than two short.
        self._per_message_s = known = seen if seen > known else known + (seen - known) * WEIGHT
        reach = min(2 * self._reach, self._batch_max)
        if known * reach > self._turn_s:
            reach = max(1, int(self._turn_s / known))
        self._reach = reach
        self._long = self._long + 1 if seen > self._turn_s else 0
        self.is_heavy = self._long >= LONG_TURNS
