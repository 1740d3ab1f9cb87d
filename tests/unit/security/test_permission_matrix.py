"""THE matrix: every operation x role x kind of identity, and whose things a tenant's principal may touch.

`permissions.csv` is written and reviewed by hand. A new operation fails here until its line is there: decide
who may, write `yes`, `no`, or `limited` (let in, but the answer keeps to the caller's tenants).

    admin ... viewer     a principal with this role everywhere
    own_tenant           one with admin in the tenant acme, asking about acme's agents
    other_tenant         the same, asking about globex's agents
    all_tenants          the same, asking about nobody's in particular
    stranger             one that shows no credential
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from google.protobuf.message import Message

from caxton_node.api.authorising import authorise
from caxton_node.api.operations import OPERATIONS, Operation
from caxton_node.core.errors import Forbidden
from caxton_node.security import Access, Grant, Holder, Kind, Principal, Role

pytestmark = pytest.mark.story("024")

TABLE = Path(__file__).with_name("permissions.csv")
NAMING = ("name", "agent", "to", "agents", "tenant", "manages")
KINDS = [kind for kind in Kind if kind is not Kind.NEWCOMER]


def read_table() -> dict[str, dict[str, str]]:
    with TABLE.open(newline="") as file:
        return {row.pop("operation"): row for row in csv.DictReader(file)}


def about(operation: Operation, tenant: str) -> Message:
    """Return a request that names an agent of a tenant, or the tenant, wherever it can."""
    request = operation.request()
    for field in request.DESCRIPTOR.fields:
        if field.name in NAMING and field.type == field.TYPE_STRING:
            text = tenant if field.name == "tenant" else f"{tenant}/worker"
            if field.is_repeated:
                getattr(request, field.name).append(text)
            else:
                setattr(request, field.name, text)
    return request


def outcome(access: Access, operation: Operation, request: Message, who: Principal) -> str:
    try:
        tenants = authorise(access, operation, request, who)
    except Forbidden:
        return "no"
    return "yes" if tenants is None else "limited"


def test_every_operation_has_a_line_and_no_line_is_left_over() -> None:
    assert list(read_table()) == [operation.name for operation in OPERATIONS]


def test_every_cell_is_filled_in() -> None:
    for name, row in read_table().items():
        assert set(row.values()) <= {"yes", "no", "limited"}, name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_role_may_do_what_the_table_says(operation: Operation, kind: Kind) -> None:
    row, access = read_table()[operation.name], Access()
    for role in Role:
        who = Principal("eve", (Grant(role),), kind)
        for request in (operation.request(), about(operation, "acme"), about(operation, "globex")):
            assert outcome(access, operation, request, who) == row[role], role


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_role_that_is_assigned_by_name_is_worth_what_one_in_a_credential_is(operation: Operation) -> None:
    row = read_table()[operation.name]
    for role in Role:
        access = Access()
        access.book.assign(Holder(Kind.JWT, "eve"), Grant(role))
        who = Principal("eve", (), Kind.JWT)
        assert outcome(access, operation, operation.request(), who) == row[role], role


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_one_tenants_administrator_may_do_there_what_the_table_says(operation: Operation, kind: Kind) -> None:
    row, access = read_table()[operation.name], Access()
    who = Principal("eve", (Grant(Role.ADMIN, "acme"),), kind)
    assert outcome(access, operation, about(operation, "acme"), who) == row["own_tenant"]
    assert outcome(access, operation, about(operation, "globex"), who) == row["other_tenant"]
    assert outcome(access, operation, operation.request(), who) == row["all_tenants"]


@pytest.mark.parametrize("grants", [(), (Grant("unknown"),), (Grant("Admin"),), (Grant("admin", ""),)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_without_a_known_role_nothing_that_needs_a_permission_is_done(
    operation: Operation, grants: tuple[Grant, ...]
) -> None:
    who = Principal("eve", grants, Kind.JWT)
    expected = "yes" if operation.permission is None else "no"
    for request in (operation.request(), about(operation, "acme")):
        assert outcome(Access(), operation, request, who) == expected


def test_only_who_am_i_and_can_need_no_permission_and_only_joining_no_credential() -> None:
    assert {each.name for each in OPERATIONS if each.permission is None} == {"Join", "WhoAmI", "Can"}
    assert [each.name for each in OPERATIONS if each.anonymous] == ["Join"]
    assert [name for name, row in read_table().items() if row["stranger"] == "yes"] == ["Join"]
