"""Deployments created and changed while others do the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from caxton_node.agents.change import Change
from caxton_node.deployment import reports
from caxton_node.deployment.book import Book
from caxton_node.deployment.changing import Changes, DeploymentUnreadable, Wish
from caxton_node.deployment.reports import Report, Reports, key_of
from caxton_node.deployment.spec_form import KIND
from tests.support.clock import HandClock
from tests.support.deployment_world.registry import SimRegistry
from tests.support.deployments import SHA256, spec_of

pytestmark = pytest.mark.story("026")

OTHER = "cd" * 32


class Desk:
    """Deployments of a node that takes modules in; something may happen meanwhile."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], object] = lambda: None
        self.registry = SimRegistry("n1", [], lambda _node: True, lambda _entries: None)
        self.book, self.reports = Book(), Reports()
        self.registry.watch(KIND, self.book.take)
        self.registry.watch(reports.KIND, self.reports.take)
        self.changes = Changes(self.book, self.reports, self.registry, self, HandClock())  # type: ignore[arg-type]

    @asynccontextmanager
    async def taking_in(self, module: str, _manifest: object) -> AsyncIterator[str]:
        self.meanwhile()
        yield module


async def test_what_others_change_while_a_module_is_compiled_stays_changed() -> None:
    desk = Desk()
    await desk.changes.create(spec_of("default/web"), SHA256)  # type: ignore[arg-type]  # by its digest
    desk.meanwhile = lambda: desk.registry.update_entry(KIND, "default/web", {"config": {"x": 1}})
    after = await desk.changes.update("default/web", Wish(agent=Change(module=OTHER)))  # type: ignore[arg-type]
    assert (after.module_sha256, dict(after.manifest.config)) == (OTHER, {"x": 1})
    assert desk.book.find("default/web") == after


async def test_a_deployment_that_this_version_cannot_read_is_neither_free_nor_gone() -> None:
    desk = Desk()
    value = msgspec.msgpack.encode({"name": "default/web", "made_of": "what is not known yet"})
    desk.registry.put_entry(KIND, "default/web", value)
    with pytest.raises(DeploymentUnreadable, match="cannot be read"):
        await desk.changes.create(spec_of("default/web"), SHA256)  # type: ignore[arg-type]
    with pytest.raises(DeploymentUnreadable):
        desk.changes.delete("default/web")
    found = desk.registry.find_entry(KIND, "default/web")
    assert found is not None
    assert found.value == value
    assert desk.book.needs(OTHER), "it may need any module"


async def test_one_that_is_created_again_begins_above_what_nodes_still_say_of_the_last_one() -> None:
    desk = Desk()
    first = await desk.changes.create(spec_of("default/web"), SHA256)  # type: ignore[arg-type]
    refusal = reports.encode(Report("refused", first.generation, "its module traps"))
    desk.registry.put_entry(reports.KIND, key_of("default/web", "n2"), refusal)
    desk.changes.delete("default/web")
    again = await desk.changes.create(spec_of("default/web"), OTHER)  # type: ignore[arg-type]
    assert again.generation == first.generation + 1
    assert not reports.refusals(desk.reports.of("default/web"), again.generation)


async def test_a_module_is_needed_until_the_last_deployment_of_it_has_gone() -> None:
    desk = Desk()
    for name in ("default/a", "default/b"):
        await desk.changes.create(spec_of(name), SHA256)  # type: ignore[arg-type]
    desk.changes.delete("default/a")
    assert desk.book.needs(SHA256)
    desk.changes.delete("default/b")
    assert not desk.book.needs(SHA256)
