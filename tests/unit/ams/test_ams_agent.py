import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.messaging.platform_subscriptions import EACH_MAX
from tests.support.ams_desk import Desk, open_desk
from tests.support.data_plane import until
from tests.support.platform_desk import Speaker, at_rest

pytestmark = pytest.mark.story("026")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


class TestWhitePages:
    async def test_an_agent_finds_others_by_name_and_description(self, desk: Desk) -> None:
        desk.crew.move("default/far", State.RUNNING, node="node-2")
        description = {"owner": "sales"}
        assert await desk.worker.ask("ams", {"action": "modify", "description": description}) == (
            "inform",
            {"modified": "worker"},
        )
        act, found = await desk.boss.ask("ams", {"action": "search", "attributes": description})
        (agent,) = found["agents"]
        assert (act, agent["name"], agent["node"], agent["state"]) == (
            "inform", "worker", "node-1", "Running",
        )  # fmt: skip
        assert agent["instance"] == "default/worker#1.0.0.1@node-1"
        assert agent["description"] == description
        _, found = await desk.boss.ask("ams", {"action": "search", "node": "node-2"}, "QUERY_REF")
        assert [agent["name"] for agent in found["agents"]] == ["far"]

    async def test_a_client_may_search_and_read_about_the_platform(self, desk: Desk) -> None:
        client = Speaker(desk.office.router, "client~1")
        assert len((await client.ask("ams", {"action": "search"}))[1]["agents"]) == 2
        act, told = await client.ask("ams", {"action": "get-description"})
        assert (act, told["name"], told["node"], told["nodes"]) == ("inform", "test", "node-1", 1)
        assert {"name": "kv@node-1", "type": "caxton-kv"} in told["services"]

    async def test_registering_is_describing_oneself_for_agents_that_are_deployed(self, desk: Desk) -> None:
        request = {"action": "register", "description": {"owner": "ops"}}
        assert (await desk.boss.ask("ams", request))[1] == {"registered": "boss@node-1"}
        stranger = Speaker(desk.office.router, "stranger")
        act, answer = await stranger.ask("ams", request)
        assert (act, answer["reason"]) == ("refuse", "not-here")

    async def test_a_description_ends_with_its_agent_and_not_with_its_stop(self, desk: Desk) -> None:
        await desk.worker.ask("ams", {"action": "modify", "description": {"owner": "ops"}})
        desk.crew.move("default/worker", State.STOPPED)
        await desk.boss.ask("ams", {"action": "get-description"})
        assert desk.registry.find_entry("description", "default/worker@node-1") is not None
        desk.crew.remove("default/worker")
        await until(lambda: desk.registry.find_entry("description", "default/worker@node-1") is None)

    @pytest.mark.parametrize(
        "content",
        [
            b"{}",
            [],
            {"action": "fly"},
            {"action": "search", "name": "No Such*Name"},
            {"action": "search", "limit": 101},
            {"action": "search", "state": "Happy"},
            {"action": "search", "more": 1},
            {"action": "modify"},
            {"action": "modify", "description": {"a b": "c"}},
            {"action": "modify", "description": {f"k{n}": "v" for n in range(17)}},
            {"action": "set-timer", "id": "t"},
            {"action": "set-timer", "id": "t", "after_ms": 1, "at_unix_ms": 1},
            {"action": "set-timer", "id": "t", "every_ms": 99},
            {"action": "set-timer", "id": "", "after_ms": 1},
            {"action": "watch"},
        ],
    )
    async def test_anything_else_is_not_understood_with_the_reason(self, desk: Desk, content: object) -> None:
        act, answer = await desk.boss.ask("ams", content)
        assert (act, answer["field"]) == ("not-understood", "content")
        assert answer["reason"]

    async def test_a_name_that_is_none_fails_with_the_reason(self, desk: Desk) -> None:
        act, answer = await desk.boss.ask("ams", {"action": "search", "name": "a/b/c"})
        assert (act, answer["reason"]) == ("failure", "INVALID_ARGUMENT")


