"""Messages as FIPA writes them, from the shell to an agent and back, and every field on the way."""

import asyncio

import pytest
import pytest_asyncio

from caxton_node.core.errors import InvalidArgument, InvalidMessage, NotFound
from caxton_node.fipa import Performative
from caxton_node.fipa.text import read_text
from tests.support.api import call
from tests.support.cli import caxton
from tests.support.data_plane import until
from tests.support.guests import wat

pytestmark = [pytest.mark.story("005"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def echoes(nodes):
    """Run two echoes."""
    n1, _ = nodes
    for name in ("parrot", "lyrebird"):
        await call(n1.local, lambda client, name=name: client.agents.deploy(name, wat("echo").encode()))
    yield
    for name in ("parrot", "lyrebird"):
        await call(n1.local, lambda client, name=name: client.agents.undeploy(name, force=True))


async def run(node, *words, **options):
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words, **options)


async def following(node, send, *words):
    """Follow the parrot with these options while something is sent; return what was printed."""
    watching = asyncio.create_task(run(node, "message", "stream", "--agent", "parrot", *words))
    await until(lambda: node.daemon.mail.router.tap.listeners)
    await send()
    followed = await watching
    await until(lambda: not node.daemon.mail.router.tap.listeners)  # or the next would be told too early
    return followed


async def test_a_message_written_as_fipa_does_is_sent_and_answered(n1, echoes):
    text = """
      (request :receiver (set (agent-identifier :name parrot))
        :content "{\\"a\\": 1}" :protocol fipa-request :conversation-id talk-8
        :reply-by +00000000T000020000)"""
    done = await run(n1, "message", "send", "--acl", text)
    assert (done.code, done.out) == (0, '{"a": 1}\n'), done.err
    assert done.err.startswith("inform from parrot@n1 after ")
    piped = await run(n1, "message", "send", "--acl", "-", stdin=text)
    assert (piped.code, piped.out) == (0, '{"a": 1}\n')


async def test_messages_are_followed_as_fipa_writes_them_and_each_is_one_that_can_be_read(n1, echoes):
    text = '(request :receiver parrot :content "1" :ontology x :X-Site "here \\\\ there" :reply-with my-1)'

    async def send():
        assert (await run(n1, "message", "send", "--acl", text)).code == 0

    done = await following(n1, send, "--acl", "--limit", "2")
    request, answer = (read_text(line) for line in done.out.splitlines())
    assert (request.performative, answer.performative) == (Performative.REQUEST, Performative.INFORM)
    assert (request.receivers, answer.sender) == ("parrot", "parrot@n1")
    assert (request.ontology, request.reply_with, answer.in_reply_to) == ("x", "my-1", "my-1")
    assert request.headers == read_text(text).headers


async def test_every_field_that_a_client_may_write_arrives(n1, echoes):
    seen = []

    def follow(client):
        seen.append(next(iter(client.messages.subscribe(["parrot"]))).message)

    watching = asyncio.create_task(call(n1.local, follow))
    await until(lambda: n1.daemon.mail.router.tap.listeners)
    fields = {
        "performative": "inform",
        "language": "text",
        "ontology": "birds",
        "protocol": "songs",
        "conversation_id": "talk-9",
        "encoding": "utf-8",
        "reply_to": "lyrebird",
        "reply_with": "r-9",
        "in_reply_to": "r-8",
        "reply_by_unix_ms": 4_000_000_000_000,
        "headers": {"site": "here", "b": "ü"},
    }
    await call(n1.local, lambda client: client.messages.send("parrot", b"sing", wait=False, **fields))
    await watching
    (message,) = seen
    assert {name: getattr(message, name) for name in fields} == fields


async def test_a_message_to_several_waits_for_the_first_answer(n1, echoes):
    text = '(request :receiver (set parrot lyrebird) :content "1")'
    done = await run(n1, "message", "send", "--acl", text)
    assert (done.code, done.out) == (0, "1\n")
    assert done.err.split()[2] in {"parrot@n1", "lyrebird@n1"}
    with pytest.raises(NotFound, match="no agent dodo"):
        await call(n1.local, lambda client: client.messages.send("dodo", b"1", also_to=["emu"]))
    with pytest.raises(InvalidArgument, match="is not an agent name"):
        await call(n1.local, lambda client: client.messages.send("parrot", b"1", also_to=["Not One"]))


async def test_plain_words_are_sent_as_text_and_json_as_json(n1, echoes):
    for words, language in (("plain words", "text"), ('{"a": 1}', "json"), ("7", "json")):

        async def send(words=words):
            done = await run(n1, "message", "send", "--to", "parrot", "--content", words)
            assert (done.code, done.out) == (0, f"{words}\n"), done.err

        followed = await following(n1, send, "--acl", "--limit", "1")
        assert (read_text(followed.out).language or "json") == language


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"reply_to": "lyrebird"}, InvalidArgument, "nobody can wait"),
        ({"reply_to": "Not One", "wait": False}, InvalidMessage, "reply_to"),
        ({"headers": {"": "x"}, "wait": False}, InvalidArgument, "cannot be used"),
        ({"encoding": "e" * 256, "wait": False}, InvalidArgument, "cannot be used"),
        ({"reply_by_unix_ms": -1, "wait": False}, InvalidArgument, "cannot be used"),
        ({"also_to": [f"a-{number}" for number in range(256)]}, InvalidArgument, "cannot be used"),
    ],
)
async def test_a_field_that_cannot_be_used_is_refused(n1, echoes, options, error, says):
    with pytest.raises(error, match=says):
        await call(n1.local, lambda client: client.messages.send("parrot", b"1", **options))


async def test_an_act_that_its_protocol_does_not_allow_is_answered_with_what_is_allowed(n1, echoes):
    text = '(propose :receiver parrot :content "{}" :protocol fipa-contract-net :conversation-id talk-9)'
    refused = await run(n1, "message", "send", "--acl", text)
    assert refused.code == 2
    assert "the initiator may not open with propose" in refused.err
    assert "allowed now: cfp" in refused.err
