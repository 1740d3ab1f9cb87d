"""The directory facilitator: the platform agent `df`, where agents say what they can do and find who can.

    {"action": "register", "capabilities": [{"name", "version", "schema"?}]}
        INFORM {"registered": [names]}
    {"action": "search", "capability": "x"}
        INFORM {"agents": [{"name", "capability", "version", "node"}]}
    {"action": "deregister"}
        INFORM {"deregistered": [names]}

Anything else is answered with NOT_UNDERSTOOD. What one agent may register is bounded in number and in size,
since every node of the cluster keeps it. An agent registers at its own node, which speaks for it in the
cluster; searching works everywhere. Answers to `df` itself are never answered, so two directories cannot
keep each other busy.

Source: FIPA SC00023K section 4.2 (directory facilitator); stories 015, 025.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, Struct

from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import CaxtonError
from caxton_node.core.ids import Address, parse_address
from caxton_node.core.shown import show
from caxton_node.fipa import Envelope, Performative, not_understood, reply
from caxton_node.registry.records import CapabilityRecord

DIRECTORY = "df"
CAPABILITIES_MAX = 64
SCHEMA_BYTES_MAX = 8 * 1024
SCHEMA_DEPTH_MAX = 32
REASON_CHARS_MAX = 500

_Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._:-]{0,62}$")]
_Version = Annotated[str, Meta(min_length=1, max_length=32)]


class Capability(Struct, frozen=True):
    """Something that an agent can do.

    Attributes:
        name: What it is called in the cluster.
        version: Of its contract.
        schema: JSON Schema of what it takes, or None.
    """

    name: _Name
    version: _Version = "1.0"
    schema: dict[str, object] | None = None


class Offer(Struct, frozen=True):
    """An agent that has a capability.

    Attributes:
        name: The agent's name.
        capability: What it can do.
        version: Of that.
        node: Where it runs.
    """

    name: str
    capability: str
    version: str
    node: str


class Registry(Protocol):
    """What the directory needs of the registry."""

    def put_capability(self, record: CapabilityRecord) -> None:
        """Say that an agent of this node has a capability."""
        ...

    def remove_capabilities_of(self, agent: str) -> None:
        """Forget what an agent of this node (`tenant/name`) can do."""
        ...

    def find_capability(self, name: str) -> Sequence[CapabilityRecord]:
        """List who has a capability and is within reach."""
        ...

    def capabilities(self) -> Sequence[CapabilityRecord]:
        """List all capabilities within reach."""
        ...


class Register(Struct, frozen=True, tag_field="action", tag="register"):
    """Say what one can do."""

    capabilities: Annotated[list[Capability], Meta(min_length=1, max_length=CAPABILITIES_MAX)]


class Search(Struct, frozen=True, tag_field="action", tag="search"):
    """Ask who can do something."""

    capability: _Name


class Deregister(Struct, frozen=True, tag_field="action", tag="deregister"):
    """Take back everything."""


_read = msgspec.json.Decoder(Register | Search | Deregister).decode
_write = msgspec.json.Encoder().encode
_to_registry = msgspec.msgpack.Encoder().encode
_ANSWERS = frozenset({Performative.FAILURE, Performative.NOT_UNDERSTOOD, Performative.REFUSE})


class Directory:
    """Answers messages to `df`; runs on the event loop.

    Args:
        node_id: This node.
        registry: Where capabilities live.
        submit: `Router.submit`.
    """

    def __init__(self, node_id: str, registry: Registry, submit: Callable[[Envelope], object]) -> None:
        self._address = f"{DIRECTORY}@{node_id}"
        self._node_id = node_id
        self._registry = registry
        self._submit = submit

    def handle(self, envelope: Envelope) -> None:
        """Answer one message."""
        if envelope.performative not in _ANSWERS:
            self._submit(self._answer(envelope))

    def _answer(self, envelope: Envelope) -> Envelope:
        if envelope.performative is not Performative.REQUEST:
            return self._misunderstand(envelope, f"df takes REQUEST, not {envelope.performative.word}")
        try:
            request = _read(envelope.content or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            return self._misunderstand(envelope, show(str(err), REASON_CHARS_MAX))
        try:
            return self._do(request, envelope)
        except CaxtonError as err:
            return self._reply(envelope, Performative.FAILURE, {"reason": err.code, "detail": str(err)})

    def _do(self, request: Register | Search | Deregister, envelope: Envelope) -> Envelope:
        if isinstance(request, Search):
            return self._reply(envelope, Performative.INFORM, {"agents": self._search(request.capability)})
        sender = parse_address(envelope.sender or "")
        if sender.node != self._node_id:
            detail = f"{sender} registers at its own node, not at {self._node_id}"
            return self._reply(envelope, Performative.REFUSE, {"reason": "not-here", "detail": detail})
        if isinstance(request, Register):
            too_much = self._find_excess(sender.name, request.capabilities)
            if too_much:
                answer = {"reason": "too-much", "detail": too_much}
                return self._reply(envelope, Performative.REFUSE, answer)
            names = self._register(sender.name, request.capabilities)
            return self._reply(envelope, Performative.INFORM, {"registered": names})
        names = self._deregister(sender.name)
        return self._reply(envelope, Performative.INFORM, {"deregistered": names})

    def _find_excess(self, agent: str, capabilities: Sequence[Capability]) -> str:
        """Say in what way this is more than one agent may register, "" if it is not."""
        names = {record.name for record in self._registry.capabilities() if self._owns(record, agent)}
        names |= {capability.name for capability in capabilities}
        if len(names) > CAPABILITIES_MAX:
            return f"{len(names)} capabilities; one agent may have {CAPABILITIES_MAX}"
        for capability in capabilities:
            if nests_deeper(capability.schema, SCHEMA_DEPTH_MAX):
                return f"the schema of {capability.name} nests deeper than {SCHEMA_DEPTH_MAX}"
            try:  # as the registry will: JSON has numbers that MessagePack has not
                size = len(_to_registry(capability.schema))
            except OverflowError:
                return f"the schema of {capability.name} has a number of more than 64 bits"
            if size > SCHEMA_BYTES_MAX:
                return f"the schema of {capability.name} has {size:,} bytes; {SCHEMA_BYTES_MAX:,} are taken"
        return ""

    def _register(self, agent: str, capabilities: Sequence[Capability]) -> list[str]:
        for capability in capabilities:
            record = CapabilityRecord(
                capability.name, capability.version, agent, self._node_id, capability.schema
            )
            self._registry.put_capability(record)
        return [capability.name for capability in capabilities]

    def _deregister(self, agent: str) -> list[str]:
        mine = [record.name for record in self._registry.capabilities() if self._owns(record, agent)]
        self._registry.remove_capabilities_of(agent)
        return sorted(mine)

    def _owns(self, record: CapabilityRecord, agent: str) -> bool:
        return record.agent == agent and record.node == self._node_id

    def _search(self, capability: str) -> list[Offer]:
        return [
            Offer(str(Address(record.agent)), record.name, record.version, record.node)
            for record in self._registry.find_capability(capability)
        ]

    def _reply(self, envelope: Envelope, performative: Performative, content: object) -> Envelope:
        return reply(envelope, performative, _write(content), self._address)

    def _misunderstand(self, envelope: Envelope, reason: str) -> Envelope:
        answer = not_understood(envelope, reason, 3, "content")
        answer.sender = self._address
        return answer
