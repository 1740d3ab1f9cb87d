"""Values that cannot be read, of every kind: they cost their own entry and nothing else, on no node."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caxton_node.agents.claiming import Claims
from caxton_node.agents.claims import Claim, say
from caxton_node.ams.descriptions import Descriptions
from caxton_node.core.errors import InvalidArgument
from caxton_node.deployment import reports
from caxton_node.deployment.book import Book
from caxton_node.deployment.reports import Report, Reports
from caxton_node.deployment.spec_form import _Form
from caxton_node.kv.acts import Get, List
from caxton_node.kv.settings import Settings as KeySettings
from caxton_node.kv.shared import Change, SharedKeys
from caxton_node.registry import CapabilityRecord, InstanceRecord, Registry, Settings
from caxton_node.registry.conflicts import Describer
from caxton_node.registry.discovery.query import Query
from caxton_node.registry.entry import Entry, decode_page, encode_page
from caxton_node.registry.shared_tokens import SharedTokens
from caxton_node.registry.store import RegistryStore
from caxton_node.registry.values import UnreadableValue, ValueReader, is_json, is_shallow
from caxton_node.registry.vector_clock import VectorClock
from caxton_node.storage import Database
from tests.support.agents import Alone
from tests.support.clock import HandClock
from tests.support.directories import finder_of

pytestmark = pytest.mark.story("026")

DEEP, JUST_READ = b"\x91" * 30_000 + b"\xc0", b"\x91" * 700 + b"\xc0"
INSTANCE = InstanceRecord("default/x", "1", 1, "evil", "Running")
CAPABILITY = CapabilityRecord("c", "1", "default/x", "evil", {"type": "object"})
GOOD: Mapping[str, tuple[str, Any]] = {
    "instance": (INSTANCE.key, INSTANCE),
    "capability": (CAPABILITY.key, CAPABILITY),
    "name": ("default/x", Claim("c", "m", "1", "d", "evil", 0, "keep")),
    "description": ("default/x@evil", {"about": "x"}),
    "token": ("ab" * 32, ("ab" * 32, "api", "x", "viewer", 0, None, None)),
    "deployment": ("default/x", _Form("default/x", "1", "ab" * 32)),
    "replica": ("default/x@evil", Report("running")),
    "kv": ("default/x key", "x"),
}


def fields_of(good: Any) -> dict[str, Any]:
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(good))
    return plain if isinstance(plain, dict) else {"only": plain}


def bad_values(kind: str) -> Iterator[bytes]:
    """Yield the value of a kind broken in every way that a decoder has."""
    good = msgspec.msgpack.encode(GOOD[kind][1])
    yield from (b"", b"\xc1", good[:-1], good + b"\0", DEEP, JUST_READ, b"\xa2\xff\xfe")
    yield good.replace(b"x", b"\xff", 1)
    if isinstance(fields := msgspec.msgpack.decode(good), dict):
        for name in fields:
            for part in (JUST_READ, b"\xa2\xff\xfe", b"\xd4\x05\x01"):
                yield with_part(fields, name, part)


def with_part(fields: Mapping[str, Any], name: str, part: bytes) -> bytes:
    body = b"".join(
        msgspec.msgpack.encode(key) + (part if key == name else msgspec.msgpack.encode(value))
        for key, value in fields.items()
    )
    return bytes([0x80 | len(fields)]) + body if len(fields) < 16 else b"\xde\0" + bytes([len(fields)]) + body


def entry(kind: str, value: bytes, key: str = "") -> Entry:
    stamp = 1_700_000_000_000 << 16
    return Entry(kind, key or GOOD[kind][0], value, VectorClock({"evil": 1}), stamp, "evil")


@asynccontextmanager
async def opened(database: Database, stored: Entry) -> AsyncIterator[Registry]:
    """Open the registry of a node that has stored an entry, as others send it."""
    (arrived,) = decode_page(encode_page([stored]))
    await RegistryStore(database).save([arrived])
    registry = Registry(
        cluster=Alone("me"), database=database, clock=HandClock(), settings=Settings(), rng=random.Random(1)
    )
    await registry.open()
    try:
        yield registry
    finally:
        await registry.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "caxton.db") as database:
        yield database


def read_everything(registry: Registry, stored: Entry) -> None:
    """Read the entry by whoever reads its kind, as a node does after its start and for its agents."""
    changes: list[Change] = []
    shared = SharedKeys(registry, KeySettings(), changes.append)
    shared.do("default/x", Get(key="key", shared=True))
    msgspec.json.decode(msgspec.json.encode(shared.do("default/x", Get(key="key"))))
    assert shared.read_page("default/x", List(values=True)) is not None
    Claims(registry).find("default/x")
    Descriptions(registry).find("default/x", "evil")
    SharedTokens(registry).find("ab" * 32)
    book, told = Book(), Reports()
    book.take(registry.entries("deployment"))
    told.take(registry.entries(reports.KIND))
    describer = Describer()
    describer.teach("name", say)
    assert describer.version_of(stored).summary
    found = finder_of(registry, "me").search(Query(name="*", sends={"type": "object"}, unready=True))
    msgspec.json.encode([asdict(one) for one in found.found])
    try:
        registry.update_entry(stored.kind, stored.key, {"more": 1})
    except InvalidArgument as err:
        assert "cannot be changed by field" in str(err)  # noqa: PT017  some can be read as a map


@pytest.mark.parametrize("kind", GOOD)
async def test_no_value_of_any_kind_keeps_a_node_from_its_start_or_its_work(
    kind: str, database: Database
) -> None:
    for value in (*bad_values(kind), msgspec.msgpack.encode(GOOD[kind][1])):
        stored = entry(kind, value)
        async with opened(database, stored) as registry:
            read_everything(registry, stored)


async def test_what_calls_itself_otherwise_than_its_key_is_not_shown(database: Database) -> None:
    stored = entry("instance", msgspec.msgpack.encode(INSTANCE), key="default/other#1.1@evil")
    async with opened(database, stored) as registry:
        assert not registry.has_instances("default/x")
        assert not registry.has_instances("default/other")


async def test_a_schema_that_is_none_is_taken_for_one_by_nobody(database: Database) -> None:
    record = msgspec.structs.replace(CAPABILITY, schema={"properties": 5, "required": {}})
    async with opened(database, entry("capability", msgspec.msgpack.encode(record))) as registry:
        finder = finder_of(registry, "me")
        assert finder.search(Query(name="c", sends={"type": "object"}, unready=True)).found == ()
        assert finder.search(Query(name="c", sample={}, unready=True)).found == ()
        assert len(finder.search(Query(name="c", unready=True)).found) == 1


def test_an_open_part_is_as_deep_as_all_can_walk_and_of_json_where_it_must_be() -> None:
    reader = ValueReader(object, fits=is_json)
    assert reader.read(msgspec.msgpack.encode({"a": [1, 2.5, None, True, "x"]})) is not None
    for bad in (b"\xd4\x05\x01", b"\x81\x01\x02", b"\xc4\x01x", b"\x91" * 65 + b"\xc0"):
        with pytest.raises(UnreadableValue, match="nests too deep, or is no JSON"):
            reader.read(bad)
    assert is_shallow(msgspec.msgpack.decode(b"\x91" * 64 + b"\xc0"))
    assert not is_shallow(msgspec.msgpack.decode(b"\x91" * 65 + b"\xc0"))
