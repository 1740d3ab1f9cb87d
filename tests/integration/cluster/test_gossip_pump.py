"""The pump drives real membership cores over real UDP sockets."""

import asyncio
import random
import socket
import time

import pytest
import uvloop

from caxton_node.cluster.gossip import STALL_S, Gossip
from caxton_node.core.clock import SystemClock
from swim import Identity, Keyring, MemberDied, MemberJoined, MemberLeft, Membership, Settings
from swim.effects import Schedule
from tests.support.meshes import until

KEY = bytes(range(32))


class UdpNode(asyncio.DatagramProtocol):
    """One membership on one socket."""

    def __init__(self, node_id, sock, core=Membership):
        self.node_id = node_id
        self.address = sock.getsockname()
        self.core = core(
            Identity(node_id, self.address, 1, b""),
            Settings.local(),
            Keyring("test", [KEY]),
            random.Random(node_id),
        )
        self.seen = asyncio.Queue()
        self.pump = Gossip(self.core, self.send, self.seen.put_nowait, SystemClock())

    @classmethod
    async def open(cls, node_id, core=Membership):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        node = cls(node_id, sock, core)
        node.transport, _ = await loop.create_datagram_endpoint(lambda: node, sock=sock)
        return node

    def send(self, datagram, address):
        self.transport.sendto(datagram, address)

    def datagram_received(self, data, addr):
        self.pump.receive(data, addr)

    def close(self):
        self.pump.close()
        self.transport.close()

    async def wait_for(self, kind, node_id):
        async with asyncio.timeout(15):
            while True:
                event = await self.seen.get()
                if isinstance(event, kind) and event.member.node_id == node_id:
                    return event


@pytest.fixture
async def pair():
    nodes = [await UdpNode.open("a"), await UdpNode.open("b")]
    yield nodes
    for node in nodes:
        node.close()


@pytest.mark.story("018")
async def test_two_nodes_meet_and_one_is_missed_when_it_falls_silent(pair):
    a, b = pair
    a.pump.start()
    b.pump.start([a.address])
    await a.wait_for(MemberJoined, "b")
    await b.wait_for(MemberJoined, "a")
    b.close()
    await a.wait_for(MemberDied, "b")


@pytest.mark.story("018")
async def test_a_goodbye_is_not_taken_for_a_failure(pair):
    a, b = pair
    a.pump.start()
    b.pump.start([a.address])
    await a.wait_for(MemberJoined, "b")
    await b.wait_for(MemberJoined, "a")
    b.pump.perform(b.core.leave(SystemClock().now()))
    assert (await a.wait_for((MemberLeft, MemberDied), "b")).__class__ is MemberLeft


@pytest.mark.scenario(94)
@pytest.mark.story("018")
async def test_a_listener_that_fails_costs_no_timer(pair):
    a, b = pair
    missed = asyncio.Event()

    def fail(event):
        if isinstance(event, MemberDied):  # nothing but the core's later timers can bring this about
            missed.set()
        raise RuntimeError("a bug in a listener")

    a.pump = Gossip(a.core, a.send, fail, SystemClock())
    a.pump.start()
    b.pump.start([a.address])
    await b.wait_for(MemberJoined, "a")
    b.close()
    async with asyncio.timeout(15):
        await missed.wait()


@pytest.mark.story("018")
async def test_nothing_is_done_after_close(pair):
    a, b = pair
    a.pump.start()
    (question,) = a.core.join([b.address], SystemClock().now())[:1]
    b.pump.start()
    b.pump.receive(question.datagram, a.address)
    received = b.core.statistics.bytes_in
    assert received > 0
    b.close()
    b.pump.receive(question.datagram, a.address)
    assert b.core.statistics.bytes_in == received


@pytest.mark.story("018")
def test_timers_that_are_due_already_are_fired_on_the_loop_of_the_daemon():
    async def scenario():
        node = await UdpNode.open("a")
        node.pump.start()
        now = SystemClock().now()
        timers = [effect.timer for effect in node.core.start(now) if isinstance(effect, Schedule)]
        for timer in timers:
            node.pump.perform([Schedule(timer, 0.0)])
            node.pump.perform([Schedule(timer, 1.0)])
        node.close()

    uvloop.run(scenario())


class Traced(Membership):
    """A core that writes down in which order it is fed."""

    def __init__(self, *args):
        super().__init__(*args)
        self.fed = []
        self.timed = asyncio.Event()

    def handle_datagram(self, data, source, now):
        self.fed.append("datagram")
        return super().handle_datagram(data, source, now)

    def handle_timer(self, timer, now):
        self.fed.append("timer")
        self.timed.set()
        return super().handle_timer(timer, now)


@pytest.mark.story("018")
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.scenario(93)
def test_after_a_stall_what_waits_in_the_socket_is_read_before_timers_fire(run):
    async def scenario():
        node = await UdpNode.open("a", core=Traced)
        node.pump.start()
        node.core.fed.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            for number in range(50):
                other.sendto(b"%d" % number, node.address)
        time.sleep(0.3 + 2 * STALL_S)  # noqa: ASYNC251 - the stall itself: a whole probe interval
        async with asyncio.timeout(10):
            await node.core.timed.wait()
        node.close()
        return node

    node = run(scenario())
    assert node.core.fed[:51] == ["datagram"] * 50 + ["timer"]
    assert node.pump.stalls == 1


@pytest.mark.story("018")
async def test_a_question_over_a_link_is_passed_on_and_its_answer_taken(pair):
    a, b = pair
    asked = asyncio.Queue()
    a.pump = Gossip(
        a.core, a.send, a.seen.put_nowait, SystemClock(), ping_link=lambda *ask: asked.put_nowait(ask)
    )
    a.pump.start()
    b.pump.start([a.address])
    await a.wait_for(MemberJoined, "b")
    b.pump.close()  # it hears no datagrams any more, but its link is up
    async with asyncio.timeout(15):
        node_id, sequence = await asked.get()
    assert node_id == "b"
    a.pump.handle_link_answer("nobody", 7)
    assert a.core.statistics.link_rescues == 0
    a.pump.handle_link_answer(node_id, sequence)
    await until(lambda: a.core.statistics.link_rescues == 1)
