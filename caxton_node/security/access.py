"""Who may do what, and where: roles over grants. What is not granted is denied."""

from __future__ import annotations

from collections.abc import Mapping

from caxton_node.core.errors import Forbidden
from caxton_node.security.principal import EVERYWHERE, Principal
from caxton_node.security.rbac import ROLES, Permission


class Access:
    """Judges whether a principal may do something.

    Args:
        roles: The permissions of each role.
    """

    def __init__(self, roles: Mapping[str, frozenset[Permission]] = ROLES) -> None:
        self._roles = roles

    def check(self, principal: Principal, permission: Permission, tenant: str = EVERYWHERE) -> None:
        """Let a principal pass, or not.

        Args:
            principal: Who wants to.
            permission: What the operation asks for.
            tenant: Whose things it touches; `*` if not those of one tenant only.

        Raises:
            Forbidden: No grant has the permission there; the error names the roles that do.
        """
        for role, where in principal.grants:
            if where in {EVERYWHERE, tenant} and permission in self._roles.get(role, frozenset()):
                return
        able = ", ".join(role for role, granted in self._roles.items() if permission in granted)
        raise Forbidden(
            f"{principal.name} may not do this",
            why=f"it needs {permission}, and has {principal.roles or 'no role'}",
            hint=f"use credentials with one of the roles {able}",
        )
