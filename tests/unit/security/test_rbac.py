"""Roles: what is not granted is denied, and the denial says who could."""

from __future__ import annotations

import pytest

from caxton_node.api.operations import OPERATIONS
from caxton_node.core.errors import Forbidden
from caxton_node.security import LOCAL, Access, Permission, Principal, Role
from caxton_node.security.rbac import ROLES

pytestmark = pytest.mark.story("024")


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_the_table_decides_every_pair(role: Role, permission: Permission) -> None:
    principal = Principal.with_role("ci", role)
    if permission in ROLES[role]:
        Access().check(principal, permission)
    else:
        with pytest.raises(Forbidden, match=permission):
            Access().check(principal, permission)


def test_a_viewer_changes_nothing() -> None:
    assert not {p for p in ROLES[Role.VIEWER] if p.endswith((".write", ".send"))}


@pytest.mark.parametrize("name", ["ListAgentKeys", "GetAgentKey"])
def test_what_an_agent_keeps_is_read_by_operators_and_no_viewer(name: str) -> None:
    permission = next(one.permission for one in OPERATIONS if one.name == name)
    assert permission is not None
    readers = [role for role in Role if permission in ROLES[role]]
    assert readers == [Role.ADMIN, Role.OPERATOR]


def test_a_denial_names_the_roles_that_could() -> None:
    with pytest.raises(Forbidden) as caught:
        Access().check(Principal.with_role("ci", Role.VIEWER), Permission.AGENTS_WRITE)
    assert caught.value.hint == "use credentials with one of the roles developer, operator, admin"


def test_the_daemons_own_user_may_do_everything() -> None:
    for permission in Permission:
        Access().check(LOCAL, permission)
