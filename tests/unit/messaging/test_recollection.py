"""What is open while a node is down: in a real database, over its starts and stops."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caxton_node.fipa import Performative
from caxton_node.fipa.protocols import PROTOCOLS, Side, explain
from caxton_node.messaging.conversation_store import ConversationStore, Open
from caxton_node.messaging.conversations import Fault
from caxton_node.messaging.recollection import Recollection
from caxton_node.storage import Database
from caxton_node.storage.migrate import MIGRATIONS
from tests.support.post_office import NODE, PostOffice

pytestmark = pytest.mark.story("011")
REQUEST = "fipa-request"
A, B = f"a@{NODE}", f"b@{NODE}"


class Life:
    """One life of a node: a router, and what it remembers."""

    def __init__(self, database: Database) -> None:
        self.office = PostOffice()
        self.store = ConversationStore(database)
        self.recollection = Recollection(self.office.router, self.store, self.office.clock)

    def ask(self, talk: str) -> None:
        """Let somebody begin a conversation and say no more."""
        conversations, now_us = self.office.router.conversations, self.office.clock.unix_us()
        found = conversations.begin(talk, A, now_us, bytes(16), is_followed=False)
        conversations.follow(found, Performative.REQUEST, REQUEST, A, B)

    @property
    def is_blind(self) -> bool:
        """Return whether an act that belongs to nothing is let through."""
        opening = PROTOCOLS[REQUEST].opening
        violation = explain(PROTOCOLS[REQUEST], opening, Performative.INFORM, Side.INITIATOR)
        fault, now_us = Fault(violation, is_unknown=True), self.office.clock.unix_us()
        return self.office.router.conversations.excuses(fault, now_us, arrived=False, answers=False)


async def open_all(tmp_path: Path) -> Database:
    return await Database.open(tmp_path / "caxton.db")


async def test_a_life_takes_up_what_the_one_before_was_amid_and_deletes_it(tmp_path: Path) -> None:
    async with await open_all(tmp_path) as database:
        first = Life(database)
        await first.recollection.open()
        assert not first.is_blind, "a node that has never run has nothing to remember"
        first.ask("talk")
        await first.recollection.close()
        second = Life(database)
        await second.recollection.open()
        assert second.office.router.conversations.is_open("talk")
        assert not second.is_blind
        assert await second.store.find() is None


async def test_after_a_life_without_an_end_the_next_one_is_blind_and_the_one_after_that_is_not(
    tmp_path: Path,
) -> None:
    async with await open_all(tmp_path) as database:
        await Life(database).recollection.open()
        second = Life(database)
        await second.recollection.open()
        assert second.is_blind
        await second.recollection.close()
        third = Life(database)
        await third.recollection.open()
        assert not third.is_blind


@pytest.mark.parametrize(
    ("talks", "forgotten"), [([], 1), ([("talk", b"\xc1")], 0)], ids=["no room for all", "not to be read"]
)
async def test_what_is_missing_makes_a_life_blind(
    tmp_path: Path, talks: list[tuple[str, bytes]], forgotten: int
) -> None:
    async with await open_all(tmp_path) as database:
        life = Life(database)
        await life.store.keep(Open(talks, [], forgotten), 1)
        await life.recollection.open()
        assert life.is_blind


async def test_a_second_stop_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async with await open_all(tmp_path) as database:
        life = Life(database)
        await life.store.keep(Open([("one", b"1")], [b"r"], 0), 1)
        await life.store.keep(Open([("two", b"2")], [], 0), 2)
        assert await life.store.find() == Open([("two", b"2")], [], 0)


async def test_a_disk_that_takes_nothing_does_not_keep_a_node_from_closing(tmp_path: Path) -> None:
    database = await open_all(tmp_path)
    life = Life(database)
    await life.recollection.open()
    life.ask("talk")
    await database.close()
    await life.recollection.close()


async def test_a_node_that_has_run_before_it_learned_to_remember_is_blind(tmp_path: Path) -> None:
    before = tmp_path / "migrations"
    before.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:4]:
        shutil.copy(file, before)
    async with await Database.open(tmp_path / "caxton.db", migrations=before) as database:
        await database.write("UPDATE boot SET epoch = 1")
    async with await open_all(tmp_path) as database:
        life = Life(database)
        await life.recollection.open()
        assert life.is_blind
