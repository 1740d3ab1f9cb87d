"""Access: roles over grants, per tenant; what is assigned by name; nobody gives what it has not got."""

from __future__ import annotations

import pytest

from caxton_node.core.errors import Forbidden, InvalidArgument
from caxton_node.security import (
    Access,
    CustomRole,
    Grant,
    Holder,
    Kind,
    Permission,
    Principal,
    Role,
    RoleBook,
)
from caxton_node.security.access import CACHE_MAX
from caxton_node.security.principal import parse_grants, write_grants
from caxton_node.security.role_book import check_role_name, read_holder, read_permissions

pytestmark = pytest.mark.story("024")

READ, WRITE = Permission.AGENTS_READ, Permission.AGENTS_WRITE


def caller(*grants: Grant, name: str = "eve", kind: Kind = Kind.JWT) -> Principal:
    return Principal(name, grants, kind)


def test_a_grant_for_one_tenant_holds_there_and_nowhere_else() -> None:
    access, eve = Access(), caller(Grant(Role.DEVELOPER, "acme"))
    access.check(eve, WRITE, "acme")
    assert not access.allows(eve, WRITE, "globex")
    assert not access.allows(eve, WRITE)
    assert access.tenants(eve, WRITE) == {"acme"}


def test_a_grant_everywhere_holds_in_every_tenant() -> None:
    access, eve = Access(), caller(Grant(Role.DEVELOPER))
    access.check(eve, WRITE, "acme")
    assert access.tenants(eve, WRITE) is None


def test_grants_add_up() -> None:
    access = Access()
    eve = caller(Grant(Role.VIEWER), Grant(Role.DEVELOPER, "acme"))
    assert access.allows(eve, READ, "globex")
    assert access.allows(eve, WRITE, "acme")
    assert not access.allows(eve, WRITE, "globex")


def test_a_refusal_about_more_than_one_tenant_says_so() -> None:
    with pytest.raises(Forbidden, match=r"agents\.read.*developer@acme") as caught:
        Access().check(caller(Grant(Role.DEVELOPER, "acme")), READ)
    assert "more than one tenant" in caught.value.hint


def test_who_has_a_permission_nowhere_is_refused_a_limited_answer_too() -> None:
    with pytest.raises(Forbidden):
        Access().tenants(caller(Grant("auditor", "acme")), READ)


def test_a_custom_role_is_in_force_at_once_and_gone_at_once() -> None:
    access, eve = Access(), caller(Grant("stopper"))
    assert not access.allows(eve, WRITE)
    access.book.put_role(CustomRole("stopper", frozenset({WRITE})))
    assert access.allows(eve, WRITE)
    access.book.put_role(CustomRole("stopper", frozenset({READ})))
    assert not access.allows(eve, WRITE)
    access.book.drop_role("stopper")
    assert not access.allows(eve, READ)


def test_an_entry_with_the_name_of_a_built_in_role_changes_nothing() -> None:
    access, eve = Access(), caller(Grant(Role.VIEWER))
    access.book.put_role(CustomRole(Role.VIEWER, frozenset(Permission)))
    assert not access.allows(eve, WRITE)
    access.book.drop_role(Role.VIEWER)
    assert access.allows(eve, READ)


def test_what_is_assigned_by_name_holds_for_that_kind_of_credential_alone() -> None:
    access = Access()
    access.book.assign(Holder(Kind.JWT, "eve"), Grant(Role.OPERATOR, "acme"))
    assert access.allows(caller(), WRITE, "acme")
    assert not access.allows(caller(kind=Kind.API_KEY), WRITE, "acme")
    assert not access.allows(caller(name="Eve"), WRITE, "acme")
    assert access.grants(caller(Grant(Role.VIEWER))) == (Grant(Role.VIEWER), Grant(Role.OPERATOR, "acme"))
    access.book.unassign(Holder(Kind.JWT, "eve"), Grant(Role.OPERATOR, "acme"))
    assert not access.allows(caller(), WRITE, "acme")
    assert access.book.count_assigned() == 0


def test_nobody_gives_what_it_has_not_got() -> None:
    access = Access()
    access.book.put_role(CustomRole("clerk", frozenset({Permission.SECURITY_WRITE, READ})))
    clerk = caller(Grant("clerk"))
    access.check_holds(clerk, {READ}, "*")
    with pytest.raises(Forbidden, match=r"agents\.write everywhere"):
        access.check_holds(clerk, {READ, WRITE}, "*")
    with pytest.raises(Forbidden, match=r"agents\.read in globex"):
        access.check_holds(caller(Grant("clerk", "acme")), {READ}, "globex")


def test_a_credential_with_a_name_to_which_more_is_assigned_is_not_made() -> None:
    access = Access()
    access.book.assign(Holder(Kind.API_KEY, "root"), Grant(Role.ADMIN))
    operator = caller(Grant(Role.OPERATOR))
    access.check_may_issue(operator, [Grant(Role.VIEWER)], Holder(Kind.API_KEY, "bob"))
    with pytest.raises(Forbidden):
        access.check_may_issue(operator, [Grant(Role.VIEWER)], Holder(Kind.API_KEY, "root"))
    with pytest.raises(Forbidden):
        access.check_may_issue(operator, [Grant(Role.ADMIN)], Holder(Kind.API_KEY, "bob"))


def test_what_is_compiled_is_bounded() -> None:
    access = Access()
    for number in range(CACHE_MAX + 10):
        access.allows(caller(name=f"eve-{number}"), READ)
    assert len(access._known) == CACHE_MAX


def test_a_permission_has_a_bit_of_its_own() -> None:
    assert len({permission.bit for permission in Permission}) == len(Permission)


def test_a_role_whose_name_hides_another_is_not_written_among_others() -> None:
    grants = (Grant("x, admin"), Grant("viewer", "acme"), Grant("a@b"), Grant("a b"))
    assert parse_grants(write_grants(grants)) == (Grant("viewer", "acme"),)


@pytest.mark.parametrize("name", ["", "Admin", "admin", "viewer", "a b", "a,b", "a@b", "-a", "a" * 64, "ä"])
def test_a_bad_name_of_a_role_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        check_role_name(name)


@pytest.mark.parametrize("words", [[], ["agents"], ["agents.read", "*"]])
def test_permissions_that_there_are_not_are_refused(words: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        read_permissions(words)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("socket", "root"), ("newcomer", "n"), ("", "a"), ("jwt", ""), ("jwt", "a\nb"), ("jwt", "x" * 257)],
)
def test_nothing_is_assigned_to_such_a_caller(kind: str, name: str) -> None:
    with pytest.raises(InvalidArgument):
        read_holder(kind, name)


def test_a_book_counts_its_changes() -> None:
    book = RoleBook()
    book.put_role(CustomRole("a", frozenset({READ})))
    book.assign(Holder(Kind.JWT, "eve"), Grant("a"))
    assert book.revision == 2
    assert book.holders("a") == [(Holder(Kind.JWT, "eve"), Grant("a"))]
