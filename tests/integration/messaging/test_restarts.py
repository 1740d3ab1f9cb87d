"""What a node takes along that stops in good order: mail, parked messages, conversations, deadlines."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from caxton_node.agents.charge import Charge
from caxton_node.agents.instance import Instance
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.store import AgentStore
from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.messaging import Router
from caxton_node.messaging.parking import Parked
from caxton_node.runtime import Limits
from tests.support.agents import NODE, House, open_house
from tests.support.data_plane import until
from tests.support.guests import faulty, wat
from tests.support.post_office import failure_of
from tests.support.versions import passer

pytestmark = pytest.mark.story("002")
REQUEST, NET = "fipa-request", "fipa-contract-net"
MINUTE_MS = 60_000


class Notes:
    """A platform agent that outlives the lives of a node and notes what it is told."""

    def __init__(self, name: str) -> None:
        self.address = f"{name}@{NODE}"
        self.name = name
        self.told: list[Envelope] = []
        self.by_talk: dict[str | None, list[bytes | None]] = defaultdict(list)

    def join(self, router: Router) -> None:
        """Be there in this life of the node, too."""
        router.add_platform_agent(self.name, self._note, depth_max=1_000_000)

    def _note(self, envelope: Envelope) -> None:
        self.told.append(envelope)
        self.by_talk[envelope.conversation_id].append(envelope.content)

    @property
    def reasons(self) -> list[str]:
        """Return the reason of each FAILURE of the platform."""
        failures = (told for told in self.told if told.performative is Performative.FAILURE)
        return [failure_of(told)["reason"] for told in failures]


def instance(house: House, name: str) -> Instance:
    return house.service._roster.get(f"default/{name}").instance


def inform(house: House, sender: Notes, to: str, content: str, talk: str = "talk") -> None:
    envelope = Envelope(Performative.INFORM, sender.address, to, content.encode(), talk)
    envelope.language = None if content.isdigit() else "text"
    house.router.submit(envelope)


def say(house: House, agent: str, act: Performative, to: str, talk: str, protocol: str = NET) -> None:
    """Say something in the name of an agent, whatever its guest is doing."""
    frame = encode(Envelope(act, None, to, b"{}", talk, protocol=protocol))
    house.router.accept(instance(house, agent).id, [frame])


async def relay(house: House, name: str, to: str, *, depth: int = 10_000) -> None:
    """Deploy an agent that passes on whatever it is told."""
    await house.service.deploy(
        Manifest(name, config={"next": to}, limits=Limits(mailbox_depth=depth)), passer()
    )


async def at_rest(house: House) -> None:
    await until(lambda: house.router.counts().in_flight == 0)


def check_sum(house: House) -> None:
    counts = house.router.counts()
    assert counts.accepted == counts.settled + counts.in_flight + counts.parked, counts


class TestMail:
    async def test_what_an_agent_said_before_the_stop_is_handled_before_what_it_says_after_the_start(
        self, tmp_path: Path
    ) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "a", "b")
            await relay(house, "b", "notes")
            await instance(house, "b").pause()
            inform(house, notes, "a", "1")
            await until(lambda: house.service.get("b").waiting == 1)
            await instance(house, "a").pause()
            inform(house, notes, "a", "2")
            for _ in range(1_000):  # much to be put back, while whoever runs could say "2" to the next
                inform(house, notes, "a", "0", "other")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await until(lambda: len(notes.told) == 1_002)
            check_sum(house)
            assert await house.database.read("SELECT count(*) FROM spooled_messages") == [(0,)]
        assert notes.by_talk["talk"] == [b"1", b"2"]

    async def test_what_a_mailbox_had_taken_over_its_depth_is_not_refused_by_the_next_life(
        self, tmp_path: Path
    ) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "a", "b")
            await relay(house, "b", "notes", depth=1)
            await instance(house, "a").pause()
            await instance(house, "b").pause()
            for number in range(20):
                inform(house, notes, "a", str(number))
            instance(house, "a").resume()
            box = house.router._destinations.agents[instance(house, "a").id].mailbox
            await until(lambda: box.waits_for is not None)  # its turn was taken whole, and it is paused
            assert house.service.get("b").waiting > 1
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await until(lambda: len(notes.told) == 20)
            assert notes.by_talk["talk"] == [str(number).encode() for number in range(20)]
            assert len(house.router.dead_letters) == 0
            check_sum(house)

    async def test_what_an_agent_says_in_its_last_turn_waits_for_one_that_was_stopped_before_it(
        self, tmp_path: Path
    ) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "a", "notes")
            await relay(house, "z", "a")
            keeper = house.service._keeper
            put_to_sleep = keeper._put_to_sleep

            async def speak_and_sleep(charge: Charge) -> None:
                if charge.name == "default/z":  # agents are stopped by name
                    say(house, "z", Performative.CFP, "a", "net")
                await put_to_sleep(charge)

            keeper._put_to_sleep = speak_and_sleep  # type: ignore[method-assign]
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await until(lambda: notes.by_talk["net"] == [b"{}"])
            assert len(house.router.dead_letters) == 0

    async def test_the_mail_of_one_that_does_not_start_goes_back_and_others_get_theirs(
        self, tmp_path: Path
    ) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "a", "notes")
            view = await house.service.deploy(Manifest("broken"), wat("echo").encode())
            await instance(house, "a").pause()
            await instance(house, "broken").pause()
            inform(house, notes, "a", "1")
            inform(house, notes, "broken", "2")
        (tmp_path / "modules" / f"{view.module_sha256}.wasm").write_bytes(b"\0asm garbage")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await until(lambda: len(notes.told) == 2)
            assert house.service.get("broken").state is State.FAILED
            assert (notes.reasons, b"1" in notes.by_talk["talk"]) == (["agent-stopped"], True)
            check_sum(house)


class TestDeadlines:
    async def test_a_deadline_that_has_passed_is_told_once_though_the_message_still_waits(
        self, tmp_path: Path
    ) -> None:
        client = Notes("client")
        async with open_house(tmp_path, before_agents=client.join) as house:
            await house.service.deploy(Manifest("b"), passer())  # it says nothing to anybody
            await instance(house, "b").pause()
            past = time.time_ns() // 1_000_000 - 1
            house.router.submit(
                Envelope(Performative.REQUEST, client.address, "b", b"1", "talk", "r-1", reply_by=past)
            )
            house.router.tick(time.time_ns() // 1_000)
            await until(lambda: client.reasons == ["timeout"])
        async with open_house(tmp_path, before_agents=client.join) as house:
            await at_rest(house)
            house.router.tick(time.time_ns() // 1_000 + 10**12)
            await at_rest(house)
        assert client.reasons == ["timeout"]

    @pytest.mark.parametrize("handled", [True, False], ids=["handled", "waiting"])
    async def test_one_that_has_not_passed_is_told_by_the_next_life(
        self, tmp_path: Path, handled: bool
    ) -> None:
        client = Notes("client")
        async with open_house(tmp_path, before_agents=client.join) as house:
            await house.service.deploy(Manifest("b"), passer())  # it says nothing to anybody
            if not handled:
                await instance(house, "b").pause()
            later = time.time_ns() // 1_000_000 + MINUTE_MS
            house.router.submit(
                Envelope(Performative.REQUEST, client.address, "b", b"1", "talk", "r-1", reply_by=later)
            )
            if handled:
                await at_rest(house)
        async with open_house(tmp_path, before_agents=client.join) as house:
            await at_rest(house)
            for _ in range(2):
                house.router.tick((later + 1) * 1_000)
            await at_rest(house)
        assert client.reasons == ["timeout"]
        assert client.told[-1].in_reply_to == "r-1"


class TestParked:
    async def test_what_is_parked_waits_through_a_restart_and_its_protocol_begins_when_it_is_delivered(
        self, tmp_path: Path
    ) -> None:
        client = Notes("client")
        async with open_house(tmp_path, before_agents=client.join) as house:
            for number in range(3):
                house.router.submit(_lasting(client, "late", f"talk-{number}", "talk"))
            assert house.router.counts().parked == 3
        check_sum(house)
        assert house.router.counts().parked == 0
        async with open_house(tmp_path, before_agents=client.join) as house:
            assert house.router.counts().parked == 3
            await house.service.deploy(Manifest("late"), wat("echo").encode())
            await until(lambda: len(client.told) == 3)
            talks = house.router.conversations.table.values()
            assert [talk.stage_with(f"late@{NODE}") for talk in talks] == ["done"] * 3
            check_sum(house)
        assert [told.in_reply_to for told in client.told] == ["talk-0", "talk-1", "talk-2"]

    async def test_one_that_had_a_receiver_once_is_not_taken_for_a_second_request(
        self, tmp_path: Path
    ) -> None:
        client = Notes("client")
        async with open_house(tmp_path, before_agents=client.join) as house:
            await house.service.deploy(Manifest("late"), wat("echo").encode())
            await instance(house, "late").pause()
            house.router.submit(_lasting(client, "late", "r-1", "talk"))
            await house.service.stop("late", drain_s=0)
            assert house.router.counts().parked == 1
        async with open_house(tmp_path, before_agents=client.join) as house:
            assert house.router.counts().parked == 1
            await house.service.start("late")
            await until(lambda: len(client.told) == 1)
            assert client.told[0].performative is Performative.INFORM
            assert house.router.counts().refused == 0

    async def test_one_whose_time_was_over_meanwhile_has_expired(self, tmp_path: Path) -> None:
        client = Notes("client")
        envelope = _lasting(client, "late", "r-1", "talk")
        envelope.sent_at, envelope.message_id = 1, bytes(16)
        async with open_house(tmp_path) as house:
            parked = Parked("default/late", "late", 0, encode(envelope), "no-such-agent", 1, 2)
            await AgentStore(house.database).spool_parked([parked], 1)
        async with open_house(tmp_path, before_agents=client.join) as house:
            await until(lambda: client.reasons == ["expired"])
            check_sum(house)


@pytest.mark.story("011")
class TestConversations:
    async def test_a_contract_net_between_agents_goes_on_after_the_restart(self, tmp_path: Path) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "buyer", "notes")
            await relay(house, "mason", "notes")
            say(house, "buyer", Performative.CFP, "mason", "net")
            await at_rest(house)
            trace_id = house.router.conversations.table["net"].trace_id
        async with open_house(tmp_path, before_agents=notes.join) as house:
            assert house.router.conversations.table["net"].trace_id == trace_id
            assert await house.database.read("SELECT count(*) FROM conversations") == [(0,)]
            say(house, "mason", Performative.PROPOSE, f"buyer@{NODE}", "net")
            say(house, "buyer", Performative.ACCEPT_PROPOSAL, f"mason@{NODE}", "net")
            say(house, "mason", Performative.INFORM, f"buyer@{NODE}", "net")
            await at_rest(house)
            assert house.router.counts().refused == 0
            assert not house.router.conversations.is_open("net")
            say(house, "mason", Performative.PROPOSE, f"buyer@{NODE}", "never begun")
            await at_rest(house)
            assert house.router.counts().refused == 1, "what is not known was never begun"

    async def test_after_a_crash_nobody_is_held_to_what_began_before(self, tmp_path: Path) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "buyer", "notes")
            await relay(house, "mason", "notes")
            say(house, "buyer", Performative.CFP, "mason", "net")
            await at_rest(house)
        _forget_the_stop(tmp_path)
        async with open_house(tmp_path, before_agents=notes.join) as house:
            say(house, "mason", Performative.PROPOSE, f"buyer@{NODE}", "net")
            await at_rest(house)
            assert (house.router.counts().refused, house.router.conversations.unjudged) == (0, 1)

    async def test_a_new_node_knows_that_there_is_nothing_to_know(self, tmp_path: Path) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "buyer", "notes")
            await relay(house, "mason", "notes")
            say(house, "mason", Performative.PROPOSE, f"buyer@{NODE}", "net")
            await at_rest(house)
            assert house.router.counts().refused == 1

    async def test_those_who_talk_with_one_that_does_not_come_back_are_told(self, tmp_path: Path) -> None:
        mason = Notes("mason")
        async with open_house(tmp_path, before_agents=mason.join) as house:
            view = await house.service.deploy(Manifest("buyer"), wat("echo").encode())
            say(house, "buyer", Performative.CFP, "mason", "net")
            await at_rest(house)
        (tmp_path / "modules" / f"{view.module_sha256}.wasm").write_bytes(b"\0asm garbage")
        async with open_house(tmp_path, before_agents=mason.join) as house:
            await at_rest(house)
        assert mason.reasons == ["agent-stopped"]
        assert mason.told[-1].conversation_id == "net"

    async def test_a_stop_that_is_cut_short_by_the_end_of_the_node_is_told_by_the_next_life(
        self, tmp_path: Path
    ) -> None:
        mason = Notes("mason")
        async with open_house(tmp_path, before_agents=mason.join) as house:
            await house.service.deploy(Manifest("buyer"), wat("echo").encode())
            say(house, "buyer", Performative.CFP, "mason", "net")
            stopping = asyncio.create_task(house.service.stop("buyer", drain_s=1_000))
            await until(lambda: house.service.get("buyer").state is State.DRAINING)
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert mason.reasons == []
        async with open_house(tmp_path, before_agents=mason.join) as house:
            await until(lambda: mason.reasons == ["agent-stopped"])
            assert house.service.get("buyer").state is State.STOPPED


@pytest.mark.story("011")
class TestPartners:
    @pytest.mark.parametrize("command", ["undeploy", "stop"])
    async def test_a_contractor_is_told_that_its_initiator_was_taken_away(
        self, tmp_path: Path, command: str
    ) -> None:
        mason = Notes("mason")
        async with open_house(tmp_path, before_agents=mason.join) as house:
            await house.service.deploy(Manifest("buyer"), wat("echo").encode())
            say(house, "buyer", Performative.CFP, "mason", "net")
            await getattr(house.service, command)("buyer", drain_s=0)
            await until(lambda: mason.reasons == ["agent-stopped"])
            assert mason.told[-1].conversation_id == "net"
            check_sum(house)

    @pytest.mark.parametrize("command", ["undeploy", "stop"])
    async def test_an_initiator_is_told_that_its_contractor_was_taken_away(
        self, tmp_path: Path, command: str
    ) -> None:
        notes = Notes("notes")
        async with open_house(tmp_path, before_agents=notes.join) as house:
            await relay(house, "buyer", "notes")
            await relay(house, "mason", "notes")
            say(house, "buyer", Performative.CFP, "mason", "net")
            await at_rest(house)
            await getattr(house.service, command)("mason", drain_s=0)
            await until(lambda: len(notes.by_talk["net"]) == 2)
            assert b'"agent-stopped"' in (notes.by_talk["net"][-1] or b""), (
                "what the buyer was told it passes on"
            )
            assert len(house.router.dead_letters) == 0

    async def test_both_are_told_of_one_that_is_given_up(self, tmp_path: Path) -> None:
        client = Notes("client")
        async with open_house(tmp_path, before_agents=client.join) as house:
            await house.service.deploy(Manifest("echo"), faulty().encode())
            await instance(house, "echo").pause()
            say(house, "echo", Performative.CFP, client.address, "net")
            instance(house, "echo").resume()
            for number in range(4):
                inform(house, client, "echo", "trap", f"talk-{number}")
            await until(lambda: "left alone" in house.service.get("echo").last_error)
            await until(lambda: "agent-stopped" in client.reasons)
            (told,) = [told for told in client.told if told.conversation_id == "net"][1:]
            assert failure_of(told)["reason"] == "agent-stopped"

    async def test_nobody_is_told_of_a_restart_or_of_another_version(self, tmp_path: Path) -> None:
        mason = Notes("mason")
        async with open_house(tmp_path, before_agents=mason.join) as house:
            await house.service.deploy(Manifest("buyer"), wat("echo").encode())
            say(house, "buyer", Performative.CFP, "mason", "net")
            await house.service.restart("buyer")
            await at_rest(house)
        async with open_house(tmp_path, before_agents=mason.join) as house:
            await at_rest(house)
            assert house.router.conversations.is_open("net")
        assert mason.reasons == []


def _lasting(sender: Notes, to: str, reply_with: str, talk: str) -> Envelope:
    """Return a request that waits for its receiver to come."""
    ttl = {"ttl": msgspec.Raw(msgspec.msgpack.encode(MINUTE_MS))}
    return Envelope(
        Performative.REQUEST, sender.address, to, b'"?"', f"{talk}/{reply_with}", reply_with,
        protocol=REQUEST, headers=ttl,
    )  # fmt: skip


def _forget_the_stop(folder: Path) -> None:
    """Leave the database as a crash would have."""
    with sqlite3.connect(folder / "caxton.db") as database:
        database.execute("DELETE FROM conversations")
        database.execute("DELETE FROM last_stop")
    database.close()
