"""Where messages are, traces and conversations, through the API and the command line of two nodes."""

import asyncio
import json
import time

import pytest
import pytest_asyncio

from caxton_node.core.errors import (
    DeadlineExceeded,
    InvalidArgument,
    InvalidMessage,
    NotFound,
    Unauthorized,
)
from caxton_node.pb import tracking_pb2 as pb
from caxton_node.security import Role
from tests.support.api import call, seen_by
from tests.support.cli import Done, caxton
from tests.support.data_plane import until
from tests.support.guests import tiny, wat

pytestmark = [pytest.mark.story("002"), pytest.mark.asyncio(loop_scope="session")]
UNKNOWN = "000661230b8bd9d6bae3ba1600000003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agents(nodes):
    """Run an agent that answers on each node, and one that never does."""
    first, second = nodes
    silent = tiny(handle="(call $handled (i32.const 1)) (i32.const 0)")
    guests = ((first, "near", wat("echo")), (second, "far", wat("echo")), (first, "quiet", silent))
    for node, name, source in guests:
        await call(
            node.local, lambda client, name=name, source=source: client.agents.deploy(name, source.encode())
        )
    await seen_by(first, "far")
    yield
    for node, name, _ in guests:
        await call(node.local, lambda client, name=name: client.agents.undeploy(name, force=True))


async def send(node, to: str, **options):
    return await call(node.local, lambda client: client.messages.send(to, b"1", **options))


async def where(node, message_id: str) -> pb.WhereIsMessageResponse:
    return await call(node.local, lambda client: client.messages.where(message_id))


async def settled(node, message_id: str, state: str) -> list[pb.Whereabouts]:
    """Return where a message is once its first receiver has come to a state."""
    async with asyncio.timeout(10):
        while True:
            rows = (await where(node, message_id)).receivers
            if rows[0].state == pb.DeliveryState.Value(f"DELIVERY_STATE_{state}"):
                return list(rows)


async def run(node, *words) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words)


@pytest.mark.usefixtures("agents")
class TestWhere:
    """Where a message is."""

    async def test_what_another_node_has_handled_is_told_by_any_node(self, n1, n2):
        message_id = (await send(n1, "far")).message_id
        for asked in (n1, n2):
            (row,) = await settled(asked, message_id, "HANDLED")
            assert (row.receiver, row.node, row.instance, row.version) == (
                "far@n2", "n2", "far#1.0.0.1@n2", "1.0.0"
            )  # fmt: skip
            assert row.since_unix_us > 0

    async def test_each_receiver_has_its_row(self, n1):
        sent = await send(n1, "near", also_to=["far", "nowhere"], wait=False)
        await until(lambda: n1.daemon.mail.router.counts().in_flight == 0)
        rows = {row.receiver: row for row in await settled(n1, sent.message_id, "HANDLED")}
        assert sorted(rows) == ["far@n2", "near@n1", "nowhere"]
        assert (rows["nowhere"].state, rows["nowhere"].reason) == (
            pb.DELIVERY_STATE_REFUSED,
            "no-such-agent",
        )

    async def test_the_answer_says_when_it_was_sent(self, n1):
        before_us = n1.daemon.ground.clock.unix_us()
        answer = await where(n1, (await send(n1, "near")).message_id)
        assert before_us <= answer.sent_unix_us <= n1.daemon.ground.clock.unix_us()

    async def test_with_a_time_to_live_it_waits_for_its_receiver_and_reaches_it(self, n1, n2):
        before_unix_ms = int(time.time() * 1000)
        sent = await send(n1, "late-comer", wait=False, ttl_s=600)
        (row,) = (await where(n2, sent.message_id)).receivers
        assert (row.state, row.reason, row.node) == (pb.DELIVERY_STATE_PARKED, "no-such-agent", "n1")
        assert (
            before_unix_ms <= row.until_unix_ms - 600_000 <= row.since_unix_us // 1000
        )  # it counts from sending
        await call(n2.local, lambda client: client.agents.deploy("late-comer", wat("echo").encode()))
        (row,) = await settled(n1, sent.message_id, "HANDLED")
        assert (row.receiver, row.node) == ("late-comer@n2", "n2")
        await call(n2.local, lambda client: client.agents.undeploy("late-comer", force=True))

    async def test_when_its_time_is_over_whoever_waits_is_told(self, n1):
        with pytest.raises(DeadlineExceeded, match="expired") as caught:
            await send(n1, "never", ttl_s=0.2)
        (message_id,) = [
            note.removeprefix("message ") for note in caught.value.__notes__ if "message" in note
        ]
        (row,) = (await where(n1, message_id)).receivers
        assert row.state == pb.DELIVERY_STATE_EXPIRED

    async def test_whoever_waits_in_vain_is_told_where_it_is(self, n1):
        with pytest.raises(DeadlineExceeded) as caught:
            await send(n1, "not-there", ttl_s=600, timeout_s=0.3)
        assert "not-there" in caught.value.why
        assert any(note.startswith("message ") for note in caught.value.__notes__)

    @pytest.mark.parametrize(
        ("message_id", "error", "says"),
        [
            (UNKNOWN, NotFound, "no node that is alive knows it"),
            ("f" * 32, NotFound, "time of sending"),
            ("talk-1", InvalidArgument, "32 hexadecimal digits"),
        ],
    )
    async def test_what_nobody_knows_is_said_with_a_reason_and_a_next_step(self, n1, message_id, error, says):
        with pytest.raises(error) as caught:
            await where(n1, message_id)
        assert says in caught.value.why
        assert caught.value.hint

    async def test_a_time_to_live_has_its_bounds(self, n1):
        with pytest.raises(InvalidArgument, match="cannot live"):
            await send(n1, "near", ttl_s=40 * 86_400)


