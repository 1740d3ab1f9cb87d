"""Sixteen memberships on sixteen real sockets: they meet, one changes, one is lost, and loss is survived."""

import socket

import pytest

from swim import MemberState, Settings
from tests.bench.swim_real.loss import lose
from tests.bench.swim_real.members import Members

COUNT = 16
WITHIN_S = 60.0


@pytest.fixture
async def met():
    members = Members(Settings.local())
    addresses = await members.open({f"node-{number:05}": bytes(64) for number in range(COUNT)})
    await members.expect(addresses)
    await members.start(addresses["node-00000"], addresses)
    assert await members.ledger.wait(members.ledger.is_complete, WITHIN_S)
    yield members
    await members.expect(())


def all_see(members, subject, holds):
    others = [member for node_id, member in members.running.items() if node_id != subject]
    return members.ledger.wait(lambda: all(holds(one.core.find(subject)) for one in others), WITHIN_S)


@pytest.mark.story("018")
async def test_sixteen_sockets_that_start_together_hold_sixteen_members_each(met):
    assert all(len(member.core.members()) == COUNT for member in met.running.values())


@pytest.mark.story("018")
async def test_new_metadata_reaches_every_socket(met):
    await met.update("node-00003", b"changed")
    assert await all_see(met, "node-00003", lambda seen: seen.metadata == b"changed")


@pytest.mark.story("018")
async def test_a_socket_that_closes_without_a_word_is_held_dead_by_all_others(met):
    await met.expect(met.running.keys() - {"node-00005"})
    assert await all_see(met, "node-00005", lambda seen: seen.state is MemberState.DEAD)


@pytest.mark.story("018")
async def test_new_metadata_reaches_every_socket_though_a_third_of_all_datagrams_is_lost(met):
    await met.lose(1 / 3)
    await met.update("node-00000", b"through")
    assert await all_see(met, "node-00000", lambda seen: seen.metadata == b"through")


def test_a_socket_loses_the_share_that_it_is_told_to_lose_and_nothing_afterwards():
    sent = 2000
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        sender.connect(receiver.getsockname())
        lose(receiver, 0.5)
        arrived = sum(_send_and_drain(sender, receiver) for _ in range(sent))
        lose(receiver, 0)
        receiver.setblocking(True)
        sender.send(b"last")
        while receiver.recv(16) != b"last":
            arrived += 1
    assert 0.4 * sent < arrived < 0.6 * sent


def _send_and_drain(sender, receiver):
    sender.send(b"one")
    try:
        return len(receiver.recv(16)) // 3
    except BlockingIOError:
        return 0
