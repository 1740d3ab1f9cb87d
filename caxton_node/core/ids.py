"""Names and ids: how agents, instances and messages are called.

    tenant/name                  an agent; tenant `default` may be left out when written
    name#version.n@node          one running instance of it
    name@node                    the agent, pinned to a node (clients that wait for a reply use this form)

Messages go to names; the router turns a name into an instance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from caxton_node.core.errors import InvalidArgument

DEFAULT_TENANT = "default"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._:~-]{0,61}[a-z0-9])?\Z")
SHOWN_CHARS = 80
_NODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message may be sent.

    Attributes:
        name: `tenant/name`, always with the tenant.
        node: Node id when the address is pinned, else None.
    """

    name: str
    node: str | None = None

    def __str__(self) -> str:
        """Write the shortest form that parses back to this address."""
        name = self.name.removeprefix(f"{DEFAULT_TENANT}/")
        return f"{name}@{self.node}" if self.node else name


def parse_address(text: str) -> Address:
    """Read `[tenant/]name[#version.n][@node]`; the instance part does not choose a route and is dropped.

    Raises:
        InvalidArgument: A part has a character or length that names may not have.
    """
    name, _, node = text.partition("@")
    name = name.partition("#")[0]
    if node and not _NODE.match(node):
        raise _bad("a node id", node)
    return Address(full_name(name), node or None)


def full_name(text: str) -> str:
    """Return `tenant/name` for a name written with or without its tenant.

    Raises:
        InvalidArgument: The name or tenant is empty, too long or has a forbidden character.
    """
    tenant, slash, name = text.partition("/")
    if not slash:
        tenant, name = DEFAULT_TENANT, text
    if not _NAME.match(name):
        raise _bad("an agent name", name)
    if not _NAME.match(tenant):
        raise _bad("a tenant", tenant)
    return f"{tenant}/{name}"


def check_node_id(text: str) -> str:
    """Return the node id if it can stand in a certificate and a DNS name, else raise InvalidArgument."""
    if not _NODE.match(text):
        raise _bad("a node id", text)
    return text


def stable_hash(text: str | bytes) -> int:
    """Return 64 bits that are the same on every node and in every run (Python's own hash is not)."""
    data = text.encode() if isinstance(text, str) else text
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def _bad(kind: str, text: str) -> InvalidArgument:
    return InvalidArgument(
        f"{text[:SHOWN_CHARS]!r} is not {kind}",
        why="1 to 63 of a-z, 0-9 and hyphen (agents also . _ : ~), a letter or digit at both ends",
        hint="choose a name like price-checker",
    )
