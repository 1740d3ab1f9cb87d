import base64
import json
from hashlib import sha256
from urllib.parse import quote

import pytest
import wasmtime

from tests.support.guests import wat

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

ECHO = base64.b64encode(wat("echo").encode()).decode()


async def test_the_life_of_an_agent(tls):
    made = await tls.ask("POST", "/api/v1/agents", {"name": "bee", "module": ECHO, "config": {"a": 1}})
    assert (made.status, made.json["agent"]["state"]) == (200, "AGENT_STATE_RUNNING")
    listed = await tls.ask("GET", "/api/v1/agents?name=bee")
    assert [agent["instance"] for agent in listed.json["agents"]] == [made.json["agent"]["instance"]]
    stopped = await tls.ask("POST", "/api/v1/agents/bee/stop", {"drain_ms": 100})
    assert stopped.json["agent"]["state"] == "AGENT_STATE_STOPPED"
    changed = await tls.ask("PATCH", "/api/v1/agents/bee", {"limits": {"mailbox_depth": 7}})
    assert changed.json["agent"]["detail"]["limits"]["mailbox_depth"] == 7
    started = await tls.ask("POST", "/api/v1/agents/bee/start")
    assert started.json["agent"]["state"] == "AGENT_STATE_RUNNING"
    history = await tls.ask("GET", "/api/v1/agents/bee/history?limit=3")
    assert len(history.json["transitions"]) == 3
    gone = await tls.ask("DELETE", "/api/v1/agents/bee?force=true")
    assert (gone.status, gone.json) == (200, {"returned_messages": 0})
    missing = await tls.ask("GET", "/api/v1/agents/bee")
    assert missing.status == 404


async def test_an_agent_of_a_tenant_has_a_slash_that_is_escaped(web):
    made = await web.ask("POST", "/api/v1/agents", {"name": "acme/bot", "module": ECHO})
    assert (made.status, made.json["agent"]["name"]) == (200, "acme/bot")
    found = await web.ask("GET", "/api/v1/agents/acme%2Fbot")
    assert found.json["agent"]["name"] == "acme/bot"
    assert (await web.ask("GET", "/api/v1/agents/acme/bot")).status == 404
    assert (await web.ask("DELETE", "/api/v1/agents/acme%2Fbot")).status == 200


async def test_a_message_and_its_reply(web):
    content = base64.b64encode(b'{"say":"hello"}').decode()
    for path, to in (("/api/v1/messages", {"to": "echo"}), ("/api/v1/agents/echo/messages", {})):
        answer = await web.ask("POST", path, {"content": content, **to})
        assert (answer.status, answer.json["reply"]["content"]) == (200, content)


async def test_an_error_says_what_why_and_what_next(tls):
    answer = await tls.ask("GET", "/api/v1/agents/nobody")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    problem = answer.json
    assert problem["type"] == "urn:caxton:error:AGENT_NOT_FOUND"
    assert (problem["code"], problem["status"], problem["node"]) == ("AGENT_NOT_FOUND", 404, "n1")
    assert "nobody" in problem["message"]
    assert problem["hint"]
    assert problem["trace_id"] == answer.headers["x-trace-id"]


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer nonsense"}, {"x-api-key": "cax_prod_x_eve"}]
)
async def test_nothing_is_told_to_who_is_not_known(tls, headers):
    answer = await tls.having(**headers).ask("GET", "/api/v1/agents")
    assert (answer.status, answer.json["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_who_is_known_may_do_what_its_role_says(node, tls):
    token = await node.daemon.store.tokens.issue_api_token(env="test", client="eve", role="viewer")
    eve = tls.having(x_api_key=token)
    assert (await eve.ask("GET", "/api/v1/agents")).status == 200
    refused = await eve.ask("DELETE", "/api/v1/agents/echo")
    assert (refused.status, refused.json["code"]) == (403, "FORBIDDEN")


async def test_a_stream_is_a_document_in_each_line(web):
    async with web.open() as (reader, writer):
        writer.write(b"GET /api/v1/watch/members HTTP/1.1\r\nhost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"200 OK" in head
        assert b"application/x-ndjson" in head
        size = int(await reader.readline(), 16)
        line = await reader.readexactly(size)
    assert line.endswith(b"\n")
    assert json.loads(line)["member"]["node_id"] == "n1"


async def test_a_stream_that_fails_tells_so_in_its_last_line(web):
    answer = await web.ask("GET", "/api/v1/watch/members", headers={"x-timeout-s": "0.2"})
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert lines[0]["change"] == "present"
    assert lines[-1]["error"]["code"] == "TIMEOUT"
    nothing = await web.ask("GET", "/api/v1/watch/deployments/nothing")
    assert (nothing.status, nothing.headers["content-type"]) == (404, "application/problem+json")


async def test_a_list_that_is_long_comes_in_pages(web):
    names = [f"page-{number}" for number in range(3)]
    for name in names:
        assert (
            await web.ask("POST", "/api/v1/agents", {"name": name, "module": ECHO, "do_not_start": True})
        ).status == 200
    found, token = [], ""
    while True:
        page = (await web.ask("GET", f"/api/v1/agents?page_size=2&page_token={quote(token)}")).json
        assert len(page["agents"]) <= 2
        found += [agent["name"] for agent in page["agents"]]
        token = page["next_page_token"]
        if not token:
            break
    assert [name for name in found if name in names] == names
    for name in names:
        await web.ask("DELETE", f"/api/v1/agents/{name}")


async def test_a_module_goes_up_in_lines(web):
    whole = bytes(wasmtime.wat2wasm(wat("echo")))
    digest = sha256(whole).hexdigest()
    half = len(whole) // 2
    pieces = [{"size_bytes": len(whole), "data": base64.b64encode(whole[:half]).decode()}]
    pieces.append({"data": base64.b64encode(whole[half:]).decode()})
    body = b"".join(json.dumps(piece).encode() + b"\n" for piece in pieces)
    headers = {"content-type": "application/x-ndjson", "content-length": str(len(body))}
    answer = await web.ask("PUT", f"/api/v1/modules/{digest}", body, headers)
    assert answer.status == 200, answer.body