class TestLives:
    async def test_whoever_subscribes_is_told_where_agents_are_now(self, desk: Desk) -> None:
        talk = desk.boss.send("ams", {"action": "watch", "name": "work*"}, "SUBSCRIBE")
        assert await desk.boss.hear(talk) == ("agree", {"watching": "work*"})
        desk.crew.move("default/other", State.RUNNING)
        desk.crew.move("default/worker", State.STOPPED)
        stopped = [{"instance": "default/worker#1.0.0.1@node-1", "node": "node-1", "state": "Stopped"}]
        assert await desk.boss.hear(talk, 1) == ("inform", {"agents": {"worker": stopped}})
        desk.crew.remove("default/worker")
        assert await desk.boss.hear(talk, 2) == ("inform", {"agents": {"worker": []}})
        desk.boss.send("ams", {}, "CANCEL", talk)
        assert await desk.boss.hear(talk, 3) == ("inform", {"cancelled": 1})
        assert desk.reading("caxton_ams_subscriptions") == 0

    async def test_a_subscription_ends_when_nobody_is_there_to_be_told(self, desk: Desk) -> None:
        await desk.boss.ask("ams", {"action": "watch"}, "SUBSCRIBE")
        desk.boss.leave()
        desk.crew.move("default/worker", State.STOPPED)
        await until(lambda: desk.reading("caxton_ams_subscriptions") == 0)

    async def test_one_agent_may_have_so_many(self, desk: Desk) -> None:
        acts = [
            (await desk.boss.ask("ams", {"action": "watch"}, "SUBSCRIBE"))[0] for _ in range(EACH_MAX + 1)
        ]
        assert acts == ["agree"] * EACH_MAX + ["refuse"]


class TestCommands:
    async def test_an_agent_stops_itself_and_is_not_told_what_it_could_not_hear(self, desk: Desk) -> None:
        talk = desk.worker.send("ams", {"action": "deregister"})
        assert await desk.worker.hear(talk) == ("agree", {"agent": "worker@node-1"})
        await until(lambda: desk.crew.states["default/worker"] is State.STOPPED)
        await at_rest(desk.office)
        assert len(desk.worker.of(talk)) == 1

    async def test_an_agent_restarts_itself_but_not_over_and_over(self, desk: Desk) -> None:
        talk = desk.worker.send("ams", {"action": "restart"})
        assert await desk.worker.hear(talk, 1) == ("inform", {"agent": "worker@node-1", "state": "Running"})
        act, answer = await desk.worker.ask("ams", {"action": "restart"})
        assert (act, answer["reason"]) == ("refuse", "too-soon")
        desk.office.clock.advance(6)
        assert (await desk.worker.ask("ams", {"action": "restart"}))[0] == "agree"

    async def test_others_are_managed_only_by_those_whose_manifest_says_so(self, desk: Desk) -> None:
        stop = {"action": "stop", "agent": "worker"}
        act, answer = await desk.boss.ask("ams", stop)
        assert (act, answer["reason"]) == ("refuse", "not-allowed")
        assert "--manage" in answer["detail"]
        assert desk.crew.states["default/worker"] is State.RUNNING
        desk.crew.grants.add(("default/boss", "default/worker"))
        talk = desk.boss.send("ams", stop)
        assert await desk.boss.hear(talk, 1) == ("inform", {"agent": "worker@node-1", "state": "Stopped"})
        talk = desk.boss.send("ams", {"action": "start", "agent": "worker"})
        assert await desk.boss.hear(talk, 1) == ("inform", {"agent": "worker@node-1", "state": "Running"})
        talk = desk.boss.send("ams", {"action": "start", "agent": "worker"})
        act, answer = await desk.boss.hear(talk, 1)
        assert (act, answer["reason"]) == ("failure", "INVALID_STATE")

    async def test_a_client_manages_nobody(self, desk: Desk) -> None:
        client = Speaker(desk.office.router, "client~1")
        act, answer = await client.ask("ams", {"action": "stop", "agent": "worker"})
        assert (act, answer["reason"]) == ("refuse", "not-allowed")

    async def test_nobody_of_this_name_and_two_of_it_are_told_apart(self, desk: Desk) -> None:
        desk.crew.grants |= {("default/boss", "default/ghost"), ("default/boss", "default/worker")}
        act, answer = await desk.boss.ask("ams", {"action": "stop", "agent": "ghost"})
        assert (act, answer["reason"]) == ("failure", "AGENT_NOT_FOUND")
        desk.crew.move("default/worker", State.RUNNING, node="node-2")
        act, answer = await desk.boss.ask("ams", {"action": "stop", "agent": "worker"})
        assert (act, answer["reason"]) == ("refuse", "ambiguous")
        act, answer = await desk.boss.ask("ams", {"action": "stop", "agent": "worker", "node": "node-1"})
        assert (act, answer) == ("agree", {"agent": "worker@node-1"})

    @pytest.mark.parametrize("more", [{"on_behalf_of": "boss"}, {"on_behalf_of": "ams"}])
    async def test_nobody_speaks_on_behalf_of_others(self, desk: Desk, more: dict[str, str]) -> None:
        act, answer = await desk.boss.ask("ams", {"action": "stop", "agent": "worker", **more})
        assert (act, answer["reason"]) == ("refuse", "not-allowed")


