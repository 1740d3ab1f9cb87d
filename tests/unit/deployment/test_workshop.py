"""Steps under way: what waits for a place may have become wrong, and a bug is not repeated at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.deployment.attempts import Attempts
from caxton_node.deployment.book import Book
from caxton_node.deployment.decide import MINORITY, Deploy, Outlook, Remove, Start, Step
from caxton_node.deployment.foreman import Foreman
from caxton_node.deployment.placement import Placement
from caxton_node.deployment.reports import ReplicaState, Reports
from caxton_node.deployment.settings import Settings
from caxton_node.deployment.spec import Consistency
from caxton_node.deployment.spec_form import KIND, encode
from caxton_node.deployment.telling import Teller
from caxton_node.deployment.workshop import AT_ONCE, Workshop
from caxton_node.observability import Board
from caxton_node.registry.entry import Entry
from tests.support.clock import HandClock
from tests.support.deployment_world.registry import SimRegistry
from tests.support.deployments import agent_of, spec_of

pytestmark = pytest.mark.story("026")

DB = spec_of("default/db", consistency=Consistency.CONSISTENT)


class Site:
    """A workshop with its foreman; what steps do is up to the test.

    Attributes:
        begun: Deployments whose steps have got a place, in order.
        has_lease: This node may run what is consistent.
    """

    def __init__(self, perform: Callable[[str], Awaitable[None]]) -> None:
        self.begun: list[str] = []
        self.has_lease = True
        self.clock = HandClock()
        self.reports = Reports()
        self.attempts, endings = Attempts(Settings()), Attempts(Settings())
        self._work = perform
        self.ended = asyncio.Event()
        registry = SimRegistry("n1", [], lambda _node: True, lambda _entries: None)
        registry.watch("replica", self.reports.take)
        teller = Teller(registry, self.reports, "n1", self.clock)  # type: ignore[arg-type]  # a model of it
        self.workshop = Workshop(
            performer=self,  # type: ignore[arg-type]  # nobody has agents here
            teller=teller,
            attempts=self.attempts,
            endings=endings,
            board=Board(),
            clock=self.clock,
            on_end=lambda _name: self.ended.set(),
            may_rise=lambda spec: self.has_lease or not spec.is_consistent,
        )
        book = Book()
        book.take([Entry(KIND, "default/db", encode(DB), {}, 1, "n1")])
        self.foreman = Foreman(
            book=book,
            attempts=self.attempts,
            endings=endings,
            teller=teller,
            workshop=self.workshop,
            clock=self.clock,
        )

    async def perform(self, step: Step, name: str, *_facts: object) -> None:
        self.begun.append(name)
        await self._work(name)

    def outlook(self, _name: str, _spec: object) -> Outlook:
        return Outlook("n1", Placement(("n1",)), is_majority=self.has_lease)

    def local(self, _name: str) -> object:
        return agent_of(DB, State.LOADED)

    def look(self) -> None:
        """Look at the consistent deployment, which is loaded here and does not run."""
        self.foreman.look("default/db", self)  # type: ignore[arg-type]  # as much of a scene as it needs

    async def until_free(self, name: str) -> None:
        async with asyncio.timeout(10):
            while self.workshop.is_busy(name):
                await self.ended.wait()
                self.ended.clear()


async def _slow(site_gate: asyncio.Event, name: str) -> None:
    if name.startswith("default/slow"):
        await site_gate.wait()


def occupied(gate: asyncio.Event) -> Site:
    site = Site(lambda name: _slow(gate, name))
    for number in range(AT_ONCE):
        slow = spec_of(f"default/slow{number}")
        site.workshop.begin(Deploy(), slow.name, slow, None)
    return site


async def test_a_start_that_waits_for_a_place_is_broken_off_when_the_lease_is_lost() -> None:
    gate = asyncio.Event()
    site = occupied(gate)
    site.look()
    await asyncio.sleep(0)
    assert site.workshop.is_busy("default/db")
    site.has_lease = False
    site.look()
    await site.until_free("default/db")
    gate.set()
    await site.workshop.close()
    assert "default/db" not in site.begun


async def test_a_start_asks_once_more_when_it_has_its_place() -> None:
    gate = asyncio.Event()
    site = occupied(gate)
    site.look()
    await asyncio.sleep(0)
    site.has_lease = False  # and nobody has looked since
    gate.set()
    await site.until_free("default/db")
    assert "default/db" not in site.begun
    assert site.attempts.find("default/db", DB.edition) is None, "that is no failure"
    site.look()
    assert site.reports.of("default/db")["n1"].reason == MINORITY


async def test_an_ending_is_not_broken_off() -> None:
    gate = asyncio.Event()
    site = Site(lambda _name: gate.wait())  # type: ignore[arg-type,return-value]  # what it returns is not used
    site.workshop.begin(Remove("it moves"), "default/db", DB, None)
    site.workshop.interrupt_rise("default/db")
    await asyncio.sleep(0)
    assert site.workshop.is_busy("default/db")
    gate.set()
    await site.until_free("default/db")


async def test_a_bug_waits_like_any_failure_and_is_told_to_the_others() -> None:
    async def stumble(_name: str) -> None:
        raise KeyError("a bug")

    site = Site(stumble)
    site.workshop.begin(Start(), "default/db", DB, agent_of(DB, State.LOADED))
    await site.until_free("default/db")
    for _ in range(10):
        site.look()
        await asyncio.sleep(0)
    assert site.begun == ["default/db"], "not again before its time"
    told = site.reports.of("default/db")["n1"]
    assert told.state == ReplicaState.WAITING
    assert "KeyError" in told.reason
