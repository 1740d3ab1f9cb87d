"""Modules fetched and let go behind the turns: what is planned is old when it is done."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caxton_node.agents.module_library import ModuleLibrary
from caxton_node.agents.module_uploads import ModuleUploads
from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.store import AgentStore
from caxton_node.deployment.module_holder import LET_GO_AFTER_S, ModuleHolder
from caxton_node.deployment.module_keeping import Wanted
from caxton_node.storage import Database
from tests.support.clock import HandClock
from tests.support.deployment_world.registry import SimRegistry

pytestmark = pytest.mark.story("026")

MODULE = b"a module"
SHA256 = hashlib.sha256(MODULE).hexdigest()


class Place:
    """A node's modules and their holder.

    Attributes:
        needed: What deployments need at this moment.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self.needed: set[str] = set()
        self.clock = HandClock()
        modules = ModuleFolder(folder)
        self.shelf = Shelf(AgentStore(database), modules)
        uploads = ModuleUploads(modules, self.shelf, self.clock, module_bytes_max=1_000_000)
        self.modules = ModuleLibrary(self.shelf, None, self.clock, uploads)
        registry = SimRegistry("n1", [], lambda _node: True, lambda _entries: None)
        self.holder = ModuleHolder(
            self.modules,
            registry,  # type: ignore[arg-type]  # a model of it
            "n1",
            needs=self.needed.__contains__,
            clock=self.clock,
        )

    async def look(self, *wanted: Wanted) -> bool:
        """Let the holder follow a plan to its end; returns whether the module is there."""
        self.holder.look(wanted, {"n1"})
        assert self.holder._task is not None
        await asyncio.shield(self.holder._task)
        return SHA256 in await self.modules.held()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with await Database.open(tmp_path / "caxton.db") as database:
        place = Place(database, tmp_path / "modules")
        await place.shelf.hold(SHA256, MODULE, (), 1)
        yield place


async def test_what_nobody_needs_goes_when_two_looks_in_a_row_have_found_that(place: Place) -> None:
    assert await place.look()
    assert place.holder.is_due, "somebody has to look again"
    place.clock.advance(LET_GO_AFTER_S)
    assert not await place.look()


async def test_a_deployment_written_since_the_plan_was_made_keeps_its_module(place: Place) -> None:
    await place.look()
    place.clock.advance(LET_GO_AFTER_S)
    place.needed.add(SHA256)  # the plan of this look does not know
    assert await place.look()
    assert place.shelf.read(SHA256) == MODULE


async def test_a_look_that_finds_it_needed_starts_the_wait_anew(place: Place) -> None:
    await place.look()
    place.clock.advance(LET_GO_AFTER_S)
    await place.look(Wanted(SHA256, frozenset({"n1"})))
    assert await place.look()


async def test_a_module_that_is_being_taken_in_is_not_let_go(place: Place) -> None:
    await place.look()
    place.clock.advance(LET_GO_AFTER_S)
    with place.modules.spoken_for(SHA256):
        assert await place.look()
    assert not await place.look()