class TestOtherNodes:
    """What goes to node-2 is read from the mesh, and what it says comes back that way."""

    def _say(self, desk: Desk, envelope: Envelope) -> None:
        envelope.message_id, envelope.sent_at = bytes(16), 1
        desk.office.router.accept_remote("node-2", [encode(envelope)])

    async def _relayed(self, desk: Desk) -> tuple[str, Envelope]:
        desk.crew.grants.add(("default/boss", "default/far"))
        desk.crew.move("default/far", State.RUNNING, node="node-2")
        talk = desk.boss.send("ams", {"action": "stop", "agent": "far"})
        await until(lambda: len(desk.office.mesh.sent) == 1)
        return talk, desk.office.mesh.sent[0][2]

    async def test_what_another_node_must_do_is_asked_of_its_ams(self, desk: Desk) -> None:
        talk, sent = await self._relayed(desk)
        assert (sent.sender, sent.receivers) == ("ams@node-1", "ams@node-2")
        asked = json.loads(sent.content or b"")
        assert (asked["action"], asked["agent"]) == ("stop", "far")
        assert (asked["node"], asked["on_behalf_of"]) == ("node-2", "default/boss")
        for act, content in (
            (Performative.AGREE, {"agent": "far"}),
            (Performative.INFORM, {"state": "Stopped"}),
        ):
            answer = Envelope(
                act, "ams@node-2", "ams@node-1", json.dumps(content).encode(), sent.conversation_id
            )
            answer.in_reply_to = sent.reply_with
            self._say(desk, answer)
        assert await desk.boss.hear(talk) == ("inform", {"state": "Stopped"})

    async def test_nobody_else_answers_for_it(self, desk: Desk) -> None:
        talk, sent = await self._relayed(desk)
        desk.worker.send("ams", {"state": "Stopped"}, "INFORM", "forged", in_reply_to=sent.reply_with)
        await at_rest(desk.office)
        assert desk.boss.of(talk) == []

    async def test_if_it_does_not_answer_the_asker_is_told(self, desk: Desk) -> None:
        talk, _ = await self._relayed(desk)
        desk.office.clock.advance(61)
        desk.office.router.tick(desk.office.clock.unix_us())
        act, answer = await desk.boss.hear(talk)
        assert (act, answer["reason"]) == ("failure", "timeout")
        talk, _ = await self._relayed_again(desk)
        desk.office.router.handle_node_died("node-2")
        assert (await desk.boss.hear(talk))[1]["reason"] == "node-died"

    async def _relayed_again(self, desk: Desk) -> tuple[str, Envelope]:
        desk.office.mesh.sent.clear()
        return await self._relayed(desk)

    async def test_it_does_what_the_ams_of_another_node_asks_on_behalf_of_its_agent(self, desk: Desk) -> None:
        content = {"action": "stop", "agent": "worker", "node": "node-1", "on_behalf_of": "default/chief"}
        data = json.dumps(content).encode()
        self._say(desk, Envelope(Performative.REQUEST, "ams@node-2", "ams@node-1", data, "t-1", "q-1"))
        await until(lambda: desk.crew.states["default/worker"] is State.STOPPED)
        await until(lambda: len(desk.office.mesh.sent) == 2)
        answers = [decode(encode(sent[2])) for sent in desk.office.mesh.sent]
        assert [answer.performative.word for answer in answers] == ["agree", "inform"]
        assert {answer.in_reply_to for answer in answers} == {"q-1"}

    async def test_an_agent_of_another_node_is_sent_to_its_own(self, desk: Desk) -> None:
        for request in ({"action": "stop"}, {"action": "set-timer", "id": "t", "after_ms": 1}):
            desk.office.mesh.sent.clear()
            data = json.dumps(request).encode()
            self._say(desk, Envelope(Performative.REQUEST, "far@node-2", "ams@node-1", data, "t-2", "q-1"))
            await until(lambda: len(desk.office.mesh.sent) == 1)
            answer: Any = json.loads(desk.office.mesh.sent[0][2].content or b"")
            assert answer["reason"] == "not-here"
