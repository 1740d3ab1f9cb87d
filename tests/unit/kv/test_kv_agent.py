import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caxton_node.core.errors import CaxtonError
from caxton_node.kv import Keys, Settings
from caxton_node.kv.acts import Get, Put
from caxton_node.kv.shared import SHARED_BYTES_MAX
from caxton_node.kv.turns import WAITING_MAX
from caxton_node.messaging.platform_subscriptions import EACH_MAX
from caxton_node.messaging.write_pace import WritePace
from caxton_node.registry import Registry
from caxton_node.registry import Settings as RegistrySettings
from caxton_node.storage import Database
from tests.support.agents import Alone
from tests.support.data_plane import until
from tests.support.platform_desk import Speaker, at_rest
from tests.support.post_office import NODE, PostOffice

pytestmark = pytest.mark.story("004")


@dataclass
class Desk:
    """The platform agent kv of node-1, and agents who ask it."""

    office: PostOffice
    keys: Keys
    database: Database
    registry: Registry
    a: Speaker
    b: Speaker


@asynccontextmanager
async def open_desk(folder: Path, settings: Settings = Settings()) -> AsyncIterator[Desk]:  # noqa: B008  frozen
    office = PostOffice()
    async with await Database.open(folder / "caxton.db") as database:
        registry = Registry(
            cluster=Alone(NODE), database=database, clock=office.clock, settings=RegistrySettings(),
            rng=random.Random(1),
        )  # fmt: skip
        await registry.open()
        keys = Keys(
            node_id=NODE, submit=office.router.submit, database=database, registry=registry,
            clock=office.clock, pace=WritePace(office.clock), settings=settings,
        )  # fmt: skip
        office.router.add_platform_agent("kv", keys.handle)
        a, b = Speaker(office.router, "a"), Speaker(office.router, "b")
        try:
            yield Desk(office, keys, database, registry, a, b)
        finally:
            await keys.close()
            await registry.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


def put(key: str, value: object, **more: object) -> dict[str, object]:
    return {"action": "put", "key": key, "value": value, **more}


def get(key: str, **more: object) -> dict[str, object]:
    return {"action": "get", "key": key, **more}


