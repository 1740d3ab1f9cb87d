"""What an agent may say of itself: one capability, checked before it goes to every node of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import InvalidArgument, InvalidMessage, ResourceLimit
from caxton_node.fipa.performatives import parse_performative
from caxton_node.registry.discovery.offers import COSTS
from caxton_node.registry.discovery.pricing import price_of
from caxton_node.registry.discovery.schemas import check_schema
from caxton_node.registry.discovery.semver import read_version
from caxton_node.registry.discovery.work import SCHEMA_UNITS_MAX
from caxton_node.registry.records import CapabilityRecord

SCHEMA_BYTES_MAX = 8 * 1024
SCHEMA_DEPTH_MAX = 32
COST_MAX = 1e12

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._:-]{0,62}$")]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$")]
Schema = dict[str, object]
Cost = Annotated[float, Meta(ge=0, le=COST_MAX)]
Costs = Annotated[dict[str, Cost], Meta(max_length=len(COSTS))]
Attributes = Annotated[dict[Word, Annotated[str, Meta(max_length=255)]], Meta(max_length=16)]
Description = Annotated[str, Meta(max_length=1000)]
Performatives = Annotated[list[Word], Meta(max_length=22)]
Protocols = Annotated[list[Word], Meta(max_length=16)]


class TooMuch(ResourceLimit):
    """A capability is larger than every node of the cluster should keep; nothing was registered."""

    code = "CAPABILITY_TOO_LARGE"


class Capability(Struct, frozen=True):
    """Something that an agent can do, as it says it.

    Attributes:
        name: What it is called in the cluster; dots make namespaces.
        version: Of its contract: three numbers, or the first of them.
        schema: JSON Schema of what it takes, or None; an older name of `input`.
        input: The same.
        output: JSON Schema of what it answers with.
        performatives: Acts by which it is asked for.
        protocols: Interaction protocols that it speaks.
        cost: What using it once takes: price, latency_ms, tokens, fuel.
        attributes: Whatever else can be asked for by equality.
        description: For people, and for search by words.
    """

    name: Name
    version: str = "1.0"
    schema: Schema | None = None
    input: Schema | None = None
    output: Schema | None = None
    performatives: Performatives = []
    protocols: Protocols = []
    cost: Costs = {}
    attributes: Attributes = {}
    description: Description = ""


class Modification(Struct, frozen=True):
    """What is to be different about a capability; what is left out stays, None takes a schema away.

    Attributes:
        name: Which one. The others are as of `Capability`.
    """

    name: Name
    version: str | UnsetType = UNSET
    schema: Schema | UnsetType | None = UNSET
    input: Schema | UnsetType | None = UNSET
    output: Schema | UnsetType | None = UNSET
    performatives: Performatives | UnsetType = UNSET
    protocols: Protocols | UnsetType = UNSET
    cost: Costs | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    description: Description | UnsetType = UNSET


_to_registry = msgspec.msgpack.Encoder().encode


def record_of(capability: Capability, agent: str, node: str) -> CapabilityRecord:
    """Return what the registry keeps of a capability.

    Args:
        capability: As the agent says it.
        agent: `tenant/name` of the agent.
        node: Where it runs.

    Raises:
        TooMuch: A schema is too large or nests too deep.
        InvalidArgument: Its version, a schema, an act or a cost is none.
    """
    if capability.schema is not None and capability.input is not None:
        raise InvalidArgument(
            f"{capability.name} has both schema and input", why="both are of what it takes", hint="give input"
        )
    given = capability.input if capability.input is not None else capability.schema
    schemas = {"input": given, "output": capability.output}
    for what, schema in schemas.items():
        _check_schema(schema, f"the {what} schema of {capability.name}")
    read_version(capability.version)
    _check_costs(capability.cost, capability.name)
    return CapabilityRecord(
        name=capability.name,
        version=capability.version,
        agent=agent,
        node=node,
        schema=given,
        output=capability.output,
        performatives=tuple(dict.fromkeys(_act(word) for word in capability.performatives)),
        protocols=tuple(dict.fromkeys(capability.protocols)),
        cost=dict(capability.cost),
        attributes=dict(capability.attributes),
        description=capability.description,
    )


def modified(record: CapabilityRecord, change: Modification) -> CapabilityRecord:
    """Return a record with some things different, checked like a new one.

    Raises:
        TooMuch: A schema is too large or nests too deep.
        InvalidArgument: Its version, a schema, an act or a cost is none.
    """
    before = Capability(
        name=record.name,
        version=record.version,
        input=None if record.schema is None else dict(record.schema),
        output=None if record.output is None else dict(record.output),
        performatives=list(record.performatives),
        protocols=list(record.protocols),
        cost=dict(record.cost),
        attributes=dict(record.attributes),
        description=record.description,
    )
    changes = {word: value for word, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    if "schema" in changes:
        changes.setdefault("input", changes.pop("schema"))
    return record_of(msgspec.structs.replace(before, **changes), record.agent, record.node)


def size_of(record: CapabilityRecord) -> int:
    """Return the bytes that every node of the cluster keeps of a record."""
    return len(_to_registry(record))


def _check_schema(schema: Schema | None, subject: str) -> None:
    if schema is None:
        return
    if nests_deeper(schema, SCHEMA_DEPTH_MAX):
        raise TooMuch(f"{subject} nests deeper than {SCHEMA_DEPTH_MAX}", hint="use $defs and $ref")
    try:  # as the registry will: JSON has numbers that MessagePack has not
        size = len(_to_registry(schema))
    except OverflowError as err:
        raise TooMuch(f"{subject} has a number of more than 64 bits") from err
    if size > SCHEMA_BYTES_MAX:
        raise TooMuch(f"{subject} has {size:,} bytes", why=f"{SCHEMA_BYTES_MAX:,} are taken")
    check_schema(schema, subject)
    if price_of(schema, size).make > SCHEMA_UNITS_MAX:
        raise TooMuch(
            f"{subject} takes too much work to hold against samples",
            why="its patterns are too many, or repeat or stand for too much",
            hint="use fewer patterns, smaller counts in braces, and maxLength instead of a count",
        )


def _check_costs(cost: Mapping[str, float], name: str) -> None:
    unknown = sorted(cost.keys() - set(COSTS))
    if unknown:
        raise InvalidArgument(
            f"{unknown[0]} is no cost of {name}", why=f"costs are {', '.join(COSTS)}", hint="use attributes"
        )


def _act(word: str) -> str:
    try:
        return parse_performative(word).word
    except InvalidMessage as err:
        raise InvalidArgument(err.what, why=err.why, hint=err.hint) from err
