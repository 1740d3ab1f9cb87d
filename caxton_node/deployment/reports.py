"""What each node tells the others of its replicas: an entry of the registry that it alone writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from caxton_node.agents.lifecycle import State
from caxton_node.registry import InstanceRecord
from caxton_node.registry.entry import Entry
from caxton_node.registry.values import ValueReader

KIND = "replica"
"""Entries `tenant/name@node`."""
REASON_CHARS_MAX = 300


class ReplicaState(StrEnum):
    """How a node stands to a replica."""

    WAITING = "waiting"  # it falls to the node, which cannot begin yet; the reason says why
    STARTING = "starting"
    UPDATING = "updating"
    RUNNING = "running"
    STANDING_IN = "standing-in"  # it runs until the node to which it falls runs it
    RESTING = "resting"  # stopped until a split is over
    LEAVING = "leaving"  # it drains
    FAILED = "failed"  # what was changed last did not come up; the version before goes on
    REFUSED = "refused"  # the node has given it up for a while, and another one takes it


RUN_HERE = frozenset(
    {ReplicaState.RUNNING, ReplicaState.STANDING_IN, ReplicaState.UPDATING, ReplicaState.FAILED}
)
"""Whoever says one of these has a replica that runs; else an instance of the name is somebody's own agent."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What a node says of one replica.

    Attributes:
        state: How it stands to it.
        generation: Generation of the deployment that the replica has taken; of a refusal, which is refused.
        reason: Why it is not simply running, for people.
        since_unix_ms: Since when that is so.
    """

    state: str
    generation: _Count = 0
    reason: str = ""
    since_unix_ms: _Count = 0

    def says_the_same(self, other: Report | None) -> bool:
        """Tell whether only the time differs."""
        return other is not None and (self.state, self.generation, self.reason) == (
            other.state,
            other.generation,
            other.reason,
        )


_REPORTS = ValueReader(Report)


def key_of(name: str, node: str) -> str:
    """Return the key of an entry."""
    return f"{name}@{node}"


def encode(report: Report) -> bytes:
    """Return the value of an entry."""
    return msgspec.msgpack.encode(report)


class Reports:
    """What all nodes have said, by deployment and node."""

    def __init__(self) -> None:
        self._by_name: defaultdict[str, dict[str, Report]] = defaultdict(dict)

    def take(self, entries: Iterable[Entry]) -> set[str]:
        """Take entries in; returns the deployments that they are about."""
        names: set[str] = set()
        for entry in entries:
            name, _, node = entry.key.rpartition("@")
            report = _REPORTS.find(entry)  # None if of a later version: nothing is known of that replica
            if report is not None:
                self._by_name[name][node] = report
            elif name in self._by_name:
                self._by_name[name].pop(node, None)
                if not self._by_name[name]:
                    del self._by_name[name]
            names.add(name)
        return names

    def of(self, name: str) -> Mapping[str, Report]:
        """Return what nodes say of a deployment, by node; those of dead nodes included."""
        return self._by_name.get(name, {})


def is_replica(record: InstanceRecord, report: Report | None) -> bool:
    """Tell whether an instance is a replica that runs, by what its node says."""
    return record.state == State.RUNNING and report is not None and report.state in RUN_HERE


def refusals(reports: Mapping[str, Report], generation: int) -> dict[str, str]:
    """Return the nodes that refuse this generation, with their reasons."""
    return {
        node: report.reason
        for node, report in reports.items()
        if report.state == ReplicaState.REFUSED and report.generation == generation
    }
