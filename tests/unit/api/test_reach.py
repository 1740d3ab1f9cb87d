"""Whose things a request touches, read from the request alone."""

from __future__ import annotations

import pytest

from caxton_node.api.operations import BY_METHOD
from caxton_node.api.reach import tenant_of
from caxton_node.pb import agents_pb2, messages_pb2

pytestmark = pytest.mark.story("024")

SEND = BY_METHOD["CaxtonManagement/SendMessage"].reach
UPDATE = BY_METHOD["CaxtonManagement/UpdateAgent"].reach
FOLLOW = BY_METHOD["CaxtonManagement/SubscribeMessages"].reach


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        ("worker", "default"),
        ("acme/worker", "acme"),
        ("acme/worker@n1", "acme"),
        ("acme/worker#1.0.0@n1", "acme"),
        ("acme/*", "acme"),
        ("acme/work*", "acme"),
        ("work*", "default"),
        ("*", "*"),
        ("/*", "*"),
        ("", "*"),
        ("ACME/worker", "*"),
        ("acme/Worker", "*"),
        ("acme/a/b", "*"),
        ("acme/ worker", "*"),
        ("acme//worker", "*"),
        ("*/worker", "*"),
        ("acme/worker@N1", "*"),
        ("acme\u2215worker", "*"),
    ],
)
def test_the_tenant_of_an_agent(text: str, tenant: str) -> None:
    assert tenant_of(text) == tenant


def test_a_message_touches_all_its_receivers_and_whoever_gets_the_answer() -> None:
    request = messages_pb2.SendMessageRequest(to="acme/a", also_to=["globex/b"], reply_to="default/c")
    assert SEND.tenants(request) == {"acme", "globex", "default"}


def test_a_message_to_nobody_touches_all() -> None:
    assert SEND.tenants(messages_pb2.SendMessageRequest()) == {"*"}


def test_an_empty_name_among_others_touches_all() -> None:
    request = messages_pb2.SendMessageRequest(to="acme/a", also_to=[""])
    assert SEND.tenants(request) == {"acme", "*"}


def test_what_an_agent_may_stop_is_touched_by_deploying_it() -> None:
    request = agents_pb2.UpdateAgentRequest(name="acme/a", manages=agents_pb2.Names(names=["globex/*", "*"]))
    assert UPDATE.tenants(request) == {"acme", "globex", "*"}


def test_following_everybody_touches_all() -> None:
    assert FOLLOW.tenants(messages_pb2.SubscribeMessagesRequest()) == {"*"}
    assert FOLLOW.tenants(messages_pb2.SubscribeMessagesRequest(agents=["acme/a"])) == {"acme"}