@pytest.mark.usefixtures("agents")
class TestTrace:
    """The way of all messages of a conversation."""

    async def trace(self, node, key: str) -> list[pb.TraceStep]:
        return list((await call(node.local, lambda client: client.messages.trace(key))).steps)

    async def test_a_conversation_over_two_nodes_is_one_story_wherever_it_is_asked(self, n1, n2):
        sent = await send(n1, "far", conversation_id="story-1")
        for asked, key in (
            (n1, "story-1"),
            (n2, "story-1"),
            (n1, sent.message_id),
            (n2, sent.reply.message_id),
        ):
            question, answer = await self.trace(asked, key)
            assert (question.message_id, answer.message_id) == (sent.message_id, sent.reply.message_id)
            assert (question.receiver, question.node, question.outcome) == ("far@n2", "n2", "handled")
            assert question.instance == "far#1.0.0.1@n2"
            assert question.sent_unix_us <= question.taken_unix_us <= question.ended_unix_us
            assert (answer.caused_by, answer.answer, answer.depth) == (sent.message_id, True, 0)
            assert (answer.node, answer.outcome) == ("n1", "handled")

    async def test_a_conversation_that_nobody_followed_is_followed_from_then_on(self, n1):
        begun = n1.daemon.mail.router.conversations.begin(
            "story-2", "near@n1", 0, bytes(range(16)), is_followed=False
        )
        sent = await send(n1, "near", conversation_id="story-2", trace=True)
        steps = await self.trace(n1, "story-2")
        assert [step.message_id for step in steps] == [sent.message_id, sent.reply.message_id]
        assert {step.trace_id for step in steps} == {begun.trace_id.hex()}

    async def test_what_reached_nobody_is_part_of_the_story(self, n1):
        await send(n1, "nobody-there", conversation_id="story-3", wait=False)
        question, failure = await self.trace(n1, "story-3")
        assert (question.receiver, question.outcome) == ("nobody-there", "refused: no-such-agent")
        assert (failure.sender, failure.performative, failure.answer) == ("ams", "failure", True)

    @pytest.mark.parametrize("key", [UNKNOWN, "nothing-of-the-kind"])
    async def test_what_was_not_followed_is_said_with_how_to(self, n1, key):
        with pytest.raises(NotFound) as caught:
            await self.trace(n1, key)
        assert "--trace" in caught.value.hint

    @pytest.mark.parametrize("key", ["", " ", "x" * 256])
    async def test_what_is_no_key_is_refused(self, n1, key):
        with pytest.raises(InvalidArgument):
            await self.trace(n1, key)


@pytest.mark.usefixtures("agents")
class TestConversations:
    """Who talks, and how far they have come."""

    async def test_two_nodes_see_one_course(self, n1, n2):
        await send(n1, "far", conversation_id="talk-11", protocol="fipa-request")
        found = (await call(n2.local, lambda client: client.messages.conversation("talk-11"))).conversation
        (course,) = found.courses
        assert (course.protocol, course.participant, course.stage, course.open) == (
            "fipa-request", "far@n2", "done", False
        )  # fmt: skip
        assert list(course.nodes) == ["n1", "n2"]
        assert found.initiator == course.initiator
        assert [(part.node, part.messages, part.faults) for part in found.parts] == [
            ("n1", 2, 0),
            ("n2", 2, 0),
        ]
        assert (found.open, found.protocol, dict(found.stages)) == (False, "fipa-request", {"done": 1})

    async def test_what_is_open_is_listed_with_what_may_come(self, n1):
        await send(n1, "quiet", conversation_id="talk-12", protocol="fipa-request", wait=False)

        def ask(client):
            return client.messages.conversations(agent="quiet"), client.messages.conversation("talk-12")

        listed, found = await call(n1.local, ask)
        assert [(talk.conversation_id, talk.open) for talk in listed.conversations] == [("talk-12", True)]
        (course,) = found.conversation.courses
        assert course.stage == "requested"
        assert {"agree", "inform", "refuse"} < set(course.participant_may)

    async def test_what_is_over_is_listed_only_with_all(self, n1, n2):
        await send(n1, "far", conversation_id="talk-13", protocol="fipa-request")

        def ask(client):
            return [
                {talk.conversation_id for talk in client.messages.conversations(**options).conversations}
                for options in (
                    {},
                    {"everything": True},
                    {"everything": True, "node": "n2"},
                    {"everything": True, "agent": "far@n1"},
                )
            ]

        open_ones, everything, of_n2, of_nobody = await call(n1.local, ask)
        assert "talk-13" not in open_ones
        assert "talk-13" in everything & of_n2
        assert of_nobody == set()

    async def test_a_list_is_bounded_and_the_latest_come_first(self, n1):
        for number in range(3):
            await send(n1, "near", conversation_id=f"talk-2{number}")

        def ask(client):
            return client.messages.conversations(everything=True, limit=2, agent="near").conversations

        assert [talk.conversation_id for talk in await call(n1.local, ask)] == ["talk-22", "talk-21"]

    async def test_an_unknown_one_is_not_found(self, n1):
        with pytest.raises(NotFound, match="no conversation 'talk-99'"):
            await call(n1.local, lambda client: client.messages.conversation("talk-99"))


