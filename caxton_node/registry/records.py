"""What the registry's own kinds of entry hold: MessagePack maps, in which unknown fields are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec


class InstanceRecord(msgspec.Struct, frozen=True, gc=False):
    """One running instance of an agent; owned by the node that runs it.

    Attributes:
        name: `tenant/name`.
        version: Version of the agent, as its manifest says.
        number: Which of the version's instances on that node, from 1.
        node: Where it runs.
        state: Lifecycle state.
        module_sha256: Hex of its module's hash.
        capabilities: Names of what it can do.
        load: How full its mailbox is, coarsely: 0 (hardly) to 3 (nearly full).
        failing: It runs, but has failed again and again of late.
    """

    KIND: ClassVar[str] = "instance"

    name: str
    version: str
    number: int
    node: str
    state: str
    module_sha256: str = ""
    capabilities: tuple[str, ...] = ()
    load: int = 0
    failing: bool = False

    @property
    def key(self) -> str:
        """Return the instance's address, `name#version.number@node`."""
        return f"{self.name}#{self.version}.{self.number}@{self.node}"

    @property
    def group(self) -> str:
        """Return what it is looked up by."""
        return self.name


class CapabilityRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that an agent on a node can do; owned by that node.

    Older nodes know it up to `schema` and ignore the rest, so nothing before that may change its meaning.

    Attributes:
        name: Name of the capability.
        version: Version of the capability.
        agent: `tenant/name` of the agent.
        node: Where that agent runs.
        schema: JSON Schema of its input, or None if it says nothing about it.
        output: JSON Schema of what it answers with, or None.
        performatives: Acts by which it is asked for; empty says nothing.
        protocols: Interaction protocols that it speaks; empty says nothing.
        cost: What using it once takes, as it guesses: latency_ms, price, tokens, fuel.
        attributes: Whatever else can be asked for by equality.
        description: For people, and for search by words.
    """

    KIND: ClassVar[str] = "capability"

    name: str
    version: str
    agent: str
    node: str
    schema: Mapping[str, object] | None = None
    output: Mapping[str, object] | None = None
    performatives: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    cost: Mapping[str, float] = {}
    attributes: Mapping[str, str] = {}
    description: str = ""

    @property
    def key(self) -> str:
        """Return what tells it from the same capability of other agents and nodes."""
        return f"{self.name} {self.agent}@{self.node}"

    @property
    def group(self) -> str:
        """Return what it is looked up by."""
        return self.name
