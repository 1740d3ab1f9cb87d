"""The core over real sockets: the pump is short, and nothing in `swim` knows the difference."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from swim import (
    Effect,
    Identity,
    Keyring,
    MemberDied,
    Membership,
    MemberState,
    Notify,
    Schedule,
    Send,
    Settings,
    Timer,
    TopicReceived,
)
from swim.events import Event
from swim.member import Address

pytestmark = pytest.mark.story("018")

# Fast, but patient with a busy machine: this shows that it works, the simulator how fast.
BRISK = replace(Settings.local(), suspicion_multiplier=8.0, leave_linger_s=0.2)


class UdpNode(asyncio.DatagramProtocol):
    """A membership on a loopback socket."""

    def __init__(self, node_id: str, happened: asyncio.Event, epoch: int = 1) -> None:
        self.node_id = node_id
        self.happened = happened
        self.epoch = epoch
        self.log: list[Event] = []

    async def open(self, seeds: list[Address]) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self.address: Address = self._transport.get_extra_info("sockname")
        identity = Identity(self.node_id, self.address, self.epoch)
        keyring = Keyring("loopback", [bytes(32)])
        self.membership = Membership(identity, BRISK, keyring, random.Random(self.node_id))
        self.perform(self.membership.start(self._loop.time()))
        self.perform(self.membership.join(seeds, self._loop.time()))

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.perform(self.membership.handle_datagram(data, addr, self._loop.time()))

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(address, datagram):
                    self._transport.sendto(datagram, address)
                case Schedule(timer, after_s):
                    self._loop.call_later(after_s, self._fire, timer)
                case Notify(event):
                    self.log.append(event)
                    self.happened.set()

    def _fire(self, timer: Timer) -> None:
        if not self._transport.is_closing():
            self.perform(self.membership.handle_timer(timer, self._loop.time()))

    def close(self) -> None:
        self._transport.close()

    def live(self) -> set[str]:
        return {member.node_id for member in self.membership.members() if member.is_live}


async def until(condition: Callable[[], bool], happened: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        while not condition():
            happened.clear()
            await happened.wait()


async def test_three_nodes_meet_talk_lose_one_and_say_goodbye() -> None:
    happened = asyncio.Event()
    nodes = [UdpNode(name, happened) for name in ("one", "two", "three")]
    one, two, three = nodes
    try:
        await one.open([])
        for node in nodes[1:]:
            await node.open([one.address])
        await until(lambda: all(node.live() == {"one", "two", "three"} for node in nodes), happened)

        now = asyncio.get_running_loop().time()
        two.perform(two.membership.broadcast("topic", b"payload", now))
        expected = TopicReceived("two", "topic", b"payload")
        await until(lambda: expected in one.log and expected in three.log, happened)

        three.close()
        await until(lambda: one.live() == two.live() == {"one", "two"}, happened)
        assert any(isinstance(event, MemberDied) for event in one.log)

        again = UdpNode("three", happened, epoch=2)
        nodes.append(again)
        await again.open([two.address])
        await until(lambda: one.live() == two.live() == again.live() == {"one", "two", "three"}, happened)

        again.perform(again.membership.leave(asyncio.get_running_loop().time()))
        await until(lambda: one.live() == two.live() == {"one", "two"}, happened)
        departed = one.membership.find("three")
        assert departed is not None
        assert departed.state is MemberState.LEFT
    finally:
        for node in nodes:
            node.close()
