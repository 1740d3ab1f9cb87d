"""The instance of an earlier version while it finishes what it began."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from caxton_node.agents.instance import Instance
from caxton_node.messaging.handover import Handover


@dataclass(slots=True)
class Retirement:
    """An instance that drains beside its successor.

    Attributes:
        instance: The one that leaves.
        handover: Who gets which message meanwhile.
        waiting: Ends it when the drain is over.
    """

    instance: Instance
    handover: Handover
    waiting: asyncio.Task[None] | None = None
