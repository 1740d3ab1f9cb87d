"""Dead letters through the API and the command line of two nodes."""

import asyncio
import json

import pytest

from caxton_node.core.errors import Forbidden, InvalidArgument, NotFound
from caxton_node.fipa import Envelope, Performative, decode
from caxton_node.observability import configure_logs
from caxton_node.security import Role
from tests.support.api import call
from tests.support.cli import Done, caxton
from tests.support.data_plane import until
from tests.support.guests import wat

pytestmark = [pytest.mark.story("002"), pytest.mark.asyncio(loop_scope="session")]


async def lose(node, receiver: str, content: bytes = b"keepsake", **options) -> str:
    """Send something to nobody; return the id of the message."""

    def send(client):
        options.setdefault("language", "text")
        return client.messages.send(receiver, content, wait=False, **options)

    return (await call(node.local, send)).message_id


async def listed(asked, **options):
    return (await call(asked.local, lambda client: client.messages.dead_letters(**options))).dead_letters


async def run(node, *words, **options) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words, **options)


class TestApi:
    async def test_a_letter_is_looked_at_whole(self, n1):
        message_id = await lose(n1, "attic", b"x" * 10_000, conversation_id="talk-1")
        (row,) = await listed(n1, letters={"receiver": "attic"})
        assert (row.message.message_id, row.message.content) == (message_id, b"")
        assert (row.content_left_out, row.node, row.sent_again) == (True, "n1", 0)
        found = await call(n1.local, lambda client: client.messages.dead_letter(row.id))
        assert found.dead_letter.message.content == b"x" * 10_000
        assert (found.dead_letter.reason, found.dead_letter.message.conversation_id) == (
            "no-such-agent", "talk-1"
        )  # fmt: skip
        assert decode(found.envelope).content == b"x" * 10_000
        assert found.dead_letter.size_bytes == len(found.envelope)

    async def test_pages_and_filters_and_counts(self, n1):
        for number in range(5):
            await lose(n1, "cellar", b"%d" % number)
        letters = {"receiver": "cellar", "reason": "no-such-agent"}
        first = await call(n1.local, lambda client: client.messages.dead_letters(letters=letters, limit=3))
        token = first.next_page_token
        second = await call(
            n1.local, lambda client: client.messages.dead_letters(letters=letters, page_token=token)
        )
        contents = [found.message.content for page in (first, second) for found in page.dead_letters]
        assert (contents, second.next_page_token) == ([b"4", b"3", b"2", b"1", b"0"], "")
        counts = {found.reason: found for found in first.counts}
        assert counts["no-such-agent"].total >= counts["no-such-agent"].kept >= 5
        assert first.total == sum(found.total for found in first.counts)
        late = first.dead_letters[0].at_unix_ms + 1
        assert await listed(n1, letters={**letters, "since_unix_ms": late}) == []

    async def test_a_letter_of_another_node_is_sent_again_from_here(self, n1, n2):
        message_id = await lose(n2, "echo-2", b"late")
        (row,) = await listed(n1, node="n2", letters={"receiver": "echo-2"})
        await call(n2.local, lambda client: client.agents.deploy("echo-2", wat("echo").encode()))
        passing: list[Envelope] = []
        unfollow = n2.daemon.mail.router.tap.follow(lambda frames: passing.extend(map(decode, frames)))
        sent = await call(n1.local, lambda client: client.messages.resend_dead_letters([row.id], node="n2"))
        await until(lambda: any(envelope.content == b"late" for envelope in passing))
        unfollow()
        assert (sent.sent, sent.came_back, sent.skipped, sent.left) == (1, 0, 0, 0)
        arrived = next(envelope for envelope in passing if envelope.content == b"late")
        assert (arrived.message_id.hex(), arrived.performative) == (message_id, Performative.REQUEST)
        assert await listed(n1, node="n2", letters={"receiver": "echo-2"}) == []
        await call(n2.local, lambda client: client.agents.undeploy("echo-2", force=True))

    async def test_letters_are_dropped_by_what_they_have_in_common(self, n1):
        for _ in range(3):
            await lose(n1, "shed")
        letters = {"receiver": "shed"}
        dropped = await call(n1.local, lambda client: client.messages.drop_dead_letters(letters=letters))
        assert (dropped, list(await listed(n1, letters=letters))) == (3, [])

    @pytest.mark.parametrize(
        ("ask", "error", "says"),
        [
            (lambda messages: messages.dead_letter(10**15), NotFound, "no dead letter 1000000000000000"),
            (lambda messages: messages.resend_dead_letters([10**15]), NotFound, "no dead letter"),
            (lambda messages: messages.resend_dead_letters(), InvalidArgument, "no dead letters are chosen"),
            (lambda messages: messages.drop_dead_letters(), InvalidArgument, "no dead letters are chosen"),
            (lambda messages: messages.dead_letters(letters={"reason": "bored"}), InvalidArgument, "'bored'"),
            (
                lambda messages: messages.dead_letters(letters={"sender": "A B"}),
                InvalidArgument,
                "agent name",
            ),
            (lambda messages: messages.dead_letters(page_token="x"), InvalidArgument, "page token"),
            (lambda messages: messages.drop_dead_letters(range(10_001)), InvalidArgument, "10,001 ids"),
        ],
    )
    async def test_what_cannot_be_meant_is_refused_with_a_next_step(self, n1, ask, error, says):
        with pytest.raises(error, match=says) as caught:
            await call(n1.local, lambda client: ask(client.messages))
        assert caught.value.hint or caught.value.why

    async def test_who_may_only_read_looks_and_does_nothing(self, n1):
        token = await n1.daemon.store.tokens.issue_api_token(env="test", client="reader", role=Role.VIEWER)
        await lose(n1, "hall")
        row, *_ = await listed(n1)
        reader = n1.remote(token)
        assert (await call(reader, lambda client: client.messages.dead_letters())).total > 0
        for ask in ("resend_dead_letters", "drop_dead_letters"):
            with pytest.raises(Forbidden):
                await call(reader, lambda client, ask=ask: getattr(client.messages, ask)([row.id]))

    async def test_the_audit_log_names_what_was_chosen_and_what_became_of_it(self, n1, capfd):
        await lose(n1, "barn")
        letters = {"receiver": "barn"}
        configure_logs(level="info", format="json")
        await call(n1.local, lambda client: client.messages.resend_dead_letters(letters=letters))
        await call(n1.local, lambda client: client.messages.drop_dead_letters(letters=letters))
        configure_logs(level="warning")
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"audit"' in line]
        audited = {line["event"]: line for line in lines}
        assert audited["ResendDeadLetters"]["outcome"] == audited["DropDeadLetters"]["outcome"] == "OK"
        resent, dropped = audited["DeadLettersResent"], audited["DeadLettersDropped"]
        assert (resent["sent"], resent["came_back"], resent["filter"]) == (1, 1, letters)
        assert (dropped["dropped"], dropped["principal"]) == (1, resent["principal"])

    async def test_the_metrics_count_them_by_reason(self, n1):
        await lose(n1, "roof")
        metrics = await call(n1.local, lambda client: client.server.metrics(prefix="caxton_dead_letters"))
        found = {metric.name: metric.samples for metric in metrics}
        (sample,) = [
            one for one in found["caxton_dead_letters_total"] if one.labels["reason"] == "no-such-agent"
        ]
        assert sample.value >= 1
        assert found["caxton_dead_letters"][0].value >= 1


