"""The instance of an earlier version while it finishes what it began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from caxton_node.agents.instance import Instance
from caxton_node.messaging.handover import Handover


def _nothing() -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Retirement:
    """An instance that drains beside its successor.

    Attributes:
        instance: The one that leaves.
        handover: Who gets which message meanwhile.
        waiting: Ends it when the drain is over; a command that needs the agent whole ends it before.
        on_end: Called when it has ended.
    """

    instance: Instance
    handover: Handover
    waiting: asyncio.Task[None] | None = None
    on_end: Callable[[], None] = _nothing
