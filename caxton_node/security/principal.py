"""Who is asking, and what was granted to whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from caxton_node.security.rbac import Role

EVERYWHERE = "*"
_SOUND = re.compile(r"[^\s,@]+\Z")


class Kind(StrEnum):
    """By what a caller was known."""

    API_KEY = "api-key"
    JWT = "jwt"
    OAUTH2 = "oauth2"
    CERTIFICATE = "certificate"
    SOCKET = "socket"
    NEWCOMER = "newcomer"


class Grant(NamedTuple):
    """A role, and where it holds.

    Attributes:
        role: Name of a built-in role or of one that an administrator has made.
        tenant: Name of a tenant, or `*` for all of them and for what belongs to none.
    """

    role: str
    tenant: str = EVERYWHERE

    def __str__(self) -> str:
        """Return `role`, or `role@tenant`."""
        return self.role if self.tenant == EVERYWHERE else f"{self.role}@{self.tenant}"

    @property
    def is_sound(self) -> bool:
        """Tell whether it can be written among others and be read back.

        Roles come from tokens that others have signed: one called `x, admin` must not turn into two.
        """
        return bool(_SOUND.match(self.role) and _SOUND.match(self.tenant))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes; names are not judged here."""
        role, _, tenant = text.partition("@")
        return cls(role, tenant or EVERYWHERE)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        name: Its name, for the audit log and for what is assigned to it by name.
        grants: What its credential brings along.
        kind: By what it was known.
        expires_unix_s: When the credential runs out; None: never.
    """

    name: str
    grants: tuple[Grant, ...]
    kind: Kind = Kind.API_KEY
    expires_unix_s: int | None = None

    @classmethod
    def with_role(cls, name: str, role: str) -> Self:
        """Return a principal that has one role everywhere."""
        return cls(name, (Grant(role),))

    @property
    def roles(self) -> str:
        """Return the grants as words: `operator, viewer@acme`."""
        return write_grants(self.grants)


def write_grants(grants: Iterable[Grant]) -> str:
    """Return grants as words, separated by a comma and a space; what has no sound name is left out."""
    return ", ".join(str(grant) for grant in grants if grant.is_sound)


def parse_grants(text: str) -> tuple[Grant, ...]:
    """Read what `write_grants` writes."""
    return tuple(Grant.parse(word.strip()) for word in text.split(",") if word.strip())


LOCAL = Principal("local", (Grant(Role.ADMIN),), Kind.SOCKET)
"""Whoever reaches the Unix socket: the daemon's own user, who could read its files anyway."""

NEWCOMER = Principal("newcomer", (), Kind.NEWCOMER)
"""A node that wants to join; its join token is judged by the operation itself."""
