"""Who is there: agents found by name, node, state and description, a page at a time.

A search looks at no more than `SCAN_MAX` names, from where the last page ended: the registry may have a
hundred thousand, any agent may ask, and the loop must go on. For that the names are kept in order
(`name_index.py`). A page may so have few agents, or none, and still a `next`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from caxton_node.ams.acts import Search
from caxton_node.ams.descriptions import Descriptions
from caxton_node.ams.name_index import NameIndex
from caxton_node.core.ids import Address, full_name
from caxton_node.core.name_filter import read_filter
from caxton_node.registry.records import InstanceRecord

SCAN_MAX = 500


class Instances(Protocol):
    """What the white pages need of the registry."""

    def instances(self, name: str | None = None) -> Sequence[InstanceRecord]:
        """List the instances of an agent, or all, on nodes that are alive."""
        ...

    def subscribe(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Tell `listener` of the names whose instances changed."""
        ...


class Found(msgspec.Struct, frozen=True):
    """One instance, as an answer shows it.

    Attributes:
        name: The agent, as it is addressed.
        instance: `name#version.n@node`.
        node: Where it is.
        version: Of the agent.
        state: Where it is in its life.
        capabilities: What it can do.
        description: What it says of itself.
    """

    name: str
    instance: str
    node: str
    version: str
    state: str
    capabilities: tuple[str, ...]
    description: dict[str, str]


class WhitePages:
    """The agents of the cluster by name; on the event loop.

    Args:
        registry: Who is there.
        descriptions: What they say of themselves.
    """

    def __init__(self, registry: Instances, descriptions: Descriptions) -> None:
        self._registry = registry
        self._descriptions = descriptions
        self._names = NameIndex(record.name for record in registry.instances())
        registry.subscribe(self._handle)

    def search(self, request: Search) -> dict[str, object]:
        """Return what an answer says: a page of agents, and where the next one begins if there may be more.

        Raises:
            InvalidArgument: A name is none.
        """
        wanted = read_filter(request.name)
        found: list[Found] = []
        last = ""
        after = None if request.after is None else full_name(request.after)
        for scanned, name in enumerate(self._names.following(wanted.text, after)):
            if name not in wanted:
                break
            if scanned >= SCAN_MAX or len(found) >= request.limit:
                return {"agents": found, "next": str(Address(last))}
            last = name
            found += self._matching(name, request)
        return {"agents": found}

    def _matching(self, name: str, request: Search) -> Iterator[Found]:
        for record in self._registry.instances(name):
            if request.node not in (None, record.node):
                continue
            if request.state not in (None, record.state):
                continue
            description = self._descriptions.find(name, record.node)
            if request.attributes.items() <= description.items():
                yield _found(record, description)

    def _handle(self, names: frozenset[str]) -> None:
        for name in names:
            self._names.set(name, there=bool(self._registry.instances(name)))


def _found(record: InstanceRecord, description: dict[str, str]) -> Found:
    return Found(
        name=str(Address(record.name)),
        instance=record.key,
        node=record.node,
        version=record.version,
        state=record.state,
        capabilities=tuple(record.capabilities),
        description=description,
    )
