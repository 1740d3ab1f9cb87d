"""Custom roles and assignments by name, as this node knows them. Pure; `registry/shared_roles.py` fills it.

A built-in role always means what the table says: an entry of its name, whoever wrote it, changes nothing.
A role that is not known, since it was deleted or is still on its way, has no permissions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show
from caxton_node.security.principal import Grant, Kind
from caxton_node.security.rbac import ROLES, Permission

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
NAME_CHARS_MAX = 256
_NOTHING: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A role that an administrator has made.

    Attributes:
        name: A DNS label that no built-in role has.
        permissions: What it allows.
        by: Who wrote it last.
        note: What it is for.
    """

    name: str
    permissions: frozenset[Permission]
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever something is assigned to: of all callers of a kind the one with this name."""

    kind: Kind
    name: str


class RoleBook:
    """Roles by name and grants by holder.

    Attributes:
        revision: Raised by every change.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._custom: dict[str, CustomRole] = {}
        self._assigned: dict[Holder, frozenset[Grant]] = {}
        self._grants = 0
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    # -- reading --------------------------------------------------------------------------------------------

    def permissions(self, role: str) -> frozenset[Permission]:
        """Return what a role allows; nothing if there is no such role."""
        found = ROLES.get(role)
        if found is not None:
            return found
        custom = self._custom.get(role)
        return _NOTHING if custom is None else custom.permissions

    def is_known(self, role: str) -> bool:
        """Tell whether there is such a role."""
        return role in ROLES or role in self._custom

    def roles(self) -> Mapping[str, frozenset[Permission]]:
        """Return the permissions of all roles: the built-in ones first, then the others by name."""
        return {**ROLES, **{name: self._custom[name].permissions for name in sorted(self._custom)}}

    def find_custom(self, role: str) -> CustomRole | None:
        """Return a custom role; None for a built-in or unknown one."""
        return self._custom.get(role)

    def count_custom(self) -> int:
        """Return how many custom roles there are."""
        return len(self._custom)

    def count_assigned(self) -> int:
        """Return how many assignments there are."""
        return self._grants

    def assigned(self, holder: Holder) -> frozenset[Grant]:
        """Return what is assigned to somebody, unknown roles included."""
        return self._assigned.get(holder, frozenset())

    def assignments(self, name: str = "", role: str = "", tenant: str = "") -> list[tuple[Holder, Grant]]:
        """Return assignments by kind, name and grant; what is empty is no condition.

        Args:
            name: Only to holders with this name.
            role: Only of this role.
            tenant: Only in this tenant.
        """
        found = [
            (holder, grant)
            for holder, grants in self._assigned.items()
            if not name or holder.name == name
            for grant in grants
            if (not role or grant.role == role) and (not tenant or grant.tenant == tenant)
        ]
        return sorted(found, key=lambda pair: (pair[0].kind, pair[0].name, pair[1]))

    def holders(self, role: str) -> list[tuple[Holder, Grant]]:
        """Return the assignments of one role."""
        return self.assignments(role=role)

    # -- writing --------------------------------------------------------------------------------------------

    def put_role(self, role: CustomRole) -> None:
        """Learn a custom role; one with the name of a built-in role is passed over."""
        if role.name not in ROLES:
            self._custom[role.name] = role
            self._changed()

    def drop_role(self, name: str) -> None:
        """Forget a custom role; assignments of it stay and grant nothing."""
        if self._custom.pop(name, None) is not None:
            self._changed()

    def assign(self, holder: Holder, grant: Grant) -> None:
        """Learn an assignment."""
        self._set(holder, self.assigned(holder) | {grant})

    def unassign(self, holder: Holder, grant: Grant) -> None:
        """Forget an assignment."""
        self._set(holder, self.assigned(holder) - {grant})

    def _set(self, holder: Holder, grants: frozenset[Grant]) -> None:
        self._grants += len(grants) - len(self.assigned(holder))
        if grants:
            self._assigned[holder] = grants
        else:
            self._assigned.pop(holder, None)
        self._changed()

    def _changed(self) -> None:
        self.revision += 1
        for listener in self._listeners:
            listener()


def check_role_name(text: str) -> str:
    """Return the name if a custom role may have it.

    Raises:
        InvalidArgument: It is no DNS label, or a built-in role has it.
    """
    if not _NAME.match(text):
        raise InvalidArgument(
            f"{show(text)} cannot be the name of a role",
            why="1 to 63 of a-z, 0-9 and hyphen, a letter or digit at both ends",
            hint="choose a name like release-bot",
        )
    if text in ROLES:
        raise InvalidArgument(
            f"the role {text} is built in",
            why="it means the same in every cluster",
            hint="make a role of your own: caxton security roles put NAME --permission ...",
        )
    return text


def read_permissions(words: Iterable[str]) -> frozenset[Permission]:
    """Read permissions by their names.

    Raises:
        InvalidArgument: There is no such permission, or none was named.
    """
    wanted = frozenset(words)
    unknown = sorted(wanted - set(Permission))
    if unknown or not wanted:
        raise InvalidArgument(
            f"{show(unknown[0])} is no permission" if unknown else "a role without permissions is no role",
            why=f"there are {', '.join(Permission)}",
            hint="name one or several of them",
        )
    return frozenset(map(Permission, wanted))


def read_holder(kind: str, name: str) -> Holder:
    """Read to whom something is assigned.

    Raises:
        InvalidArgument: Nobody is known by such a kind of credential, or the name is empty or too long.
    """
    kinds = [each.value for each in Kind if each not in {Kind.NEWCOMER, Kind.SOCKET}]
    if kind not in kinds:
        raise InvalidArgument(
            f"nothing can be assigned to a caller of the kind {show(kind)}",
            why="whoever has the socket is an administrator, and whoever joins is nobody yet",
            hint=f"use one of {', '.join(kinds)}",
        )
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise InvalidArgument(
            "this cannot be the name of a caller",
            why=f"1 to {NAME_CHARS_MAX} printable characters",
            hint="caxton security whoami shows the name of a credential",
        )
    return Holder(Kind(kind), name)
