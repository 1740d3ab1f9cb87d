import gzip
import json

import pytest

from caxton_node.api.rest.openapi.document import document_json

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

APP = "https://app.example.com"


async def test_the_description_is_served_to_everybody(tls):
    answer = await tls.having().ask("GET", "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == document_json()


async def test_the_pages_come_from_the_node_alone(tls):
    page = await tls.having().ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert b"http" not in page.body.replace(b"http-equiv", b"")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js", "LICENSE", "NOTICE"):
        part = await tls.having().ask("GET", f"/docs/{name}", headers={"accept-encoding": "gzip"})
        assert part.status == 200, name
        assert b"sourceMappingURL=" not in part.body
    assert (await tls.ask("GET", "/docs/../settings.py")).status == 404
    assert (await tls.ask("GET", "/docs/%2e%2e/settings.py")).status == 404


async def test_what_is_known_is_not_sent_again(web):
    first = await web.ask("GET", "/api/v1/config")
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    again = await web.ask("GET", "/api/v1/config", headers={"if-none-match": f'"x", {tag}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert "content-type" not in again.headers
    other = await web.ask("GET", "/api/v1/config", headers={"if-none-match": '"x"'})
    assert other.status == 200


async def test_long_answers_are_packed_for_who_takes_it(web):
    plain = await web.ask("GET", "/api/v1/config")
    packed = await web.ask("GET", "/api/v1/config", headers={"accept-encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "accept-encoding" in packed.headers["vary"]
    again = await web.ask(
        "GET", "/api/v1/config", headers={"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
    )
    assert again.status == 304
    short = await web.ask("GET", "/api/v1/agents?name=nobody", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers


async def test_head_says_what_get_would(web):
    got, head = [await web.ask(verb, "/api/v1/config") for verb in ("GET", "HEAD")]
    assert (head.status, head.body) == (200, b"")
    for name in ("etag", "content-length", "content-type"):
        assert head.headers[name] == got.headers[name]


async def test_options_says_what_a_path_takes(web):
    answer = await web.ask("OPTIONS", "/api/v1/agents/echo")
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, PATCH, DELETE, OPTIONS")
    assert (await web.ask("OPTIONS", "/api/v1/nothing")).status == 404


async def test_a_page_may_call_if_its_origin_was_named(tls):
    asked = {
        "origin": APP,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "x-api-key",
    }
    allowed = await tls.having().ask("OPTIONS", "/api/v1/agents/echo", headers=asked)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, APP)
    assert "PATCH" in allowed.headers["access-control-allow-methods"]
    assert "x-api-key" in allowed.headers["access-control-allow-headers"]
    assert allowed.headers["access-control-max-age"] == "600"
    told = await tls.ask("GET", "/api/v1/agents/nobody", headers={"origin": APP})
    assert (told.status, told.headers["access-control-allow-origin"]) == (404, APP)
    assert "origin" in told.headers["vary"]
    other = await tls.ask("OPTIONS", "/api/v1/agents", headers=asked | {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-methods" not in other.headers


async def test_a_page_of_another_origin_changes_nothing(tls):
    refused = await tls.ask("POST", "/api/v1/agents/echo/stop", headers={"origin": "https://evil.example"})
    assert (refused.status, refused.json["code"]) == (403, "FOREIGN_ORIGIN")
    own = await tls.ask("POST", "/api/v1/agents/echo/restart", headers={"origin": f"https://{tls.address}"})
    assert own.status == 200


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example", 421), ("", 400), ("n1.example.com", 200), ("localhost:1", 200)]
)
async def test_the_host_is_one_of_the_node(tls, host, status):
    assert (await tls.ask("GET", "/health", headers={"host": host})).status == status


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=UTF-8", 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_a_body_is_json_or_nothing(web, media, status):
    answer = await web.ask("POST", "/api/v1/agents/echo/restart", b"{}", {"content-type": media})
    assert answer.status == status


async def test_a_packed_body_is_refused(web):
    answer = await web.ask("POST", "/api/v1/agents/echo/restart", b"{}", {"content-encoding": "gzip"})
    assert answer.status == 415


async def test_what_is_too_large_is_refused_before_it_is_read(web):
    body = {"content-length": str(2 * 1024 * 1024), "content-type": "application/json"}
    answer = await web.ask("POST", "/api/v1/agents", headers=body)
    assert (answer.status, answer.json["code"], answer.headers["connection"]) == (
        413,
        "BODY_TOO_LARGE",
        "close",
    )
    long = await web.ask("GET", "/api/v1/agents?page_token=" + "x" * 20_000)
    assert (long.status, long.json["code"]) == (414, "URI_TOO_LONG")
    many = await web.ask("GET", "/api/v1/agents", headers={f"x-{number}": "x" * 1000 for number in range(70)})
    assert (many.status, many.json["code"]) == (431, "HEADERS_TOO_LARGE")


async def test_other_verbs_and_headers_that_would_change_the_verb(web):
    for verb in ("PUT", "TRACE", "PROPFIND"):
        answer = await web.ask(verb, "/api/v1/agents")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        answer = await web.ask("GET", "/api/v1/agents/echo", headers={name: "DELETE"})
        assert answer.json["agent"]["name"] == "echo"


async def test_every_answer_has_what_keeps_browsers_from_guessing(web):
    for path in ("/api/v1/agents", "/api/v1/nothing", "/docs", "/health"):
        headers = (await web.ask("GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "cache-control" in headers, path
        assert "date" in headers, path
        assert "server" not in headers, path
        assert "strict-transport-security" not in headers, path


async def test_how_long_a_caller_waits(web):
    for name, text in (
        ("x-timeout-s", "soon"),
        ("x-timeout-s", "0"),
        ("x-timeout-s", ""),
        ("grpc-timeout", "5"),
    ):
        answer = await web.ask("GET", "/api/v1/agents", headers={name: text})
        assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT"), (name, text)
    for name, text in (("x-timeout-s", "0.1"), ("grpc-timeout", "100m")):
        task = {"content": "e30=", "contractors": ["echo"], "proposals_within_ms": 5000}
        late = await web.ask("POST", "/api/v1/tasks", task, {name: text})
        assert (late.status, late.json["code"]) == (504, "TIMEOUT"), (name, text)


async def test_the_probes_are_open_and_tell_little(tls):
    for path in ("/health", "/ready"):
        answer = await tls.having().ask("GET", path)
        assert (answer.status, json.loads(answer.body)["status"]) == (200, "ok"), path


async def test_events_are_sent_for_as_long_as_the_caller_will_wait(web):
    headers = {"accept": "text/event-stream", "x-timeout-s": "0.2"}
    answer = await web.ask("GET", "/api/v1/watch/messages?agents=nobody", headers=headers)
    last = answer.body.decode().strip().rpartition("event: error\ndata: ")[2]
    assert (answer.status, json.loads(last)["code"]) == (200, "TIMEOUT")