class TestCommandLine:
    async def test_a_letter_is_listed_shown_sent_again_and_dropped(self, n1):
        await lose(n1, "pantry", b"jam\x1b[2J", conversation_id="talk-7")
        rows = json.loads((await run(n1, "message", "dead", "--receiver", "pantry", "-o", "json")).out)
        (row,) = rows
        assert (row["reason"], row["content"], row["conversation_id"]) == (
            "no-such-agent", "jam\x1b[2J", "talk-7"
        )  # fmt: skip
        table = (await run(n1, "queue", "dead-letters", "list", "--receiver", "pantry")).out.splitlines()
        assert table[0].split() == [
            "ID", "TIME", "REASON", "RECEIVER", "SENDER", "PERFORMATIVE", "SIZE", "AGAIN"
        ]  # fmt: skip
        assert table[1].split()[0] == str(row["id"])
        shown = (await run(n1, "message", "dead", "get", row["id"])).out
        assert f"{row['id']}  request to pantry: no-such-agent" in shown
        assert "talk-7" in shown
        again = await run(n1, "message", "dead", "resend", row["id"])
        assert again.out == "1 sent again; 1 came back and are listed anew\n"
        gone = await run(n1, "message", "dead", "get", row["id"])
        assert (gone.code, f"no dead letter {row['id']}" in gone.err) == (3, True)
        dropped = await run(n1, "queue", "dead", "drop", "--receiver", "pantry", "--yes")
        assert dropped.out == "1 dropped\n"
        empty = await run(n1, "message", "dead", "--receiver", "pantry")
        assert (empty.out, empty.err) == ("", "no dead letters\n")

    async def test_those_of_all_nodes_are_listed_together_newest_first(self, n1, n2):
        for node in (n2, n1):
            await lose(node, "garden")
        done = await run(n1, "message", "dead", "--all-nodes", "--receiver", "garden", "-o", "json")
        assert [row["node"] for row in json.loads(done.out)] == ["n1", "n2"]

    async def test_the_counts_cover_all_letters_and_not_only_those_listed(self, n1):
        await lose(n1, "yard")
        before = json.loads((await run(n1, "queue", "stats", "-o", "json")).out)
        await run(n1, "message", "dead", "drop", "--all", "-y")
        after = json.loads((await run(n1, "queue", "stats", "-o", "json")).out)
        since, kept = "dead_letters_by_reason", "kept_dead_letters_by_reason"
        assert before[kept]["no-such-agent"] >= 1
        assert after[kept]["no-such-agent"] == 0
        assert after[since]["no-such-agent"] == before[since]["no-such-agent"]
        assert "no-such-agent" in (await run(n1, "queue", "stats")).out

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("resend",), 2, "no dead letters are chosen"),
            (("drop", "--yes"), 2, "no dead letters are chosen"),
            (("--reason", "bored"), 2, "is not a reason"),
            (("get", "seven"), 2, "is not a number"),
            (("--node", "n1", "--all-nodes"), 2, "exclude each other"),
            (("revive",), 2, "revive"),
        ],
    )
    async def test_what_cannot_be_meant_is_told(self, n1, words, code, says):
        done = await run(n1, "message", "dead", *words)
        assert (done.code, says in done.err) == (code, True), done.err

    async def test_it_asks_before_it_forgets(self, n1):
        await lose(n1, "loft")
        done = await run(n1, "message", "dead", "drop", "--receiver", "loft", stdin="n\n")
        assert (done.code, "Forget dead letters for good (receiver loft)?" in done.err) == (130, True)
        assert len(await listed(n1, letters={"receiver": "loft"})) == 1

    async def test_help_shows_the_verbs(self, n1):
        done = await run(n1, "message", "dead", "--help")
        assert all(word in done.out for word in ("list", "get", "resend", "drop"))