async def test_who_may_read_messages_may_ask_and_nobody_else(n1):
    token = await n1.daemon.store.tokens.issue_api_token(env="test", client="onlooker", role=Role.VIEWER)
    for ask in ("where", "trace", "conversation"):
        for credential, error in ((token, NotFound), ("", Unauthorized)):
            with pytest.raises(error):
                await call(
                    n1.remote(credential), lambda client, ask=ask: getattr(client.messages, ask)(UNKNOWN)
                )


async def readings(node) -> dict[str, float]:
    """Return the metrics of a node by name and labels."""
    metrics = await call(node.local, lambda client: client.server.metrics(prefix="caxton_"))
    return {
        "/".join([metric.name, *sample.labels.values()]): sample.value
        for metric in metrics
        for sample in metric.samples
    }


@pytest.mark.usefixtures("agents")
async def test_what_is_parked_open_begun_and_not_allowed_is_counted(n1):
    before = await readings(n1)
    await send(n1, "quiet", protocol="fipa-query", performative="query-if", wait=False)
    await send(n1, "much-later", wait=False, ttl_s=600)
    with pytest.raises(InvalidMessage):
        await send(n1, "near", protocol="fipa-request", performative="inform")
    after = await readings(n1)
    grown = {
        "caxton_messages_parked": 1,
        "caxton_conversations_open": 1,
        "caxton_conversations_total/fipa-query": 1,
        "caxton_conversations_total/fipa-request": 0,
        "caxton_protocol_violations_total": 1,
        "caxton_protocol_unjudged_total": 0,
        "caxton_trace_spans_dropped_total": 0,
    }
    assert {name: after[name] - before[name] for name in grown} == grown
    status = await call(n1.local, lambda client: client.cluster.status())
    assert status.messages.parked == after["caxton_messages_parked"]


@pytest.mark.usefixtures("agents")
class TestShell:
    """The verbs of the command line."""

    async def test_a_message_is_sent_found_and_traced(self, n1, n2):
        sent = await run(n1, "message", "send", "--to", "far", "--data", "1", "--conversation", "shell-1")
        message_id = sent.err.strip().rpartition(" ")[2]
        found = await run(n2, "message", "where", message_id.upper())
        assert found.out.splitlines()[-1].split()[:2] == ["far@n2", "handled"]
        assert found.out.rstrip().endswith("by version 1.0.0")
        traced = await run(n1, "message", "trace", message_id)
        assert traced.out.splitlines()[0].startswith("conversation shell-1, began at ")
        question, answer = traced.out.splitlines()[3:5]
        assert " request  client~" in question
        assert " └ inform   far@n2 → client~" in answer
        assert max(map(len, traced.out.splitlines())) <= 100

    async def test_what_nobody_knows_leaves_3(self, n1):
        for verb in ("where", "trace"):
            done = await run(n1, "message", verb, UNKNOWN)
            assert (done.code, done.out) == (3, "")
            assert "next:" in done.err
        assert (await run(n1, "message", "where", "0")).code == 2

    async def test_a_parked_message_has_no_trace_yet_but_a_place(self, n1):
        sent = await run(n1, "message", "send", "--to", "tomorrow", "--no-wait", "--ttl", "1h")
        message_id = sent.out.split()[-1]
        done = await run(n1, "message", "trace", message_id)
        assert done.code == 0
        assert " parked " in done.out
        as_json = json.loads((await run(n1, "message", "trace", message_id, "-o", "json")).out)
        assert as_json["steps"] == [] or as_json["steps"][0]["performative"] == "request"

    async def test_a_conversation_is_shown_and_all_are_listed(self, n1):
        await run(n1, "message", "send", "--to", "near", "--data", "1", "--conversation", "shell-2")
        shown = await run(n1, "message", "conversation", "shell-2")
        assert shown.out.startswith("conversation shell-2 is not open")
        listed = await run(n1, "message", "conversation", "--all", "--agent", "near")
        assert any(line.startswith("shell-2 ") for line in listed.out.splitlines())
        assert (await run(n1, "message", "conversation", "shell-99")).code == 3
