"""Custom roles and assignments in force on every node: registry entries of the kinds `role` and `assignment`.

A role is one entry by its name. An assignment is one entry for each grant, so that two administrators who
give and take at the same time on two nodes overwrite nothing of one another. What arrives is in force at
once.

A built-in role is never read from an entry, and what cannot be read, or names permissions that this version
does not know, grants nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from caxton_node.core.errors import InputError, ResourceLimit
from caxton_node.registry.entry import Entry
from caxton_node.registry.service import Registry
from caxton_node.registry.values import ValueReader
from caxton_node.security import CustomRole, Grant, Holder, Permission, RoleBook
from caxton_node.security.role_book import read_holder

ROLE, ASSIGNMENT = "role", "assignment"
ROLES_MAX = 1_000
ASSIGNMENTS_MAX = 10_000

_ROLES = ValueReader(tuple[list[str], str, str])
_KNOWN = frozenset(Permission)


class SharedRoles:
    """Writes roles and assignments for the whole cluster, and keeps the book of this node up to date.

    Args:
        registry: Where they travel.
        book: What this node judges by.
    """

    def __init__(self, registry: Registry, book: RoleBook) -> None:
        self.book = book
        self._registry = registry
        self._take_roles(registry.entries(ROLE))
        self._take_assignments(registry.entries(ASSIGNMENT))
        registry.watch(ROLE, self._take_roles)
        registry.watch(ASSIGNMENT, self._take_assignments)

    def put_role(self, role: CustomRole) -> None:
        """Make a role, or change what it allows.

        Raises:
            ResourceLimit: There are too many.
        """
        if self.book.find_custom(role.name) is None and self.book.count_custom() >= ROLES_MAX:
            raise ResourceLimit(f"there are {ROLES_MAX:,} roles already", hint="delete those that nobody has")
        value = (sorted(role.permissions), role.by, role.note)
        self._registry.put_entry(ROLE, role.name, msgspec.msgpack.encode(value))

    def delete_role(self, name: str) -> None:
        """Let a role go; whoever has it has nothing by it from now on."""
        self._registry.remove_entry(ROLE, name)

    def assign(self, holder: Holder, grant: Grant, *, by: str) -> None:
        """Give somebody a role.

        Raises:
            ResourceLimit: There are too many assignments.
        """
        if self.book.count_assigned() >= ASSIGNMENTS_MAX:
            raise ResourceLimit(
                f"there are {ASSIGNMENTS_MAX:,} assignments already",
                hint="let an issuer put roles into its tokens",
            )
        self._registry.put_entry(ASSIGNMENT, _key(holder, grant), msgspec.msgpack.encode(by))

    def unassign(self, holder: Holder, grant: Grant) -> None:
        """Take a role from somebody; nothing happens if it has not got it."""
        self._registry.remove_entry(ASSIGNMENT, _key(holder, grant))

    def _take_roles(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            read = _ROLES.find(entry)
            if read is None:
                self.book.drop_role(entry.key)
            else:
                words, by, note = read
                permissions = frozenset(map(Permission, _KNOWN.intersection(words)))
                self.book.put_role(CustomRole(entry.key, permissions, by, note))

    def _take_assignments(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            found = _read_key(entry.key)
            if found is not None:
                change = self.book.unassign if entry.deleted else self.book.assign
                change(*found)


def _key(holder: Holder, grant: Grant) -> str:
    return f"{holder.kind.value}/{grant.tenant}/{grant.role}/{holder.name}"


def _read_key(key: str) -> tuple[Holder, Grant] | None:
    """Read what `_key` writes; only the name, which comes last, may hold a slash."""
    kind, _, rest = key.partition("/")
    tenant, _, rest = rest.partition("/")
    role, _, name = rest.partition("/")
    try:
        return read_holder(kind, name), Grant(role, tenant)
    except InputError:
        return None
