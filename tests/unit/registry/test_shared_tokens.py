"""A token that one node has issued is good on another, and only its hash has travelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from caxton_node.core.clock import SystemClock
from caxton_node.registry.shared_tokens import KIND, SharedTokens
from caxton_node.security import Principal, Role, Tokens
from caxton_node.security.token import hash_token
from tests.support.registry_net import Net, Node, until

pytestmark = pytest.mark.story("006")


async def test_a_token_is_good_on_a_node_that_did_not_issue_it(tmp_path: Path) -> None:
    net = Net(tmp_path)
    alpha, beta = Node(net, "alpha"), Node(net, "beta")
    await alpha.start()
    await beta.start()
    issuer, judge = Tokens(alpha.database, SystemClock()), Tokens(beta.database, SystemClock())
    text = await issuer.issue_api_token(env="prod", client="ci", role=Role.VIEWER)
    await SharedTokens(alpha.registry).publish(issuer)
    shared = SharedTokens(beta.registry)
    await until(lambda: shared.find(hash_token(text)))
    judge.find_elsewhere = shared.find
    assert await judge.authenticate(text) == Principal.with_role("ci", Role.VIEWER)
    entry = beta.registry.find_entry(KIND, hash_token(text))
    assert entry is not None
    assert text.split("_")[2].encode() not in entry.value
    await alpha.stop()
    await beta.stop()


async def test_what_is_not_there_or_cannot_be_read_is_no_token(tmp_path: Path) -> None:
    node = Node(Net(tmp_path), "alpha")
    await node.start()
    shared = SharedTokens(node.registry)
    assert shared.find("00") is None
    for rubbish in (b"\xc1", b"\x91\x01", b"x"):
        node.registry.put_entry(KIND, "00", rubbish)
        assert shared.find("00") is None
    await node.stop()
