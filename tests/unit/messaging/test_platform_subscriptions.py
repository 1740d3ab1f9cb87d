"""Subscriptions are found by whose they are, so that news costs nothing to those whom it does not concern."""

from __future__ import annotations

import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.platform_subscriptions import Subscriptions

pytestmark = pytest.mark.story("026")


def asking(sender: str, talk: str) -> Envelope:
    return Envelope(Performative.SUBSCRIBE, sender, "kv", b"", talk)


def test_an_agents_subscriptions_are_found_by_its_name_from_whatever_node() -> None:
    held: Subscriptions[int] = Subscriptions()
    for number in range(100):
        held.add(asking(f"other{number}@n1", "t"), number)
    held.add(asking("a@n1", "t1"), 1)
    held.add(asking("a@n2", "t2"), 2)
    held.add(asking("a@n1", "t1"), 3)  # in place of the first
    assert [one.what for one in held.of("default/a")] == [3, 2]
    held.cancel(asking("a@n1", "t1"))
    assert [one.what for one in held.of("default/a")] == [2]
    held.cancel(asking("a@n2", "t2"))
    assert held.of("default/a") == []
    assert held.of("default/nobody") == []
    for number in range(100):
        held.cancel(asking(f"other{number}@n1", "t"))
    assert not [kept for kept in vars(held).values() if isinstance(kept, dict) and kept]
