"""Which modules this node has on disk for deployments, whether it runs them or not.

Nodes to which a replica falls, and the next two in the order, hold the module: when a node dies, whoever
takes over has it already, and no module is lost with the one node that ran it. Whoever else holds it, such as
the node where it was deployed, lets it go once all of those say that they have it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """A module that a deployment needs.

    Attributes:
        sha256: Its digest.
        keepers: The nodes that should hold it.
    """

    sha256: str
    keepers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about modules.

    Attributes:
        fetch: Hold these, which are not held yet.
        let_go: Hold these no longer.
    """

    fetch: frozenset[str] = frozenset()
    let_go: frozenset[str] = frozenset()


def plan(
    me: str, wanted: Iterable[Wanted], held: Collection[str], holders: Iterable[tuple[str, str]]
) -> Plan:
    """Say which modules this node fetches and lets go.

    Args:
        me: This node.
        wanted: What deployments need.
        held: Modules that this node holds.
        holders: Who says to have which module: digest and node; only nodes that are alive.
    """
    keepers: dict[str, set[str]] = {}
    for each in wanted:
        keepers.setdefault(each.sha256, set()).update(each.keepers)
    having: dict[str, set[str]] = {}
    for sha256, node in holders:
        having.setdefault(sha256, set()).add(node)
    fetch = {sha256 for sha256, nodes in keepers.items() if me in nodes and sha256 not in held}
    let_go = {sha256 for sha256 in held if _is_done_with(sha256, me, keepers, having)}
    return Plan(frozenset(fetch), frozenset(let_go))


def _is_done_with(sha256: str, me: str, keepers: dict[str, set[str]], having: dict[str, set[str]]) -> bool:
    nodes = keepers.get(sha256)
    if nodes is None:  # no deployment needs it
        return True
    return bool(nodes) and me not in nodes and nodes <= having.get(sha256, set())
