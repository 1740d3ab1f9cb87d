"""Random lives: nodes are killed, wires cut, mailboxes fill, agents stop; what is durable is handled once.

.venv/bin/python -m pytest -q tests/property/test_durable_messages.py --hypothesis-seed=7
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caxton_node.fipa import decode
from tests.support.durable_net import DurableNode, Net, letter, open_net

pytestmark = [pytest.mark.story("022"), pytest.mark.story("002")]

NAMES = ("n1", "n2")
TALKS = 3
STEPS = 60
ACTS = {"say": 8, "work": 6, "read": 3, "rest": 5, "tick": 3, "kill": 1, "cut": 1, "stop": 1}
ANSWER_TO = {"n1": "book@n2", "n2": "book@n1"}


class Lives:
    """Two nodes whose agents `front` send to one another's `worker`, which tells the other one's `book`."""

    def __init__(self, net: Net, rng: random.Random) -> None:
        self.net = net
        self.rng = rng
        self.said = 0
        self.safe: list[int] = []
        self.doubtful: dict[str, list[int]] = {name: [] for name in NAMES}
        self.book: list[int] = []
        self.groups: dict[int, tuple[str, str, int]] = {}
        self.epochs = 1
        self.away: set[str] = set()

    @property
    def nodes(self) -> dict[str, DurableNode]:
        return self.net.wires.nodes

    def populate(self, node: DurableNode) -> None:
        node.open("front")
        node.open("worker", depth=4)
        node.open("book", depth=100)
        self.away.discard(node.node_id)

    def say(self, name: str) -> None:
        """Send one number; what is said is safe when the disk has it, unless its node is killed before."""
        self.said += 1
        other = NAMES[1 - NAMES.index(name)]
        where = self.rng.choice([f"worker@{other}", f"worker@{name}"])
        talk = self.rng.randrange(TALKS)
        self.groups[self.said] = (name, where, talk)
        self.nodes[name].say("front", where, str(self.said), conversation_id=f"talk-{talk}")
        self.doubtful[name].append(self.said)

    def work(self, name: str, count_max: int) -> None:
        """Let a worker handle some of what waits, each in a turn that tells a book."""
        node = self.nodes[name]
        box = node.boxes["worker"]
        for _ in range(count_max):
            frames = box.take(1, 1 << 40)
            if not frames:
                return
            node.router.accept(f"worker#1.1@{name}", [self._tell(frame, name) for frame in frames])
            box.settle(len(frames))

    def _tell(self, frame: bytes, name: str) -> bytes:
        said = decode(frame)
        number = int(said.content or b"")
        return letter(ANSWER_TO[name], str(number), conversation_id=said.conversation_id)

    def read(self, name: str) -> None:
        """Let a book handle all that waits; nothing comes of it, so it counts what it is given."""
        self.book += [int(number) for number in self.nodes[name].handle("book")]

    async def step(self) -> None:
        """Do one thing at random."""
        rng = self.rng
        name = rng.choice(NAMES)
        (act,) = rng.choices(tuple(ACTS), tuple(ACTS.values()))
        node = self.nodes[name]
        if act == "say":
            for _ in range(rng.randint(1, 4)):
                self.say(name)
        elif act == "work" and name not in self.away:
            self.work(name, rng.randint(1, 5))
        elif act == "read":
            await self.net.rest()  # what a book was given is safe only when the disk knows
            self.read(name)
            await self.settle()
        elif act == "rest":
            await self.settle()
        elif act == "tick":
            await self.net.pass_time(0.5)
            await self.settle()
        elif act == "kill":
            await self.kill(node)
        elif act == "cut":
            self.net.wires.cut ^= {NAMES}
        elif act == "stop":
            self.stop_or_start(node)

    async def settle(self) -> None:
        """Let everything go to the disk, and note what is safe by that."""
        await self.net.rest()
        for numbers in self.doubtful.values():
            self.safe += numbers
            numbers.clear()

    async def kill(self, node: DurableNode) -> None:
        self.doubtful[node.node_id].clear()
        await node.kill()
        self.epochs += 1
        await node.start()
        self.populate(node)
        for other in self.net.alive:
            other.durable.handle_member(node.node_id, self.epochs, is_live=True)

    def stop_or_start(self, node: DurableNode) -> None:
        if node.node_id in self.away:
            node.open("worker", depth=4)
            self.away.discard(node.node_id)
        else:
            node.stop("worker")
            self.away.add(node.node_id)

    def out_of_order(self) -> list[tuple[int, int]]:
        """List the numbers that came after a later one with the same sender, receiver and conversation."""
        latest: dict[tuple[str, str, int], int] = {}
        found = []
        for number in self.book:
            group = self.groups[number]
            if latest.get(group, 0) > number:
                found.append((latest[group], number))
            latest[group] = max(latest.get(group, 0), number)
        return found

    async def finish(self) -> None:
        """Mend everything and let time pass until nothing is left."""
        self.net.wires.cut.clear()
        for name in list(self.away):
            self.stop_or_start(self.nodes[name])
        for _ in range(200):
            await self.net.pass_time(0.5)
            for name in NAMES:
                self.work(name, 100)
            await self.settle()
            for name in NAMES:
                self.read(name)
            await self.settle()
            if not any(node.durable.waiting for node in self.net.alive):
                return


async def live(seed: int) -> Lives:
    with tempfile.TemporaryDirectory() as room:
        async with open_net(Path(room)) as net:
            lives = Lives(net, random.Random(seed))
            for name in NAMES:
                lives.populate(await net.add(name))
            for _ in range(STEPS):
                await lives.step()
            await lives.finish()
            for node in net.alive:
                node.check_sum()
                assert node.durable.waiting == 0, [node.node_id, node.durable.waiting]
            return lives


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 30))
def test_whatever_happens_each_is_handled_once(seed: int) -> None:
    lives = asyncio.run(live(seed))
    counts = Counter(lives.book)
    assert [number for number, times in counts.items() if times > 1] == []
    assert sorted(set(lives.safe) - set(counts)) == []
    assert lives.out_of_order() == []
