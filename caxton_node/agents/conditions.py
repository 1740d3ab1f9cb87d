"""The conditions of a node's agents, looked at in turn and told to the cluster when they change."""

from __future__ import annotations

from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.lifecycle import State

SLICES = 8
"""One turn looks at every eighth agent, so that ten thousand cost a loop 2 ms at a time."""
TOLD_MAX = 50
"""Agents told of in one turn: a node whose agents all fill up at once is told of over some seconds."""


class Conditions:
    """Looks at all agents.

    Args:
        roster: The agents.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._turn = 0

    def look(self, now: float) -> None:
        """Look at the agents whose turn it is, at this monotonic instant."""
        charges = self._roster.charges()[self._turn :: SLICES]
        self._turn = (self._turn + 1) % SLICES
        told = 0
        for charge in charges:
            if told < TOLD_MAX and _is_steady(charge) and _has_news(charge, now):
                self._roster.announce(charge)
                told += 1


def _is_steady(charge: Charge) -> bool:
    """Tell whether an agent runs and no command changes it, which tells of it at its end."""
    return charge.instance.state is State.RUNNING and not charge.lock.locked()


def _has_news(charge: Charge, now: float) -> bool:
    instance = charge.instance
    return charge.gauge.look(
        waiting=instance.waiting,
        depth_max=instance.manifest.limits.mailbox_depth,
        failures=charge.supervisor.count_failures(now),
    )
