"""Who may do what, and where: roles over grants. What is not granted is denied.

What somebody has is compiled once into a mask of bits per tenant and kept until the roles change, so that a
check is one look into a dictionary and one `and`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from caxton_node.core.errors import Forbidden
from caxton_node.security.principal import EVERYWHERE, Grant, Kind, Principal
from caxton_node.security.rbac import Permission, mask_of
from caxton_node.security.role_book import Holder, RoleBook

CACHE_MAX = 4096
_Key = tuple[Kind, str, tuple[Grant, ...]]


@dataclass(frozen=True, slots=True)
class Masks:
    """What somebody may do.

    Attributes:
        everywhere: In all tenants, and with what belongs to none.
        by_tenant: In one tenant, besides.
    """

    everywhere: int
    by_tenant: dict[str, int]


class Access:
    """Judges whether a principal may do something.

    Args:
        book: Custom roles and assignments.
    """

    def __init__(self, book: RoleBook | None = None) -> None:
        self.book = book or RoleBook()
        self._known: OrderedDict[_Key, Masks] = OrderedDict()
        self.book.on_change(self._known.clear)

    def allows(self, principal: Principal, permission: Permission, tenant: str = EVERYWHERE) -> bool:
        """Tell whether a principal has a permission.

        Args:
            principal: Who wants to.
            permission: What the operation asks for.
            tenant: Whose things it touches; `*` if not those of one tenant only.
        """
        masks, bit = self._masks(principal), permission.bit
        return bool(masks.everywhere & bit or masks.by_tenant.get(tenant, 0) & bit)

    def check(self, principal: Principal, permission: Permission, tenant: str = EVERYWHERE) -> None:
        """Let a principal pass, or not; the arguments are those of `allows`.

        Raises:
            Forbidden: No grant has the permission there; the error names the roles that do.
        """
        if not self.allows(principal, permission, tenant):
            raise self._refusal(principal, permission, tenant)

    def tenants(self, principal: Principal, permission: Permission) -> frozenset[str] | None:
        """Return the tenants in which a principal has a permission; None: in all.

        Raises:
            Forbidden: It has the permission nowhere.
        """
        masks = self._masks(principal)
        if masks.everywhere & permission.bit:
            return None
        found = frozenset(tenant for tenant, mask in masks.by_tenant.items() if mask & permission.bit)
        if not found:
            raise self._refusal(principal, permission, EVERYWHERE)
        return found

    def grants(self, principal: Principal) -> tuple[Grant, ...]:
        """Return what a principal has: what its credential brings, then what is assigned to its name."""
        assigned = self.book.assigned(Holder(principal.kind, principal.name))
        return (*principal.grants, *sorted(assigned - set(principal.grants)))

    def check_holds(self, principal: Principal, permissions: Iterable[Permission], tenant: str) -> None:
        """Make sure that somebody gives, changes or takes away only what it has itself.

        Raises:
            Forbidden: It lacks one of the permissions there.
        """
        lacks = sorted(each for each in permissions if not self.allows(principal, each, tenant))
        if lacks:
            raise Forbidden(
                f"{principal.name} may not give or take what it does not have itself",
                why=f"it lacks {', '.join(lacks)} {_where(tenant)}",
                hint="let an administrator do it, or use the socket on a node's own host",
            )

    def check_may_issue(self, principal: Principal, grants: Iterable[Grant], holder: Holder) -> None:
        """Make sure that a credential may be made that brings these grants and has this name.

        Whoever gets it has also what is assigned to the name.

        Raises:
            Forbidden: It would have more than whoever makes it.
        """
        for grant in (*grants, *self.book.assigned(holder)):
            self.check_holds(principal, self.book.permissions(grant.role), grant.tenant)

    def _masks(self, principal: Principal) -> Masks:
        key = (principal.kind, principal.name, principal.grants)
        found = self._known.get(key)
        return self._compile(key, principal) if found is None else found

    def _compile(self, key: _Key, principal: Principal) -> Masks:
        parts: dict[str, list[int]] = {}
        for grant in self.grants(principal):
            if grant.is_sound:  # whoever signs tokens may write anything into them
                parts.setdefault(grant.tenant, []).append(mask_of(self.book.permissions(grant.role)))
        by_tenant = {tenant: reduce(or_, masks) for tenant, masks in parts.items()}
        masks = self._known[key] = Masks(by_tenant.pop(EVERYWHERE, 0), by_tenant)
        if len(self._known) > CACHE_MAX:
            self._known.popitem(last=False)
        return masks

    def _refusal(self, principal: Principal, permission: Permission, tenant: str) -> Forbidden:
        able = ", ".join(role for role, granted in self.book.roles().items() if permission in granted)
        grants = self.grants(principal)
        has = ", ".join(map(str, grants)) or "no role"
        if tenant == EVERYWHERE and any(grant.tenant != EVERYWHERE for grant in grants):
            hint = f"it is about more than one tenant: it needs a grant everywhere of one of the roles {able}"
        else:
            hint = f"use credentials with one of the roles {able}"
        return Forbidden(
            f"{principal.name} may not do this",
            why=f"it needs {permission}{'' if tenant == EVERYWHERE else f' in {tenant}'}, and has {has}",
            hint=hint,
        )


def _where(tenant: str) -> str:
    return "everywhere" if tenant == EVERYWHERE else f"in {tenant}"
