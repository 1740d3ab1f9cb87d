"""How many messages an agent gets in one call: as many as wait, as long as its turn stays short. Pure.

A big batch spreads the price of a guest call (several microseconds) over many messages; a long turn keeps
other agents waiting, and the answers to its first messages too, which go out at its end. So the size is what
fits into a turn at the agent's own time per message, known from its latest calls. An agent nobody has seen
yet starts small and may double with every turn, so that a slow one is found out before it holds a worker for
256 messages.

    adaptive     2 ms: long against the price of a call, short against what people notice
    throughput   20 ms, and wide from the first turn: for what nobody waits for
    latency      0.5 ms: an answer waits for few others; the price of calls begins to count
    single       one message a turn, whatever it takes

No strategy waits for messages to come: a batch is what has gathered while the agent was busy, so a node at
rest hands over every message at once. And none changes the order, since all take from the front.

The rejected alternative, a batch size tuned towards a throughput maximum, needs a history per agent and
finds the same figure: with light guests the turn never fills, with heavy ones the call's price does not
matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.runtime.limits import BATCH_CAP

TURN_S = 0.002
"""Longest turn that may keep others waiting; whoever takes longer runs among the heavy ones."""
FIRST_BATCH = 8
WEIGHT = 0.2
LONG_TURNS = 2
"""In a row: a single one may be long because its thread had to wait for a processor."""


class Batching(StrEnum):
    """What an operator asks for; label of the metrics of turns."""

    ADAPTIVE = "adaptive"
    THROUGHPUT = "throughput"
    LATENCY = "latency"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class BatchRule:
    """The numbers of one strategy.

    Attributes:
        turn_s: How long a turn may take, seconds.
        first_batch: Messages in the first turn, before anything is known.
        batch_max: Messages in any turn.
    """

    turn_s: float = TURN_S
    first_batch: int = FIRST_BATCH
    batch_max: int = BATCH_CAP


RULES: Mapping[Batching, BatchRule] = {
    Batching.ADAPTIVE: BatchRule(),
    Batching.THROUGHPUT: BatchRule(turn_s=0.02, first_batch=64),
    Batching.LATENCY: BatchRule(turn_s=0.0005, first_batch=1),
    Batching.SINGLE: BatchRule(first_batch=1, batch_max=1),
}


class BatchSize:
    """The batch size of one agent.

    Args:
        batch_max: The agent's limit; never exceeded.
        rule: Of its strategy.

    Attributes:
        is_heavy: Whether it holds a worker for longer than others should wait: single messages take longer
            than `TURN_S`, or its strategy makes turns that do.
    """

    __slots__ = ("_batch_max", "_long", "_per_message_s", "_reach", "_turn_s", "is_heavy")

    def __init__(self, batch_max: int, rule: BatchRule = RULES[Batching.ADAPTIVE]) -> None:
        self._batch_max = min(batch_max, rule.batch_max, BATCH_CAP)
        self._turn_s = rule.turn_s
        self._reach = min(rule.first_batch, self._batch_max)
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
        self._long = self._long + 1 if seen * reach > TURN_S else 0
        self.is_heavy = self._long >= LONG_TURNS
