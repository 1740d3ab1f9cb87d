"""Faults of reloads that the conservation test has found, with real guests."""

from __future__ import annotations

from pathlib import Path

import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.instance import Instance
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.fipa import Envelope, Performative, encode
from tests.support.agents import NODE, House, open_house
from tests.support.data_plane import until
from tests.support.guests import faulty
from tests.support.post_office import failure_of
from tests.support.versions import passer

pytestmark = pytest.mark.story("003")
CLIENT = f"client@{NODE}"
FAULTY = faulty().encode()
_KEEPS = """
  (func (export "caxton_checkpoint") (result i32)
    (i32.store (i32.const 72) (i32.const 1024)) (i32.store (i32.const 76) (i32.const 4)) (i32.const 0))
  (func (export "caxton_restore") (param i32) (result i32) (i32.const 0)))
"""


def keeping(mark: str) -> bytes:
    """Return a version that traps when told to, and hands over a state."""
    return f'{faulty().rstrip().removesuffix(")")} (data (i32.const 992) "{mark}") {_KEEPS}'.encode()


class Client:
    """Notes what it is told."""

    def __init__(self, house: House) -> None:
        self.told: list[Envelope] = []
        self._house = house
        house.router.add_platform_agent("client", self.told.append)

    def says(self, content: str, talk: str, act: Performative = Performative.INFORM) -> None:
        """Say something to the worker."""
        protocol = "fipa-request" if act is Performative.REQUEST else None
        envelope = Envelope(act, CLIENT, "worker", content.encode(), talk, language="text", protocol=protocol)
        self._house.router.submit(envelope)

    @property
    def reasons(self) -> list[str]:
        """Return the reasons of the platform's FAILUREs, but not those about a trap."""
        found = [failure_of(told)["reason"] for told in self.told if told.sender == "ams"]
        return [reason for reason in found if reason != "trapped"]


async def divide(house: House, client: Client, successor: bytes) -> tuple[Instance, Instance]:
    """Deploy a worker that stays in a conversation, and reload it; returns the old instance and the new."""
    await house.service.deploy(Manifest("worker"), passer())
    client.says("1", "open", Performative.REQUEST)
    await at_rest(house)
    await house.service.update("worker", Change(module=successor, version="2.0.0"), drain_s=1_000)
    charge = house.service._roster.get("default/worker")
    assert charge.retiring is not None
    return charge.retiring.instance, charge.instance


async def at_rest(house: House) -> None:
    await until(lambda: house.router.counts().in_flight == 0)


async def give_up(house: House, client: Client) -> None:
    """Let the present version trap until it is left alone."""
    for number in range(4):
        client.says("trap", f"trap-{number}")
    await until(lambda: "left alone" in house.service.get("worker").last_error)


def check_sum(house: House) -> None:
    counts = house.router.counts()
    assert counts.accepted == counts.settled + counts.in_flight + counts.parked, counts


async def kept_states(house: House) -> int:
    ((count,),) = await house.database.read("SELECT count(*) FROM checkpoints")
    return int(count)


async def test_mail_of_an_old_version_comes_back_when_its_successor_was_given_up_meanwhile(tmp_path: Path):
    async with open_house(tmp_path) as house:
        client = Client(house)
        old, _ = await divide(house, client, FAULTY)
        await give_up(house, client)
        await old.pause()
        for number in range(3):
            client.says(str(number), "open")
        assert house.router.counts().in_flight == 3
        await house.service.undeploy("worker", drain_s=0)
        await until(lambda: client.reasons == ["agent-stopped"] * 3)
        check_sum(house)


async def test_who_talks_with_the_old_version_is_told_when_that_ends_and_not_when_its_successor_is_given_up(
    tmp_path: Path,
):
    async with open_house(tmp_path) as house:
        client = Client(house)
        await divide(house, client, FAULTY)
        await give_up(house, client)
        await at_rest(house)
        assert client.reasons == []
        assert house.router.conversations.is_open("open")
        await house.service.undeploy("worker", drain_s=0)
        await until(lambda: client.reasons == ["agent-stopped"])
        assert client.told[-1].conversation_id == "open"


async def test_an_old_version_does_not_draw_a_conversation_to_itself_that_its_successor_is_in(tmp_path: Path):
    async with open_house(tmp_path) as house:
        client = Client(house)
        old, new = await divide(house, client, passer("b"))
        await new.pause()
        client.says("1", "shared")
        speech = Envelope(Performative.INFORM, None, "client", b"1", "shared")
        house.router.accept(old.id, [encode(speech)])
        client.says("2", "shared")
        assert (old.waiting, new.waiting) == (0, 2)
        new.resume()
        await at_rest(house)
        check_sum(house)


async def test_the_state_of_a_version_before_the_last_one_does_not_come_back(tmp_path: Path):
    async with open_house(tmp_path) as house:
        client = Client(house)
        await house.service.deploy(Manifest("worker"), keeping("a"))
        await house.service.stop("worker")
        await house.service.start("worker")
        assert (await kept_states(house), _present(house).restored) == (1, True)
        await house.service.update("worker", Change(module=passer(), version="2.0.0"), drain_s=0)
        assert await kept_states(house) == 0
        await house.service.update("worker", Change(module=keeping("b"), version="3.0.0"), drain_s=0)
        client.says("trap", "trap")
        await until(lambda: house.service.get("worker").restarts == 1)
        await until(lambda: house.service.get("worker").state is State.RUNNING)
        assert not _present(house).restored


async def test_a_state_that_does_not_fit_is_dropped_once_the_agent_has_begun_without_it(tmp_path: Path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("worker"), keeping("a"))
        await house.service.stop("worker")
        await house.service.update("worker", Change(module=passer(), version="2.0.0"))
        assert await kept_states(house) == 1, "it may still be changed back"
        await house.service.start("worker")
        assert await kept_states(house) == 0


async def test_a_reload_that_moves_the_state_keeps_the_one_in_the_store(tmp_path: Path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("worker"), keeping("a"))
        await house.service.stop("worker")
        await house.service.start("worker")
        await house.service.update("worker", Change(module=keeping("b"), version="2.0.0"))
        assert (await kept_states(house), _present(house).restored) == (1, True)


def _present(house: House) -> Instance:
    return house.service._roster.get("default/worker").instance