async def test_a_key_outlives_the_node_and_is_nobody_elses(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        assert await desk.a.ask("kv", put("seen", {"n": 1})) == ("inform", {"key": "seen", "version": 1})
    async with open_desk(tmp_path) as desk:
        found = {"key": "seen", "value": {"n": 1}, "version": 1}
        assert await desk.a.ask("kv", get("seen")) == ("inform", found)
        assert (await desk.b.ask("kv", get("seen")))[1]["version"] == 0


async def test_an_answer_comes_when_the_write_is_durable(desk: Desk) -> None:
    await desk.a.ask("kv", put("k", 1))
    assert await desk.database.read("SELECT agent, key, value FROM agent_keys") == [("default/a", "k", b"1")]


async def test_requests_of_one_agent_are_done_in_order_and_share_commits(desk: Desk) -> None:
    before = desk.database.counts.groups
    talks = [desk.a.send("kv", put("k", n)) for n in range(100)]
    assert await desk.a.ask("kv", get("k")) == ("inform", {"key": "k", "value": 99, "version": 100})
    versions = [(await desk.a.hear(talk))[1]["version"] for talk in talks]
    assert versions == list(range(1, 101))
    assert desk.database.counts.groups - before <= 10


async def test_the_answer_comes_from_kv_in_the_conversation_and_to_the_sender_alone(desk: Desk) -> None:
    talk = desk.a.send("kv", get("k"), reply_to=desk.b.address)
    await desk.a.hear(talk)
    (answer,) = desk.a.of(talk)
    assert (answer.sender, answer.in_reply_to) == ("kv@node-1", f"q-{talk}")
    await at_rest(desk.office)
    assert desk.b.got == []


async def test_of_two_that_expect_the_same_version_one_is_refused(desk: Desk) -> None:
    one, two = (desk.a.send("kv", put("lock", n, if_version=0)) for n in (1, 2))
    assert (await desk.a.hear(one))[0] == "inform"
    act, answer = await desk.a.hear(two)
    assert (act, answer["reason"]) == ("refuse", "conflict")
    assert "has version 1, not 0" in answer["detail"]


async def test_keys_are_listed_by_prefix_in_pages(desk: Desk) -> None:
    for key in ("cart:2", "cart:1", "user", "cart:3", "cart"):
        desk.a.send("kv", put(key, key))
    page = {"action": "list", "prefix": "cart:", "limit": 2, "values": True}
    _, first = await desk.a.ask("kv", page)
    assert [(line["key"], line["value"], line["bytes"]) for line in first["keys"]] == [
        ("cart:1", "cart:1", 8),
        ("cart:2", "cart:2", 8),
    ]
    _, second = await desk.a.ask("kv", {**page, "after": first["next"], "values": False})
    assert second == {"keys": [{"key": "cart:3", "version": 4, "bytes": 8}]}


async def test_a_page_of_large_values_is_cut_and_none_is_left_out(desk: Desk) -> None:
    for n in range(20):
        desk.a.send("kv", put(f"k{n:02}", "x" * 60_000))
    seen: list[str] = []
    after = ""
    while True:
        _, page = await desk.a.ask("kv", {"action": "list", "values": True, "after": after})
        seen += [line["key"] for line in page["keys"]]
        if "next" not in page:
            break
        after = page["next"]
    assert seen == [f"k{n:02}" for n in range(20)]


async def test_the_quota_is_the_agents_and_counts_what_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(keys_max=2)
    async with open_desk(tmp_path, settings) as desk:
        await desk.a.ask("kv", put("one", 1))
        await desk.a.ask("kv", put("two", 2))
    async with open_desk(tmp_path, settings) as desk:
        act, answer = await desk.a.ask("kv", put("three", 3))
        assert (act, answer["reason"]) == ("refuse", "quota")
        assert (await desk.b.ask("kv", put("three", 3)))[0] == "inform"
        await desk.a.ask("kv", {"action": "delete", "key": "one"})
        assert (await desk.a.ask("kv", put("three", 3)))[0] == "inform"


async def test_an_account_that_was_lost_is_made_anew_from_the_keys(desk: Desk) -> None:
    await desk.a.ask("kv", put("one", 1))
    await desk.a.ask("kv", put("two", "22"))
    kept = await desk.database.read("SELECT * FROM agent_key_accounts")
    await desk.database.write("DELETE FROM agent_key_accounts")
    assert (await desk.a.ask("kv", put("two", "33")))[1]["version"] == 3
    assert await desk.database.read("SELECT * FROM agent_key_accounts") == [(*kept[0][:3], 3)]


async def test_who_asks_faster_than_the_disk_answers_is_refused_and_learns_why(desk: Desk) -> None:
    talks = [desk.a.send("kv", put("k", n)) for n in range(WAITING_MAX + 300)]
    answers = [await desk.a.hear(talk) for talk in talks]
    reasons = [answer["reason"] for act, answer in answers if act == "refuse"]
    assert set(reasons) <= {"busy"}
    stored = (await desk.a.ask("kv", get("k")))[1]["version"]
    assert stored == len(talks) - len(reasons)


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        [],
        {"action": "fly"},
        {"action": "get"},
        {"action": "get", "key": ""},
        {"action": "get", "key": "two words"},
        {"action": "get", "key": "x" * 256},
        {"action": "get", "key": "k", "more": 1},
        {"action": "put", "key": "k"},
        {"action": "put", "key": "k", "value": 1, "if_version": -1},
        {"action": "list", "limit": 0},
        {"action": "list", "limit": 1_001},
        b'{"action": "put", "key": "k", "value": ' + b"[" * 100 + b"]" * 100 + b"}",
    ],
)
async def test_anything_else_is_not_understood_with_the_reason(desk: Desk, content: object) -> None:
    language = "text" if content == b"not json" else None
    act, answer = await desk.a.ask("kv", content, language=language)
    assert (act, answer["field"]) == ("not-understood", "content")
    assert answer["reason"]


async def test_an_answer_is_never_answered_and_another_act_is_not_understood(desk: Desk) -> None:
    for act in ("FAILURE", "NOT_UNDERSTOOD", "REFUSE"):
        desk.a.send("kv", {}, act)
    assert (await desk.a.ask("kv", get("k"), act="PROPOSE"))[0] == "not-understood"
    await at_rest(desk.office)
    assert len(desk.a.got) == 1


async def test_a_client_has_no_keys(desk: Desk) -> None:
    client = Speaker(desk.office.router, "client~1")
    act, answer = await client.ask("kv", get("k"))
    assert (act, answer["reason"]) == ("refuse", "no-agent")


