import asyncio
import base64
import json

import pytest

from tests.support.guests import wat

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

ECHO = base64.b64encode(wat("echo").encode()).decode()
FAILURES = "caxton_auth_failures_total"
LETTER = {"to": "echo", "no_wait": True}
TASK = {"content": "e30=", "contractors": ["echo"], "proposals_within_ms": 400, "results_within_ms": 400}


async def test_a_request_that_is_sent_twice_is_done_once(web):
    first, again = [
        await web.ask("POST", "/api/v1/messages", LETTER, {"idempotency-key": "once"}) for _ in range(2)
    ]
    assert first.status == again.status == 200
    assert first.body == again.body
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = await web.ask("POST", "/api/v1/messages", LETTER, {"idempotency-key": "another"})
    assert other.json["message_id"] != first.json["message_id"]


async def test_an_error_is_an_answer_too(web):
    for _ in range(2):
        answer = await web.ask("POST", "/api/v1/agents/nobody/start", {}, {"idempotency-key": "err"})
        assert (answer.status, answer.json["code"]) == (404, "AGENT_NOT_FOUND")
    assert answer.headers["idempotent-replayed"] == "true"


async def test_a_key_is_for_one_request(web):
    key = {"idempotency-key": "reused"}
    assert (await web.ask("POST", "/api/v1/agents/echo/restart", {}, key)).status == 200
    for verb, path, body in (
        ("POST", "/api/v1/agents/echo/restart", {"node": "n1"}),
        ("POST", "/api/v1/agents/echo/stop", {}),
        ("PATCH", "/api/v1/agents/echo", {}),
    ):
        answer = await web.ask(verb, path, body, key)
        assert (answer.status, answer.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_of_one_caller(node, web, tls):
    key = {"idempotency-key": "mine"}
    mine = await web.ask("POST", "/api/v1/messages", LETTER, key)
    theirs = await tls.ask("POST", "/api/v1/messages", LETTER, key)
    assert mine.json["message_id"] != theirs.json["message_id"]
    nobody = await tls.having().ask("POST", "/api/v1/messages", LETTER, key)
    assert nobody.status == 401


async def test_a_wrong_credential_counts_once(node, tls):
    before = failures(node)
    wrong = tls.having(authorization="Bearer cax_dev_" + "0" * 40 + "_x")
    answer = await wrong.ask("POST", "/api/v1/messages", LETTER, {"idempotency-key": "wrong"})
    assert (answer.status, failures(node) - before) == (401, 1)


async def test_who_may_not_leaves_nothing(node, web, tls):
    made = await web.ask("POST", "/api/v1/security/keys", {"name": "low", "grants": ["viewer"]})
    low = tls.having(authorization=f"Bearer {made.json['token']}")
    answer = await low.ask("POST", "/api/v1/messages", LETTER, {"idempotency-key": "low"})
    assert answer.status == 403
    assert await node.daemon.store.database.read("SELECT 1 FROM rest_reply WHERE key = 'low'") == []


async def test_a_secret_is_shown_once_and_kept_nowhere(node, web):
    key = {"idempotency-key": "secret"}
    first, again = [await web.ask("POST", "/api/v1/cluster/join-tokens", {}, key) for _ in range(2)]
    assert (first.status, again.status) == (200, 409)
    kept = await node.daemon.store.database.read("SELECT body FROM rest_reply WHERE key = 'secret'")
    assert kept == [(b"",)]


async def test_while_it_runs_it_is_not_begun_again(web):
    key, before = {"idempotency-key": "running"}, len(await tasks_of(web))
    running = asyncio.create_task(web.ask("POST", "/api/v1/tasks", TASK, key))
    tasks = await until(web, before + 1)
    second = await web.ask("POST", "/api/v1/tasks", TASK, key)
    assert (second.status, second.json["code"]) == (409, "IDEMPOTENCY_KEY_IN_USE")
    assert second.headers["retry-after"] == "1"
    first = await running
    third = await web.ask("POST", "/api/v1/tasks", TASK, key)
    assert first.status == third.status == 200
    assert third.json["task"]["task_id"] == first.json["task"]["task_id"] == tasks[0]


async def test_it_comes_to_its_end_though_the_client_has_gone(web):
    before = len(await tasks_of(web))
    writer = await begin(web, TASK, "idempotency-key: left\r\n")
    tasks = await until(web, before + 1)
    writer.close()
    key = {"idempotency-key": "left"}
    async with asyncio.timeout(10):
        while (answer := await web.ask("POST", "/api/v1/tasks", TASK, key)).status == 409:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (answer.status, answer.headers["idempotent-replayed"]) == (200, "true")
    assert answer.json["task"]["task_id"] == tasks[0]
    assert len(await tasks_of(web)) == before + 1


async def test_without_a_key_it_ends_with_its_client(node, web):
    before, count = cancelled(node), len(await tasks_of(web))
    writer = await begin(web, {**TASK, "proposals_within_ms": 60_000})
    await until(web, count + 1)
    writer.close()
    async with asyncio.timeout(10):
        while cancelled(node) == before:  # noqa: ASYNC110  nobody is told
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_what_is_no_key_is_refused(web, key):
    assert (await web.ask("POST", "/api/v1/agents/echo/restart", {}, {"idempotency-key": key})).status == 400


async def test_a_change_of_what_was_read_and_of_nothing_else(web):
    path = "/api/v1/agents/echo/keys/colour"
    red, blue = ({"value": base64.b64encode(text).decode()} for text in (b'"red"', b'"blue"'))
    gone = await web.ask("PUT", path, red, {"if-match": "*"})
    assert (gone.status, gone.json["code"]) == (412, "PRECONDITION_FAILED")
    assert (await web.ask("PUT", path, red)).status == 200
    tag = (await web.ask("GET", path)).headers["etag"]
    assert (await web.ask("PUT", path, blue, {"if-match": tag})).status == 200
    stale = await web.ask("PUT", path, red, {"if-match": tag})
    assert (stale.status, stale.json["code"]) == (412, "PRECONDITION_FAILED")
    assert (await web.ask("GET", path)).json["value"] == blue["value"]
    assert (await web.ask("DELETE", path, headers={"if-match": tag})).status == 412
    assert (await web.ask("DELETE", path)).status == 200
    useless = await web.ask("POST", "/api/v1/agents/echo/restart", {}, {"if-match": tag})
    assert (useless.status, "If-Match" in useless.json["message"]) == (400, True)


async def tasks_of(web):
    return [task["task_id"] for task in (await web.ask("GET", "/api/v1/tasks?limit=50")).json["tasks"]]


async def begin(web, task, more=""):
    body = json.dumps(task).encode()
    head = f"POST /api/v1/tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{more}"
    _, writer = await web.connect()
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return writer


async def until(web, count):
    async with asyncio.timeout(10):
        while len(tasks := await tasks_of(web)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return tasks


def failures(node):
    return sum(each.value for each in node.daemon.ground.board.read() if each.name == FAILURES)


def cancelled(node):
    return sum(
        each.value
        for each in node.daemon.ground.board.read()
        if each.labels == ("TaskService/RunTask", "CANCELLED")
    )
