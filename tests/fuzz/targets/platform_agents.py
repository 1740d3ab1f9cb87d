"""What agents say to `ams` and `kv`: an answer to each question, timers and keys within their bounds."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from caxton_node.agents.lifecycle import State
from caxton_node.ams import AgentManagement, Platform, Timers
from caxton_node.core.events import EventBus
from caxton_node.fipa import Envelope, Performative
from caxton_node.kv import Keys, Settings
from caxton_node.messaging.platform_acts import ANSWERS
from caxton_node.messaging.write_pace import WritePace
from caxton_node.registry import Registry
from caxton_node.registry import Settings as RegistrySettings
from caxton_node.storage import Database, migrate
from caxton_node.storage.database import prepare
from tests.fuzz.source import Source, inflate
from tests.support.agents import Alone
from tests.support.ams_desk import Crew
from tests.support.data_plane import until
from tests.support.platform_desk import Speaker
from tests.support.post_office import NODE, PostOffice

MESSAGES_MAX = 8
SIZE_MAX = 256 * 1024
EXAMPLES = 60
TIMERS_MAX = 3
BOUNDS = Settings(keys_max=3, bytes_max=100_000, shared_keys_max=2)
AGENTS = ("boss", "worker", "client~1")
_BUGS = frozenset({"INTERNAL_ERROR", "STORE_FAILED"})


@cache
def _empty_database() -> bytes:
    """Return a database with every table and no row; making one takes longer than an input."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "caxton.db"
        prepare(path, migrate.read_migrations(migrate.MIGRATIONS))
        return path.read_bytes()


class _House:
    """A router, agents without bodies, and `ams` and `kv` with a registry that has no neighbours."""

    def __init__(self, database: Database) -> None:
        self.office, bus = PostOffice(), EventBus()
        self.registry = Registry(
            cluster=Alone(NODE),
            database=cast("Database", None),  # only an opened registry has one
            clock=self.office.clock,
            settings=RegistrySettings(),
            rng=random.Random(1),
        )
        crew = Crew(self.registry, bus, grants={("default/boss", "default/worker")})
        for name in AGENTS[:2]:
            crew.move(f"default/{name}", State.RUNNING)
        router, clock = self.office.router, self.office.clock
        self.timers, pace = Timers(each_max=TIMERS_MAX), WritePace(clock)
        self.ams = AgentManagement(
            platform=Platform(NODE, "fuzz", "1", lambda: [NODE]), office=router, database=database,
            registry=self.registry, agents=crew, bus=bus, clock=clock, pace=pace,
            timers=self.timers,
        )  # fmt: skip
        self.keys = Keys(
            node_id=NODE, submit=router.submit, database=database, registry=self.registry, clock=clock,
            pace=pace, settings=BOUNDS,
        )  # fmt: skip
        router.add_platform_agent("ams", self.ams.handle)
        router.add_platform_agent("kv", self.keys.handle)
        self.ams.start()
        self.speakers = {name: Speaker(router, name) for name in AGENTS}


def check(data: bytes) -> None:
    """Read messages, each up to a zero byte: act, sender, receiver; the rest is content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "caxton.db"
        path.write_bytes(_empty_database())
        asyncio.run(_play(data, path))


async def _play(data: bytes, path: Path) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    async with await Database.open(path) as database:
        house = _House(database)
        for number, piece in enumerate(data.split(b"\0")[:MESSAGES_MAX]):
            await _say(house, Source(piece), f"talk-{number}")
        await house.ams.close()
        await house.keys.close()
        for agent in AGENTS:
            await _check_bounds(house, database, f"default/{agent}")
    assert not faults, faults


async def _say(house: _House, source: Source, talk: str) -> None:
    act = source.pick((Performative.REQUEST, Performative.REQUEST, Performative.SUBSCRIBE, *Performative))
    speaker, receiver = house.speakers[source.pick(AGENTS)], source.pick(("ams", "kv"))
    content = inflate(source.rest(), SIZE_MAX)
    # As text, which may be anything: what says that it is JSON does not come here unless it is.
    said = Envelope(act, speaker.address, receiver, content, talk, "q", language="text")
    house.office.router.submit(said)
    if act in ANSWERS:
        await until(lambda: house.office.router.counts().in_flight == 0)
        assert speaker.of(talk) == []
        return
    await until(lambda: bool(speaker.of(talk)))
    for answer in speaker.of(talk):
        _check_answer(answer, receiver)


def _check_answer(answer: Envelope, receiver: str) -> None:
    assert (answer.sender, answer.in_reply_to) == (f"{receiver}@{NODE}", "q")
    told = json.loads(answer.content or b"")
    assert isinstance(told, dict)
    assert told.get("reason") not in _BUGS, told


async def _check_bounds(house: _House, database: Database, agent: str) -> None:
    assert len(house.timers.of(agent)) <= TIMERS_MAX
    sql = "SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM agent_keys WHERE agent = ?"
    ((keys, size),) = await database.read(sql, (agent,))
    assert (keys <= BOUNDS.keys_max, size <= BOUNDS.bytes_max) == (True, True)
    shared = [entry for entry in house.registry.entries("kv") if entry.key.startswith(f"{agent} ")]
    assert len(shared) <= BOUNDS.shared_keys_max


def seeds() -> Iterator[bytes]:
    """Each action of both; broken ones; deep and large values; more than may be."""
    # The act, the boss, the receiver; no byte is zero, which parts messages.
    ams, kv, told = b"\x19\x03\x02", b"\x19\x03\x01", b"\x02\x03\x02"
    yield b"\0".join(
        _piece(ams, action="set-timer", id=f"t{n}", after_ms=1, durable=n % 2 == 0) for n in range(5)
    )
    yield b"\0".join(_piece(kv, action="put", key=f"k{n}", value=[n], if_version=0) for n in range(5))
    yield b"\0".join(_piece(kv, action="put", key=f"k{n}", value=n, shared=True) for n in range(5))
    yield b"\0".join(
        [
            _piece(ams, action="search", name="w*", attributes={"a": "b"}),
            _piece(ams, action="modify", description={"a": "b"}),
            _piece(ams, action="stop", agent="worker"),
            _piece(ams, action="restart"),
            _piece(ams, action="list-timers"),
            _piece(told, action="watch", name="*"),
            _piece(told, action="set-timer", id="t", every_ms=100),
        ]
    )
    yield b"\0".join(
        _piece(kv, action=action, **more)
        for action, more in (("get", {"key": "k"}), ("list", {"values": True}), ("delete", {"key": "k"}))
    )
    yield kv + b'{"action":"put","key":"k","value":' + b"[" * 100
    yield kv + b'{"action":"put","key":"k","value":1e400}\0' + kv + b"\xff\xfe\0" + ams + b"[]"


def _piece(head: bytes, **content: object) -> bytes:
    return head + json.dumps(content).encode()
