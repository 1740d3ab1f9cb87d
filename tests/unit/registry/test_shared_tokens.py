"""What is known of API keys travels as registry entries, which any node may have written."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from caxton_node.registry.shared_tokens import KIND, SharedTokens
from caxton_node.security.store import TokenRecord
from tests.support.registry_net import Net, Node, until

pytestmark = pytest.mark.story("023")

HASH = "ab" * 32
RECORD = TokenRecord(HASH, "api", "ci", "viewer", 1_700_000_000, None, None, "alpha", None)


async def test_what_one_node_puts_another_finds(tmp_path: Path) -> None:
    net = Net(tmp_path)
    alpha, beta = Node(net, "alpha"), Node(net, "beta")
    await alpha.start()
    await beta.start()
    told: list[tuple[str, TokenRecord | None]] = []
    shared = SharedTokens(beta.registry, "beta")
    shared.watch(told.extend)
    SharedTokens(alpha.registry, "alpha").put(RECORD)
    await until(lambda: shared.find(HASH) is not None)
    assert shared.find(HASH) == RECORD
    assert shared.all() == [RECORD]
    assert told == [(HASH, RECORD)]
    SharedTokens(alpha.registry, "alpha").forget(HASH)
    await until(lambda: shared.find(HASH) is None)
    assert told[-1] == (HASH, None)
    assert shared.was_forgotten(HASH)
    await alpha.stop()
    await beta.stop()


async def test_what_is_not_there_or_cannot_be_read_is_no_key(tmp_path: Path) -> None:
    node = Node(Net(tmp_path), "alpha")
    await node.start()
    shared = SharedTokens(node.registry)
    assert shared.find("00") is None
    foreign = msgspec.msgpack.encode((HASH, "api", "ci", "admin", 0, None, None))
    for rubbish in (b"\xc1", b"\x91\x01", b"x", foreign):
        node.registry.put_entry(KIND, "00", rubbish)
        assert shared.find("00") is None
        assert shared.all() == []
    await node.stop()


async def test_an_entry_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    node = Node(Net(tmp_path), "alpha")
    await node.start()
    node.registry.put_entry(
        KIND, HASH, msgspec.msgpack.encode((HASH, "api", "ci", "viewer", 1_700_000_000, None, None))
    )
    assert SharedTokens(node.registry).find(HASH) == TokenRecord(
        HASH, "api", "ci", "viewer", 1_700_000_000, None, None
    )
    await node.stop()


async def test_each_node_says_when_it_saw_a_key_and_the_last_one_counts(tmp_path: Path) -> None:
    node = Node(Net(tmp_path), "alpha")
    await node.start()
    for name, unix_s in (("alpha", 5), ("beta", 9), ("gamma", 7)):
        SharedTokens(node.registry, name).put_use(HASH, unix_s)
    shared = SharedTokens(node.registry, "alpha")
    assert shared.uses() == {HASH[:16]: 9}
    shared.forget_uses(HASH)
    assert shared.uses() == {}
    await node.stop()
