"""Whose things a request touches: agents belong to tenants, all else belongs to none. Pure.

Three kinds of operations. Those about *named agents* need the permission in the tenant of each of them. Those
that are *limited* need it in some tenant, and answer with what is in such tenants only. All others, whatever
they name by an id included, are about the whole cluster and need it everywhere: a filter that could be
forgotten once is no boundary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import parse_address
from caxton_node.core.name_filter import read_filter
from caxton_node.security import EVERYWHERE


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a request says whose things it touches.

    Attributes:
        agents: Fields with agents: names, addresses, or how names begin.
        tenant: Field with a tenant; empty in a request means all.
        limited: The handler keeps to the tenants in `Call.tenants`.
    """

    agents: tuple[str, ...] = ()
    tenant: str = ""
    limited: bool = False

    def tenants(self, request: Any) -> frozenset[str]:  # noqa: ANN401  any request of the table
        """Return the tenants that a request touches; `*` stands for all and none."""
        if self.tenant:
            return frozenset({getattr(request, self.tenant) or EVERYWHERE})
        found = {tenant_of(name) for field in self.agents for name in _names(getattr(request, field))}
        return frozenset(found) or EVERYBODY


NAMES_MAX = 4096
EVERYBODY = frozenset({EVERYWHERE})
CLUSTER = Reach()
LIMITED = Reach(limited=True)
OF_NAME = Reach(agents=("name",))


@lru_cache(NAMES_MAX)
def tenant_of(text: str) -> str:
    """Return the tenant of an agent, as `name`, `tenant/name`, `name@node` or `name*`.

    What is no such thing is everybody's: then nobody gets further than to be told so who may not do all.
    """
    try:
        name = read_filter(text).text if text.endswith("*") else parse_address(text).name
    except InvalidArgument:
        return EVERYWHERE
    tenant, slash, _ = name.partition("/")
    return tenant if slash and tenant else EVERYWHERE


def _names(value: Any) -> Iterable[str]:  # noqa: ANN401  one name, several, or a message of names
    """Return what a field names; an empty single name is none."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(getattr(value, "names", value))
