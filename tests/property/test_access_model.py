"""Access under any history of roles and assignments is what a naive reading of the rules says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.security import EVERYWHERE, Access, CustomRole, Grant, Holder, Kind, Permission, Principal
from caxton_node.security.rbac import ROLES

pytestmark = pytest.mark.story("024")

TENANTS = [EVERYWHERE, "acme", "globex"]
CUSTOM = ["clerk", "stopper"]
NAMES = ["eve", "bob"]

grants = st.builds(Grant, st.sampled_from([*map(str, ROLES), *CUSTOM, "unknown"]), st.sampled_from(TENANTS))
holders = st.builds(Holder, st.sampled_from([Kind.JWT, Kind.API_KEY]), st.sampled_from(NAMES))
sets = st.frozensets(st.sampled_from(Permission))
steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(CUSTOM), sets),
    st.tuples(st.just("drop"), st.sampled_from(CUSTOM)),
    st.tuples(st.just("assign"), holders, grants),
    st.tuples(st.just("unassign"), holders, grants),
    st.tuples(st.just("ask"), holders, st.lists(grants, max_size=3)),
)


class Model:
    """Reads the rules as they are written, anew for each question."""

    def __init__(self) -> None:
        self.custom: dict[str, frozenset[Permission]] = {}
        self.assigned: set[tuple[Holder, Grant]] = set()

    def allows(self, who: Principal, permission: Permission, tenant: str) -> bool:
        has = [*who.grants, *(g for holder, g in self.assigned if holder == Holder(who.kind, who.name))]
        roles = {**self.custom, **ROLES}
        return any(
            permission in roles.get(grant.role, ()) and grant.tenant in {EVERYWHERE, tenant} for grant in has
        )


@given(st.lists(steps, max_size=30))
def test_access_is_what_a_naive_reading_says(history: list[tuple]) -> None:  # type: ignore[type-arg]
    access, model = Access(), Model()
    for what, *arguments in history:
        if what == "put":
            access.book.put_role(CustomRole(*arguments))
            model.custom[arguments[0]] = arguments[1]
        elif what == "drop":
            access.book.drop_role(*arguments)
            model.custom.pop(arguments[0], None)
        elif what == "assign":
            access.book.assign(*arguments)
            model.assigned.add(tuple(arguments))
        elif what == "unassign":
            access.book.unassign(*arguments)
            model.assigned.discard(tuple(arguments))
        else:
            _compare(access, model, arguments[0], arguments[1])
    for kind in (Kind.JWT, Kind.API_KEY):
        _compare(access, model, Holder(kind, "eve"), [])
    assert access.book.count_assigned() == len(model.assigned)


def _compare(access: Access, model: Model, holder: Holder, brought: list[Grant]) -> None:
    who = Principal(holder.name, tuple(brought), holder.kind)
    for permission in Permission:
        for tenant in TENANTS:
            assert access.allows(who, permission, tenant) == model.allows(who, permission, tenant)
