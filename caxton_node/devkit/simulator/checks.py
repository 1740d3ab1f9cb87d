"""What must be true of a cluster: functions of it, so that any scenario can ask any of them at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from swim.events import MemberDied, MemberEvent, MemberSuspected, TopicReceived
from swim.member import MemberState

if TYPE_CHECKING:
    from caxton_node.devkit.simulator.cluster import Cluster


def all_views_equal(cluster: Cluster, *, among: Iterable[str] | None = None) -> bool:
    """Tell whether each node takes exactly the running nodes (or `among`) for live, with equal records."""
    ids = set(cluster.nodes if among is None else among)
    nodes = [cluster.nodes[node_id] for node_id in ids]
    if len({node.membership.digest for node in nodes}) != 1:
        return False
    return nodes[0].live_ids() == ids  # equal digests mean equal live members, so one node speaks for all


def all_alive_everywhere(cluster: Cluster) -> bool:
    """Tell whether views are equal and nobody is even suspected."""
    return all_views_equal(cluster) and not any(
        member.state is MemberState.SUSPECT
        for node in cluster.nodes.values()
        for member in node.membership.members()
    )


def false_deaths(cluster: Cluster) -> list[tuple[str, str]]:
    """Return (observer, subject) for each running node that was ever reported dead by a running one."""
    return [
        (node.node_id, entry.event.member.node_id)
        for node in cluster.nodes.values()
        for entry in node.log
        if isinstance(entry.event, MemberDied)
        and entry.event.member.node_id in cluster.nodes
        and entry.event.member.epoch == cluster.nodes[entry.event.member.node_id].identity.epoch
    ]


def suspicions(cluster: Cluster) -> int:
    """Return how often running nodes began to suspect somebody."""
    return sum(len(node.events(MemberSuspected)) for node in cluster.nodes.values())


def deliveries(cluster: Cluster, topic: str) -> Counter[tuple[str, bytes]]:
    """Return how often each node delivered each payload of a topic."""
    return Counter(
        (node.node_id, entry.event.payload)
        for node in cluster.nodes.values()
        for entry in node.log
        if isinstance(entry.event, TopicReceived) and entry.event.topic == topic
    )


def events_alternate(cluster: Cluster) -> list[str]:
    """Return a sentence for each breach of the promised order of events, none if it was kept."""
    breaches = []
    for node in cluster.nodes.values():
        present = dict.fromkeys(cluster.known_at_start(node.node_id), True)
        for entry in node.log:
            kind = type(entry.event).__name__
            if not isinstance(entry.event, MemberEvent) or kind not in _EXPECTED:
                continue
            name = entry.event.member.node_id
            was = present.get(name, False)
            if was is not _EXPECTED[kind]:
                breaches.append(f"{node.node_id} at {entry.at:.2f}: {kind} of {name} while present={was}")
            present[name] = kind not in ("MemberDied", "MemberLeft")
    return breaches


_EXPECTED = {
    "MemberJoined": False,
    "MemberUpdated": True,
    "MemberSuspected": True,
    "MemberRefuted": True,
    "MemberDied": True,
    "MemberLeft": True,
}
"""Events that open, change or close a membership -> whether the member must have been present before."""
