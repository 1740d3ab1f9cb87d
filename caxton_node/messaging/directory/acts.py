"""What an agent may ask of `df`.

    {"action": "register", "capabilities": [{"name", "version"?, "input"?, "output"?, "performatives"?,
        "protocols"?, "cost"?, "attributes"?, "description"?}]}      INFORM {"registered": [names]}
    {"action": "modify", "capabilities": [{"name", ...}]}            INFORM {"modified": [names]}
    {"action": "deregister", "capabilities"?: [names]}               INFORM {"deregistered": [names]}
    {"action": "search", "capability"?, "version"?, "text"?, "attributes"?, "performative"?, "protocol"?,
        "agent"?, "node"?, "locality"?, "within_ms"?, "sends"?, "sample"?, "pick"?, "limit"?, "detail"?}
                                                                     INFORM {"agents": [...], "more"?: true}
    SUBSCRIBE with a search    AGREE {"agents": [...]}, then INFORM {"changes": [{"change", ...}]}
    CANCEL                     INFORM {"cancelled": 1}

A capability that is registered again takes the place of the one before: agents register whenever they
start. FIPA would have a failure `already-registered`. `schema` is an older name of `input`. What is left
out of a modification stays.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import full_name
from caxton_node.core.shown import show
from caxton_node.registry.discovery.finder import refuse_blank
from caxton_node.registry.discovery.query import LIMIT, LIMIT_MAX, NEAR_MS, NOTHING, Locality, Pick, Query
from caxton_node.registry.discovery.registration import SCHEMA_DEPTH_MAX, Capability, Modification, Name
from caxton_node.registry.discovery.schemas import check_schema

EACH_MAX = 64
"""Capabilities in one request."""
SENDS_BYTES_MAX = 8 * 1024
SAMPLE_BYTES_MAX = 4 * 1024
REASON_CHARS_MAX = 500

_Pattern = Annotated[str, Meta(pattern=r"^(\*|[a-z0-9][a-z0-9._:-]{0,62}\*?)$")]


class Register(Struct, frozen=True, tag_field="action", tag="register"):
    """Say what one can do."""

    capabilities: Annotated[list[Capability], Meta(min_length=1, max_length=EACH_MAX)]


class Modify(Struct, frozen=True, tag_field="action", tag="modify"):
    """Change what one has said."""

    capabilities: Annotated[list[Modification], Meta(min_length=1, max_length=EACH_MAX)]


class Deregister(Struct, frozen=True, tag_field="action", tag="deregister"):
    """Take back some of it, or everything."""

    capabilities: Annotated[list[Name], Meta(min_length=1, max_length=EACH_MAX)] | None = None


class Search(Struct, frozen=True, tag_field="action", tag="search"):
    """Ask who can do something; the conditions are those of `registry.discovery.query`.

    Attributes:
        capability: A name, or how names begin: `text.*`.
        sends: JSON Schema of what will be sent.
        sample: Something that will be sent.
        detail: Answer with all that was registered, schemas too.
    """

    capability: _Pattern = ""
    version: str = ""
    text: str = ""
    attributes: dict[str, str] = {}
    performative: str = ""
    protocol: str = ""
    agent: str = ""
    node: str = ""
    locality: Locality = Locality.ANYWHERE
    within_ms: Annotated[float, Meta(ge=0)] = NEAR_MS
    sends: dict[str, object] | None = None
    sample: msgspec.Raw | UnsetType = UNSET
    pick: Pick = Pick.ALL
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT
    detail: bool = False


class Asked(Struct, frozen=True):
    """A search that has been understood."""

    query: Query
    detail: bool


class Subscribed(Struct, frozen=True):
    """A search whose answers are to be followed."""

    asked: Asked


class Cancel(Struct, frozen=True):
    """End the subscription of this conversation."""


Request: TypeAlias = Register | Modify | Deregister | Asked | Subscribed | Cancel

_read = msgspec.json.Decoder(Register | Modify | Deregister | Search).decode
_read_search = msgspec.json.Decoder(Search).decode


def read_request(content: bytes) -> Request:
    """Read the content of a REQUEST.

    Raises:
        DecodeError: It is none that `df` knows; the error says why.
    """
    request = _read(content)
    return _understand(request) if isinstance(request, Search) else request


def read_subscribe(content: bytes) -> Request:
    """Read the content of a SUBSCRIBE: a search.

    Raises:
        DecodeError: It is none.
    """
    return Subscribed(_understand(_read_search(content)))


def read_cancel(_content: bytes) -> Request:
    """Read a CANCEL, whose content says nothing: its conversation tells what it ends."""
    return Cancel()


def _understand(search: Search) -> Asked:
    try:
        return Asked(refuse_blank(_query_of(search)), search.detail)
    except InvalidArgument as err:
        raise msgspec.ValidationError(show(str(err), REASON_CHARS_MAX)) from err


def _query_of(search: Search) -> Query:
    return Query(
        name=search.capability,
        version=search.version,
        text=search.text,
        attributes=search.attributes,
        performative=search.performative,
        protocol=search.protocol,
        agent=full_name(search.agent) if search.agent else "",
        node=search.node,
        locality=search.locality,
        within_ms=search.within_ms,
        sends=_sends(search.sends),
        sample=NOTHING if search.sample is UNSET else read_sample(bytes(search.sample)),
        pick=search.pick,
        limit=search.limit,
    )


def _sends(schema: dict[str, object] | None) -> dict[str, object] | None:
    if schema is None:
        return None
    if nests_deeper(schema, SCHEMA_DEPTH_MAX):
        raise InvalidArgument(f"what is sent nests deeper than {SCHEMA_DEPTH_MAX}")
    if len(msgspec.json.encode(schema)) > SENDS_BYTES_MAX:
        raise InvalidArgument(f"what is sent has more than {SENDS_BYTES_MAX:,} bytes of schema")
    check_schema(schema, "what is sent")
    return schema


def read_sample(sample: bytes) -> object:
    """Read a sample of what will be sent.

    Raises:
        InvalidArgument: It is too large, nests too deep or is no JSON.
    """
    if len(sample) > SAMPLE_BYTES_MAX:
        raise InvalidArgument(f"the sample has {len(sample):,} bytes", why=f"{SAMPLE_BYTES_MAX:,} are taken")
    try:
        value: object = msgspec.json.decode(sample)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise InvalidArgument("the sample is no JSON", why=show(str(err))) from err
    if nests_deeper(value, SCHEMA_DEPTH_MAX):
        raise InvalidArgument(f"the sample nests deeper than {SCHEMA_DEPTH_MAX}")
    return value
