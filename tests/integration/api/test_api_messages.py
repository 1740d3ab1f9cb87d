import asyncio
import json

import pytest
import pytest_asyncio

from caxton_node.core.errors import (
    DeadlineExceeded,
    DeliveryFailed,
    InvalidArgument,
    InvalidMessage,
    NotFound,
)
from tests.support.api import call
from tests.support.data_plane import until
from tests.support.guests import faulty, tiny, wat

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agents(nodes):
    """Run an echo, an agent that traps on demand and one that never answers."""
    n1, _ = nodes
    guests = {
        "echo": wat("echo"),
        "faulty": faulty(),
        "silent": tiny(handle="(call $handled (i32.const 1)) (i32.const 0)"),
    }
    for name, source in guests.items():
        await call(
            n1.local, lambda client, name=name, source=source: client.agents.deploy(name, source.encode())
        )
    yield
    for name in guests:
        await call(n1.local, lambda client, name=name: client.agents.undeploy(name, force=True))


async def test_a_reply_carries_its_conversation_and_its_latency(n1, agents):
    def send(client):
        return client.messages.send("echo", b'{"n": 1}', protocol="fipa-request", conversation_id="talk-7")

    answer = await call(n1.local, send)
    assert (answer.conversation_id, answer.reply.conversation_id) == ("talk-7", "talk-7")
    assert (answer.reply.performative, answer.reply.sender) == ("inform", "echo@n1")
    assert 0 < answer.latency_us < 5_000_000
    assert len(answer.message_id) == 32


async def test_a_message_can_be_sent_without_waiting(n1, agents):
    answer = await call(n1.local, lambda client: client.messages.send("echo", b"1", wait=False))
    assert not answer.HasField("reply")
    assert answer.message_id


@pytest.mark.parametrize(
    ("to", "content", "options", "error", "says"),
    [
        ("nobody", b"1", {}, NotFound, "no agent nobody"),
        ("Not An Address", b"1", {}, InvalidArgument, "is not an agent name"),
        ("echo", b"1", {"performative": "shout"}, InvalidMessage, "is not a performative"),
        ("echo", bytes(2 * 2**20), {}, InvalidMessage, "the content has 2,097,152 bytes"),
        ("echo", b"1", {"conversation_id": "c" * 300}, InvalidArgument, "cannot be used"),
        ("faulty", b"trap", {"language": "text"}, DeliveryFailed, "trapped"),
        ("silent", b"1", {"timeout_s": 0.2}, DeadlineExceeded, "silent"),
    ],
)
async def test_a_message_that_fails_says_what_why_and_what_next(
    n1, agents, to, content, options, error, says
):
    with pytest.raises(error, match=says) as caught:
        await call(n1.local, lambda client: client.messages.send(to, content, **options))
    assert caught.value.hint
    assert any(note.startswith("trace ") for note in caught.value.__notes__)


async def test_what_nobody_received_is_listed_with_its_reason(n1):
    with pytest.raises(NotFound):
        await call(n1.local, lambda client: client.messages.send("lost-and-found", b'"keepsake"'))
    letters = await call(n1.local, lambda client: client.messages.dead_letters(limit=1000))
    # What other tests have let time out dies when it likes, so ours need not be the newest.
    (letter,) = [found for found in letters.dead_letters if found.receiver == "lost-and-found"]
    assert (letter.reason, letter.message.content) == ("no-such-agent", b'"keepsake"')
    assert letters.total >= len(letters.dead_letters)
    newest = await call(n1.local, lambda client: client.messages.dead_letters(limit=1))
    assert len(newest.dead_letters) == 1


async def test_a_follower_sees_request_and_reply_of_its_agent_only(n1, agents):
    seen = []
    following = asyncio.Event()
    loop = asyncio.get_running_loop()

    def follow(client):
        events = client.messages.subscribe(["echo"])
        loop.call_soon_threadsafe(following.set)
        for event in events:
            seen.append((event.message.performative, event.message.content))
            if len(seen) == 2:
                return

    watching = asyncio.create_task(call(n1.local, follow))
    await following.wait()
    async with asyncio.timeout(10):
        await until(lambda: n1.daemon.mail.router.tap.listeners)
        await call(n1.local, lambda client: client.messages.send("faulty", b'"not mine"'))
        await call(n1.local, lambda client: client.messages.send("echo", json.dumps("mine").encode()))
        await watching
    assert seen == [("request", b'"mine"'), ("inform", b'"mine"')]
    await until(lambda: not n1.daemon.mail.router.tap.listeners)
