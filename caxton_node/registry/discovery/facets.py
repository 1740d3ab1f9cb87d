"""What a capability can be asked for by equality, as a set of short strings.

    n:text.upper   its name               t:upper      a word of its name, description or attributes
    s:text.        a namespace of it      a:lang=en    an attribute
    p:request      an act                 x:fipa-query a protocol

A search for several of them is one test for a subset, and its candidates come from the rarest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from caxton_node.registry.records import CapabilityRecord

TOKENS_MAX = 64
"""Words of one capability that are found; beyond it the last ones are not."""
CACHED = 8192

_WORD = re.compile(r"[^\W_]+")
_SEPARATOR = re.compile(r"[.:]")


def by_name(name: str) -> str:
    """Return the facet of a whole name."""
    return f"n:{name}"


def by_namespace(namespace: str) -> str:
    """Return the facet of all names that begin so; it ends with a separator."""
    return f"s:{namespace}"


def by_token(token: str) -> str:
    """Return the facet of a word."""
    return f"t:{token}"


def by_attribute(key: str, value: str) -> str:
    """Return the facet of an attribute."""
    return f"a:{key}={value}"


def by_performative(word: str) -> str:
    """Return the facet of an act."""
    return f"p:{word}"


def by_protocol(name: str) -> str:
    """Return the facet of a protocol."""
    return f"x:{name}"


def tokens_of(text: str) -> list[str]:
    """Return the words of a text in lower case, each once, in order."""
    return list(dict.fromkeys(_WORD.findall(text.casefold())))


def namespaces_of(name: str) -> list[str]:
    """Return the namespaces that a name is in, the outermost first: of `a.b.c`, `a.` and `a.b.`."""
    return [name[: found.end()] for found in _SEPARATOR.finditer(name)]


def facets_of(record: CapabilityRecord) -> frozenset[str]:
    """Return all facets of a capability; the same set object for capabilities that differ in none."""
    return _facets(
        record.name,
        record.description,
        tuple(sorted(record.attributes.items())),
        record.performatives,
        record.protocols,
    )


def is_selective(facet: str) -> bool:
    """Tell whether a facet is worth a list of its own: acts and protocols are shared by nearly all."""
    return facet[0] not in "px"


@lru_cache(CACHED)
def _facets(
    name: str,
    description: str,
    attributes: tuple[tuple[str, str], ...],
    performatives: tuple[str, ...],
    protocols: tuple[str, ...],
) -> frozenset[str]:
    words = tokens_of(" ".join(_texts(name, description, attributes)))[:TOKENS_MAX]
    return frozenset(
        [
            by_name(name),
            *map(by_namespace, namespaces_of(name)),
            *map(by_token, words),
            *(by_attribute(key, value) for key, value in attributes),
            *map(by_performative, performatives),
            *map(by_protocol, protocols),
        ]
    )


def _texts(name: str, description: str, attributes: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield name
    yield description
    for key, value in attributes:
        yield key
        yield value
