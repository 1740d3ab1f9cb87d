"""What one node gives another when they compare whom they trust."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from caxton_node.trust.exchange import compared, difference
from caxton_node.trust.holdings import Holdings
from caxton_node.trust.wire import Bundle
from certs import Authority, Revocations, decode_revocations, decode_trust_list, revoke
from certs.rotation import announce
from tests.support.trust import holdings

pytestmark = pytest.mark.story("022")

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("test", NOW)


@pytest.fixture(scope="module")
def first(authority: Authority) -> Holdings:
    return holdings(authority, "first", signs=True)


def announced(held: Holdings) -> Holdings:
    successor = Authority.create("test", NOW)
    return replace(held, trust=announce(held.trust, successor, held.authorities), bridge_pem=b"bridge")


def revoked(held: Holdings, *nodes: str) -> Holdings:
    entries = [revoke(held.authorities[0], node, NOW) for node in nodes]
    return replace(held, revocations=Revocations().merge(entries, held.trust, NOW).revocations)


def test_who_holds_the_same_gives_nothing(first: Holdings) -> None:
    assert difference(first, compared(first)) == Bundle()


def test_who_has_a_later_list_gives_it_with_the_bridge(first: Holdings) -> None:
    later = announced(first)
    given = difference(later, compared(first))
    assert decode_trust_list(given.trust).digest == later.trust.digest
    assert given.bridge == b"bridge"


def test_who_has_an_earlier_list_gives_none(first: Holdings) -> None:
    assert difference(first, compared(announced(first))) == Bundle()


def test_of_two_lists_of_one_revision_one_is_given_and_not_the_other(first: Holdings) -> None:
    one, other = announced(first), announced(first)
    given = [bool(difference(one, compared(other)).trust), bool(difference(other, compared(one)).trust)]
    assert sorted(given) == [False, True]


def test_different_revocations_are_given_whole_by_both_sides(first: Holdings) -> None:
    one, other = revoked(first, "a", "b"), revoked(first, "c")
    assert {each.node_id for each in decode_revocations(difference(one, compared(other)).revocations)} == {
        "a",
        "b",
    }
    assert difference(other, compared(one)).revocations
    assert not difference(first, compared(one)).revocations  # it has none to give
