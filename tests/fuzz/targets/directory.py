"""What agents say to `df`: one answer to each question, and a registry within its bounds."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.fipa.rules import CONTENT_BYTES_CAP
from caxton_node.messaging import Mailbox, Router, RouteTable
from caxton_node.messaging.directory import DIRECTORY, Bounds
from caxton_node.registry import Registry, Settings
from caxton_node.storage import Database
from tests.fuzz.source import Source, inflate
from tests.support.agents import NODE, Alone
from tests.support.clock import HandClock
from tests.support.directories import directory_of

MESSAGES_MAX = 8
AGENTS = ("painter", "buyer")
EXAMPLES = 250
_UNANSWERED = frozenset({Performative.FAILURE, Performative.NOT_UNDERSTOOD, Performative.REFUSE})
_REPLY_TO = (None, None, None, "buyer", "nobody", DIRECTORY, "not an address!", f"{DIRECTORY}@elsewhere")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all inputs; it runs only while one is checked."""
    return asyncio.new_event_loop()


class _House:
    """A router, two agents without bodies, and `df` with a registry that has neither disk nor neighbours."""

    def __init__(self) -> None:
        self.faults: list[dict[str, Any]] = []
        self._loop = _loop()
        self._loop.set_exception_handler(lambda _loop, context: self.faults.append(context))
        clock = HandClock()
        self.registry = Registry(
            cluster=Alone(),
            database=cast("Database", None),  # only an opened registry has one
            clock=clock,
            settings=Settings(),
            rng=random.Random(1),
        )
        self.router = Router(node_id=NODE, routes=RouteTable(), clock=clock, loop=self._loop)
        directory = directory_of(self.registry, NODE, self.router.submit)
        self.router.add_platform_agent(DIRECTORY, directory.handle)
        self.boxes = {name: Mailbox(1_000) for name in AGENTS}
        for name, box in self.boxes.items():
            self.router.add_mailbox(f"{name}#1.1@{NODE}", box, content_bytes_max=CONTENT_BYTES_CAP)

    def say(self, name: str, envelope: Envelope) -> None:
        self.router.accept(f"{name}#1.1@{NODE}", [encode(envelope)])
        for _ in range(4):  # df may be told of its own failures
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()

    def empty(self, name: str) -> list[Envelope]:
        box = self.boxes[name]
        frames = box.take(1_000, 1 << 40)
        box.settle(len(frames))
        return [decode(frame) for frame in frames]


def check(data: bytes) -> None:
    """Read messages, each up to a zero byte: act, sender, where to answer; the rest is content."""
    house = _House()
    for piece in data.split(b"\0")[:MESSAGES_MAX]:
        source = Source(piece)
        act = source.pick((Performative.REQUEST, Performative.REQUEST, *Performative))
        name, reply_to = source.pick(AGENTS), source.pick(_REPLY_TO)
        content = inflate(source.rest(), CONTENT_BYTES_CAP)
        # As text, which may be anything: what says that it is JSON does not come here unless it is.
        said = Envelope(act, None, DIRECTORY, content, "talk", "q", reply_to=reply_to, language="text")
        house.say(name, said)
        answers = [answer for agent in AGENTS for answer in house.empty(agent)]
        assert not house.faults, house.faults
        if act in _UNANSWERED:
            assert answers == []
        elif reply_to in {None, "buyer"}:
            (answer,) = answers
            _check_answer(answer)
        _check_house(house)


def _check_answer(answer: Envelope) -> None:
    assert (answer.sender, answer.in_reply_to) == (f"{DIRECTORY}@{NODE}", "q")
    said = json.loads(answer.content or b"")
    assert isinstance(said, dict)
    assert len(answer.content or b"") <= 64 * 1024, f"an answer of {len(answer.content or b''):,} bytes"


def _check_house(house: _House) -> None:
    counts = house.router.counts()
    assert counts.accepted == counts.settled + counts.in_flight, counts
    for name in AGENTS:
        owned = [it for it in house.registry.capabilities() if it.agent == f"default/{name}"]
        assert len(owned) <= Bounds().agent_max


def _register_many(first: int) -> bytes:
    offers = [{"name": f"skill-{number}"} for number in range(first, first + 40)]
    return json.dumps({"action": "register", "capabilities": offers}).encode()


def seeds() -> Iterator[bytes]:
    """Each action; broken ones; large and deep schemas; too many capabilities."""
    begin = b'{"action":"register","capabilities":[{"name":"painting","version":"1.2","schema":{'
    register = begin + b'"type":"object"}},{"name":"x"}]}'
    search, deregister = b'{"action":"search","capability":"painting"}', b'{"action":"deregister"}'
    head = b"\x01\x02\x01"
    yield b"\0".join(head + text for text in (register, search, deregister, search))
    yield head + b'{"action":"fly"}\0' + head + b"\xff\xfe\0" + head + b"[]"
    yield head + begin + b'"a":\xc1\x09[1e400]}}]}'
    yield head + begin + b'"a":\xc1\x0f['
    yield b"\0".join(head + _register_many(first) for first in (0, 40))
    yield head + begin + b'"a":18446744073709551615,"b":"\\ud800"}}]}'
    more = b'{"action":"search","capability":"p*","version":"^1","text":"a b","sends":{"type":"string"}'
    yield b"\0".join(
        [
            head + register,
            head + more + b',"sample":[1],"pick":"best"}',
            b"\x15\x02\x01" + search,
            b"\x02\x02\x01",
        ]
    )
    modify = b'{"action":"modify","capabilities":[{"name":"x","cost":{"price":1},"input":{"$ref":"#"}}]}'
    yield b"\0".join([head + register, head + modify, head + b'{"action":"deregister","capabilities":["x"]}'])
    yield head + b'{"action":"\xc1\x0fa"}\0\x05\x01\x03{}'
