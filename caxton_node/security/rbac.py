"""The table of roles. What is not in it is denied.

A role is a plain set of permissions and not a chain of heirs: whoever wants to know what an operator may do
reads one line. Custom roles (`role_book.py`) are such sets, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Permission(StrEnum):
    """What an operation may ask for.

    Attributes:
        bit: Its place in a mask; of this process only, never on wire or disk.
    """

    bit: int

    def __init__(self, _text: str) -> None:
        self.bit = 1 << len(type(self).__members__)

    AGENTS_READ = "agents.read"
    AGENTS_WRITE = "agents.write"
    KEYS_READ = "keys.read"
    MESSAGES_SEND = "messages.send"
    MESSAGES_READ = "messages.read"
    CLUSTER_READ = "cluster.read"
    CLUSTER_WRITE = "cluster.write"
    REGISTRY_READ = "registry.read"
    METRICS_READ = "metrics.read"
    CONFIG_READ = "config.read"
    CONFIG_WRITE = "config.write"
    SECURITY_READ = "security.read"
    SECURITY_WRITE = "security.write"
    STORAGE_WRITE = "storage.write"


class Role(StrEnum):
    """What a token is issued for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    DEVELOPER = "developer"
    VIEWER = "viewer"


_P = Permission

ROLES: Mapping[str, frozenset[Permission]] = {
    Role.VIEWER: frozenset(
        {_P.AGENTS_READ, _P.MESSAGES_READ, _P.CLUSTER_READ, _P.REGISTRY_READ, _P.METRICS_READ}
    ),
    Role.DEVELOPER: frozenset(
        {
            _P.AGENTS_READ, _P.AGENTS_WRITE, _P.MESSAGES_SEND, _P.MESSAGES_READ,
            _P.CLUSTER_READ, _P.REGISTRY_READ, _P.METRICS_READ,
        }
    ),
    Role.OPERATOR: frozenset(
        {
            _P.AGENTS_READ, _P.AGENTS_WRITE, _P.KEYS_READ, _P.MESSAGES_SEND, _P.MESSAGES_READ,
            _P.CLUSTER_READ, _P.REGISTRY_READ, _P.METRICS_READ, _P.CONFIG_READ, _P.STORAGE_WRITE,
        }
    ),
    Role.ADMIN: frozenset(Permission),
}  # fmt: skip


def mask_of(permissions: Iterable[Permission]) -> int:
    """Return permissions as bits."""
    mask = 0
    for permission in permissions:
        mask |= permission.bit
    return mask
