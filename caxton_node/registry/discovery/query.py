"""What can be asked about capabilities: conditions that all must hold, and which of the answers to give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show
from caxton_node.registry.discovery import facets
from caxton_node.registry.discovery.semver import Range, read_range

LIMIT, LIMIT_MAX = 100, 1000
NEAR_MS = 5.0
"""Round trip up to which a node is near: the same site."""
TEXT_CHARS_MAX = 256
ATTRIBUTES_MAX = 16

PATTERN = re.compile(r"\*|[a-z0-9][a-z0-9._:-]{0,62}\*?")

Schema = Mapping[str, Any] | bool


class Pick(StrEnum):
    """Which of those that fit are answered."""

    ALL = "all"  # the best first, up to the limit
    BEST = "best"  # one: of those with the least load, the nearest; then the cheapest
    ANY = "any"  # one, by chance


class Locality(StrEnum):
    """How far away an agent may be."""

    ANYWHERE = "anywhere"
    NEAR = "near"  # within `within_ms`, and measured
    HERE = "here"  # on the node that is asked


@dataclass(frozen=True, slots=True)
class Nothing:
    """Stands for no sample: None would be one."""


NOTHING = Nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search.

    Attributes:
        name: A name; `text.*` for a namespace, `te*` for a beginning, empty or `*` for any.
        version: A range of versions, empty for any.
        text: Words that must all occur in name, description or attributes.
        attributes: Attributes that it must have.
        performative: An act that it must take, in lower case as on the wire.
        protocol: A protocol that it must speak.
        agent: `tenant/name` of the agent.
        node: Where it must be.
        locality: How far it may be.
        within_ms: Longest round trip that counts as near.
        sends: JSON Schema of what will be sent: all that it allows must be taken.
        sample: A value that must be taken.
        pick: Which of those that fit.
        limit: How many at most, for `Pick.ALL`.
        unready: Give also those that cannot be used now.
        tenants: Whose agents; None for any.

    Raises:
        InvalidArgument: A condition is malformed.
    """

    name: str = ""
    version: str = ""
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    performative: str = ""
    protocol: str = ""
    agent: str = ""
    node: str = ""
    locality: Locality = Locality.ANYWHERE
    within_ms: float = NEAR_MS
    sends: Schema | None = None
    sample: object = NOTHING
    pick: Pick = Pick.ALL
    limit: int = LIMIT
    unready: bool = False
    tenants: frozenset[str] | None = None
    range: Range | None = field(init=False, default=None)
    wanted: frozenset[str] = field(init=False, default=frozenset())
    prefix: str = field(init=False, default="")

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "range", read_range(self.version) if self.version else None)
        object.__setattr__(self, "prefix", _prefix(self.name))
        object.__setattr__(self, "wanted", frozenset(_wanted(self)))

    @property
    def is_blank(self) -> bool:
        """Tell whether it asks for nothing in particular."""
        conditions = (self.name, self.version, self.wanted, self.agent, self.node)
        return not any(conditions) and self.sends is None and self.sample is NOTHING


def _check(query: Query) -> None:
    if query.name and not PATTERN.fullmatch(query.name):
        raise InvalidArgument(
            f"{show(query.name)} is no name of capabilities",
            why="it is 1 to 63 of a-z, 0-9 and . _ : -, and may end in *",
            hint="for example text.upper, or text.* for all in a namespace",
        )
    if len(query.text) > TEXT_CHARS_MAX or len(query.attributes) > ATTRIBUTES_MAX:
        raise InvalidArgument(
            "the search is too long",
            why=f"its text may have {TEXT_CHARS_MAX} characters, and it may name {ATTRIBUTES_MAX} attributes",
        )
    if query.text and not facets.tokens_of(query.text):
        raise InvalidArgument("the text to search for has no word in it", hint="give letters or digits")
    if not 1 <= query.limit <= LIMIT_MAX:
        raise InvalidArgument(f"a limit of {query.limit} is out of range", why=f"it is from 1 to {LIMIT_MAX}")
    if not query.within_ms >= 0:
        raise InvalidArgument(f"{query.within_ms} ms is no distance", hint="give 0 or more")


def _prefix(name: str) -> str:
    """Return what a name must begin with where no facet says it: `te` of `te*`, nothing of `text.*`."""
    if not name.endswith("*") or _namespace(name):
        return ""
    return name[:-1]


def _namespace(name: str) -> str:
    """Return `text.` of `text.*`, nothing of any other pattern."""
    return name[:-1] if name.endswith((".*", ":*")) else ""


def _wanted(query: Query) -> list[str]:
    wanted = [facets.by_token(token) for token in facets.tokens_of(query.text)]
    wanted += [facets.by_attribute(key, value) for key, value in query.attributes.items()]
    if query.performative:
        wanted.append(facets.by_performative(query.performative.lower()))
    if query.protocol:
        wanted.append(facets.by_protocol(query.protocol))
    if namespace := _namespace(query.name):
        wanted.append(facets.by_namespace(namespace))
    elif query.name and not query.name.endswith("*"):
        wanted.append(facets.by_name(query.name))
    elif inner := facets.namespaces_of(query.prefix):
        wanted.append(facets.by_namespace(inner[-1]))
    return wanted
