"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.security.rbac import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        name: The client's name, for the audit log.
        role: What it may do.
    """

    name: str
    role: Role


LOCAL = Principal("local", Role.ADMIN)
"""Whoever reaches the Unix socket: the daemon's own user, who could read its files anyway."""
