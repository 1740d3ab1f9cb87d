"""Rounds of killing, and what must be so when the last one is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from caxton_node.devkit.demo.nodes import wait_for
from tests.kills.client import Reader, Sender
from tests.kills.world import NAMES, World, rounds_of

SETTLE_S = 120.0


@dataclass(slots=True)
class Outcome:
    """What came of some rounds.

    Attributes:
        taken: Messages that a node had said to have.
        unsure: Messages of which nobody knows whether a node had them.
        arrived: Numbers that came to the book.
        lost: Numbers that a node had and that never came.
        twice: Numbers that came more than once.
        out_of_order: Numbers that came after a later one of their talk.
        faults: What is wrong with the counts of a node at the end.
        ends: How often each node was killed, or stopped in order.
        took_s: How long it all took.
    """

    taken: int = 0
    unsure: int = 0
    arrived: int = 0
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    out_of_order: list[tuple[int, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    took_s: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Return whether nothing is wrong."""
        return not (self.lost or self.twice or self.out_of_order or self.faults)


def run(
    rounds: int, *, seed: int, rate_per_s: float = 100.0, tell: Callable[[str], None] = lambda _line: None
) -> Outcome:
    """Kill nodes while messages pass, wait until all is quiet, and look what came.

    Args:
        rounds: How often somebody is killed.
        seed: Who, and when.
        rate_per_s: Messages of the client.
        tell: Takes a line about each round.
    """
    started_at = time.monotonic()
    outcome = Outcome()
    with World() as world, Reader(world) as reader:
        reader.wait_ready()
        with Sender(world, rate_per_s=rate_per_s) as sender:
            for number, each in enumerate(rounds_of(rounds, seed), 1):
                sender.stopping.wait(each.after_s)
                world.restart(each.victim, in_order=each.in_order)
                how = f"{each.victim} {'stopped' if each.in_order else 'killed'}"
                outcome.ends[how] = outcome.ends.get(how, 0) + 1
                tell(f"round {number}: {how}; {len(sender.taken):,} sent, {len(reader.numbers):,} arrived")
                if reader.fault:
                    break
        _settle(world, sender, reader)
        _judge(world, sender, reader, outcome)
    outcome.took_s = time.monotonic() - started_at
    return outcome


def _settle(world: World, sender: Sender, reader: Reader) -> None:
    """Wait until all outboxes are empty and what was taken has come, as long as there is hope."""

    def is_quiet() -> bool:
        counts = [_counts(world, name) for name in NAMES]
        return not any(each.outbox or each.in_flight for each in counts) and not _missing(sender, reader)

    try:
        wait_for("everything to arrive", is_quiet, within_s=SETTLE_S)
    except Exception:  # noqa: BLE001  what is missing is said by the verdict
        return


def _judge(world: World, sender: Sender, reader: Reader, outcome: Outcome) -> None:
    counts = reader.counts()
    outcome.taken, outcome.unsure, outcome.arrived = len(sender.taken), len(sender.unsure), len(counts)
    outcome.lost = _missing(sender, reader)
    outcome.twice = sorted(number for number, times in counts.items() if times > 1)
    outcome.out_of_order = reader.out_of_order()
    if reader.fault:
        outcome.faults.append(f"the reader has stopped: {reader.fault}")
    if reader.missed:
        outcome.faults.append(f"{reader.missed} events were missed by the reader")
    for name in NAMES:
        found = _counts(world, name)
        done = found.delivered + found.forwarded + found.refused + found.dead_lettered
        done += found.handed_back + found.kept + found.parked + found.in_flight
        if found.accepted != done:
            outcome.faults.append(f"the sum of {name} does not hold: {found}")
        if found.outbox or found.refused or found.dead_lettered:
            outcome.faults.append(f"{name} has something left or gave something up: {found}")


def _missing(sender: Sender, reader: Reader) -> list[int]:
    return sorted(set(sender.taken) - set(reader.counts()))


def _counts(world: World, name: str):
    with world.client(name) as client:
        return client.cluster.status().messages