async def test_a_disk_that_refuses_fails_every_write_of_the_batch_and_the_next_works(desk: Desk) -> None:
    await desk.database.write(
        "CREATE TRIGGER no BEFORE INSERT ON agent_keys BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    talks = [desk.a.send("kv", put(f"k{n}", n)) for n in range(3)]
    for talk in talks:
        act, answer = await desk.a.hear(talk)
        assert (act, answer["reason"]) == ("failure", "WRITE_REFUSED")
    await desk.database.write("DROP TRIGGER no")
    assert await desk.a.ask("kv", put("k", 1)) == ("inform", {"key": "k", "version": 1})


async def test_an_operator_reads_writes_and_clears_the_keys_of_an_agent(desk: Desk) -> None:
    await desk.a.ask("kv", put("one", 1))
    await desk.a.ask("kv", put("all", 1, shared=True))
    assert (await desk.keys.ask("default/a", Get(key="one")))["version"] == 1
    assert await desk.keys.clear("default/a") == 2
    assert (await desk.a.ask("kv", put("one", 1)))[1]["version"] == 3, "versions go on"
    assert (await desk.a.ask("kv", {"action": "list"}))[1]["keys"] != []
    assert (await desk.a.ask("kv", {"action": "list", "shared": True}))[1] == {"keys": []}


async def test_what_waits_when_the_node_closes_is_done_and_what_comes_later_is_not(desk: Desk) -> None:
    asked = asyncio.gather(*(desk.keys.ask("default/a", _put(f"k{n}")) for n in range(10)))
    await asyncio.sleep(0)
    await desk.keys.close()
    assert len(await asked) == 10
    with pytest.raises(CaxtonError, match="going down"):
        await desk.keys.ask("default/a", _put("late"))


def _put(key: str) -> Put:
    return Put(key=key, value=msgspec.Raw(b"1"))


class TestShared:
    async def test_a_shared_key_is_an_entry_of_the_registry_beside_the_local_one(self, desk: Desk) -> None:
        await desk.a.ask("kv", put("k", "local"))
        act, answer = await desk.a.ask("kv", put("k", "everywhere", shared=True))
        assert (act, answer["version"] > 10**12) == ("inform", True)
        assert (await desk.a.ask("kv", get("k")))[1]["value"] == "local"
        assert (await desk.a.ask("kv", get("k", shared=True)))[1]["value"] == "everywhere"
        entry = desk.registry.find_entry("kv", "default/a k")
        assert entry is not None
        assert entry.value == b'"everywhere"'
        _, page = await desk.a.ask("kv", {"action": "list", "shared": True, "values": True})
        assert [line["value"] for line in page["keys"]] == ["everywhere"]
        await desk.a.ask("kv", {"action": "delete", "key": "k", "shared": True})
        assert (await desk.a.ask("kv", get("k", shared=True)))[1]["version"] == 0

    @pytest.mark.parametrize(
        ("more", "reason"),
        [({"if_version": 1}, "no-versions"), ({"value": "x" * SHARED_BYTES_MAX}, "too-large")],
    )
    async def test_what_the_cluster_cannot_promise_or_keep_is_refused(
        self, desk: Desk, more: dict[str, object], reason: str
    ) -> None:
        act, answer = await desk.a.ask("kv", {**put("k", 1, shared=True), **more})
        assert (act, answer["reason"]) == ("refuse", reason)

    async def test_an_agent_may_have_so_many(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path, Settings(shared_keys_max=2)) as desk:
            asked: Sequence[tuple[str, Any]] = [
                await desk.a.ask("kv", put(f"k{n}", n, shared=True)) for n in range(3)
            ]
            assert [act for act, _ in asked] == ["inform", "inform", "refuse"]
            assert (await desk.a.ask("kv", put("k0", 9, shared=True)))[0] == "inform"


class TestWatches:
    async def test_an_agent_is_told_of_changes_of_its_own_keys_until_it_cancels(self, desk: Desk) -> None:
        talk = desk.a.send("kv", {"action": "watch", "prefix": "cart:"}, "SUBSCRIBE")
        assert await desk.a.hear(talk) == ("agree", {"watching": "cart:"})
        await desk.b.ask("kv", put("cart:1", "not mine"))
        await desk.a.ask("kv", put("other", 1))
        await desk.a.ask("kv", put("cart:1", 5))
        await desk.a.ask("kv", {"action": "delete", "key": "cart:1"})
        assert await desk.a.hear(talk, 1) == ("inform", {"key": "cart:1", "value": 5, "version": 2})
        assert await desk.a.hear(talk, 2) == ("inform", {"key": "cart:1", "value": None, "version": 0})
        desk.a.send("kv", {}, "CANCEL", talk)
        assert await desk.a.hear(talk, 3) == ("inform", {"cancelled": 1})
        await desk.a.ask("kv", put("cart:2", 5))
        assert len(desk.a.of(talk)) == 4
        act, answer = await desk.a.ask("kv", {}, "CANCEL", talk="no such talk")
        assert (act, answer["reason"]) == ("failure", "NO_SUBSCRIPTION")

    async def test_a_shared_key_that_another_node_writes_is_told(self, desk: Desk) -> None:
        talk = desk.a.send("kv", {"action": "watch", "shared": True}, "SUBSCRIBE")
        await desk.a.hear(talk)
        desk.registry.put_entry("kv", "default/a flag", b"true")
        act, change = await desk.a.hear(talk, 1)
        assert (act, change["key"], change["value"]) == ("inform", "flag", True)

    async def test_a_watch_ends_when_nobody_is_there_to_be_told(self, desk: Desk) -> None:
        await desk.a.ask("kv", {"action": "watch", "shared": True}, "SUBSCRIBE")
        desk.a.leave()
        desk.registry.put_entry("kv", "default/a flag", b"true")
        watches = lambda: {row.name: row.value for row in desk.keys.collect()}["caxton_kv_watches"]  # noqa: E731
        await until(lambda: watches() == 0)

    async def test_one_agent_may_have_so_many(self, desk: Desk) -> None:
        acts = [(await desk.a.ask("kv", {"action": "watch"}, "SUBSCRIBE"))[0] for _ in range(EACH_MAX + 1)]
        assert acts == ["agree"] * EACH_MAX + ["refuse"]
