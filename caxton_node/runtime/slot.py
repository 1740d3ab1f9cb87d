"""One running instance as its workers see it: its sandbox, its mail, its bounds and its pace."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import Protocol

from caxton_node.runtime.batching import RULES, Batching, BatchSize
from caxton_node.runtime.limits import BATCH_CAP, Limits
from caxton_node.runtime.ports import Mail
from caxton_node.runtime.sandbox import Sandbox


class Inbox(Mail, Protocol):
    """The mail of one agent, as its worker uses it."""

    @property
    def ready(self) -> int:
        """Return how many messages may be taken now."""
        ...

    def settle(self, handled: int, poisoned: int = 0) -> None:
        """Learn what became of messages that were taken."""
        ...

    def lone_in_hand(self) -> object | None:
        """Return something if the message that was taken has to be alone, since its turn is paid."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an agent may work, beside its limits.

    Attributes:
        batch_max: Messages in one turn.
        share: Part of the time in which it may run; below 1 it rests after each turn.
    """

    batch_max: int = BATCH_CAP
    share: float = 1.0


FULL_PACE = Pace()


class Slot:
    """One running instance, as the scheduler sees it.

    Args:
        instance: `name#version.n@node`.
        name: `tenant/name`.
        sandbox: Started; from now on called by workers only.
        mail: Its messages.
        limits: Its bounds.
        pace: How fast it may work.
        batching: How many messages it gets in one turn.

    Attributes:
        handled: Messages completed.
        fuel_units: Fuel used.
        queued: Whether it stands in the ready queue.
        resting: Whether it waits for its next turn, whatever mail it has.
        detached: Whether it is to be run no more.
        worker: The thread that runs it.
        is_heavy: Whether it runs among the heavy ones: a message takes longer than a turn may, or it has
            misbehaved. The scheduler's lock guards these five.
        rest_number: Which rest it is in, if it rests; what ends an earlier one is too late.
    """

    __slots__ = (
        "batch",
        "batching",
        "bytes_max",
        "detached",
        "fuel_units",
        "handled",
        "instance",
        "is_heavy",
        "mail",
        "name",
        "queued",
        "rest_number",
        "resting",
        "sandbox",
        "share",
        "worker",
    )

    def __init__(
        self,
        instance: str,
        name: str,
        sandbox: Sandbox,
        mail: Inbox,
        limits: Limits,
        *,
        pace: Pace = FULL_PACE,
        batching: Batching = Batching.ADAPTIVE,
    ) -> None:
        self.instance = instance
        self.name = name
        self.sandbox = sandbox
        self.mail = mail
        self.rest_number = 0
        self.apply(limits, pace, batching)
        self.handled = 0
        self.fuel_units = 0
        self.queued = False
        self.detached = True
        self.worker: Thread | None = None
        self.is_heavy = False

    def apply(self, limits: Limits, pace: Pace, batching: Batching) -> None:
        """Work by these bounds from the next turn on; it must be detached and no turn may be under way.

        A rest ends: how long it was to be came from the old bounds.
        """
        self.rest_number += 1
        self.resting = False
        self.batching = batching
        self.batch = BatchSize(min(limits.batch_max, pace.batch_max), RULES[batching])
        self.share = pace.share
        self.bytes_max = max(limits.memory_bytes // 8, 1)
