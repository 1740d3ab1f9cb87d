import json

import pytest

from caxton_node.api.rest.binding import bind
from caxton_node.api.rest.routes import Routes
from caxton_node.api.rest.rules import all_rules
from caxton_node.core.errors import InvalidArgument

pytestmark = pytest.mark.story("007")

ROUTES = Routes(all_rules())


def read(verb, path, query="", body=b""):
    return bind(
        ROUTES.match(verb, path), query, body if isinstance(body, bytes) else json.dumps(body).encode()
    )


def test_path_query_and_their_types():
    request = read("GET", "/api/v1/agents", "node=n1&page_size=7&page_token=a%20b")
    assert (request.node, request.page_size, request.page_token) == ("n1", 7, "a b")


def test_lists_groups_and_maps_in_a_query():
    request = read("DELETE", "/api/v1/dead-letters", "ids=1&ids=2&filter.reason=trapped&all=true")
    assert (list(request.ids), request.filter.reason, request.all) == ([1, 2], "trapped", True)
    found = read(
        "GET", "/api/v1/capabilities/find", "query.attributes[a]=1&query.attributes[b]=&query.within_ms=2.5"
    )
    assert (dict(found.query.attributes), found.query.within_ms) == ({"a": "1", "b": ""}, 2.5)
    tasks = read("GET", "/api/v1/tasks", "state=TASK_STATE_FAILED")
    assert tasks.state == 6


def test_a_body_has_what_the_path_does_not():
    body = {
        "drain_ms": 5,
        "limits": {"memory_bytes": "1048576", "table_elements": 0},
        "config": {"a": [1, {"b": None}]},
    }
    request = read("PATCH", "/api/v1/agents/acme%2Fbot", body=body)
    assert (request.name, request.drain_ms, request.limits.memory_bytes) == ("acme/bot", 5, 1048576)
    assert request.limits.HasField("table_elements")
    assert not request.limits.HasField("log_lines_per_s")
    assert request.config["a"][1]["b"] is None


def test_bytes_are_base64_and_64_bit_numbers_may_be_strings():
    sent = read(
        "POST",
        "/api/v1/messages",
        body={"to": "echo", "content": "eyJhIjoxfQ==", "reply_by_unix_ms": "9007199254740993"},
    )
    assert (sent.content, sent.reply_by_unix_ms) == (b'{"a":1}', 9007199254740993)
    assert read("POST", "/api/v1/agents/echo/messages", body=b"").to == "echo"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("page_siz=1", "page_siz"),
        ("pageSize=1", "pageSize"),
        ("page_size=one", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=4294967296", "page_size"),
        ("page_size=1.0", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=1&page_size=2", "page_size"),
        ("node", "query"),
        ("node=%ff", "query"),
        ("node[a]=1", "node[a]"),
        ("x.y=1", "x.y"),
        ("&".join(["a=1"] * 1001), "query"),
    ],
)
def test_a_wrong_query_is_refused_with_the_name(query, named):
    with pytest.raises(InvalidArgument) as caught:
        read("GET", "/api/v1/agents", query)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"nme": "x"}', "nme"),
        (b'{"doNotStart": true}', "doNotStart"),
        (b'{"name": 7}', "name"),
        (b'{"name": null}', "name"),
        (b'{"limits": {"fuel": 7}}', "fuel"),
        (b'{"limits": {"wall_time_ms": "soon"}}', "limits.wall_time_ms"),
        (b'{"limits": {"wall_time_ms": 1e99}}', "limits.wall_time_ms"),
        (b'{"cpu": "CPU_MODE_NONE"}', "cpu"),
        (b'{"cpu": 1}', "cpu"),
        (b'{"module": "%%%"}', "module"),
        (b'{"name": "a", "name": "b"}', "name is given twice"),
        (b'{"config": {"a": 1, "a": 2}}', "a is given twice"),
        (b'{"config": {"a": NaN}}', "NaN"),
        (b'{"config": {"a": 1e999}}', "1e999"),
        (b'{"config": {"a": "\\ud800"}}', ""),
        (b'{"config": %s}' % (b'{"a":' * 500 + b"1" + b"}" * 500), ""),
        (b"[" * 100_000, ""),
        (b'{"config": {"a": %s}}' % (b"9" * 5000), ""),
        (b"[]", "object"),
        (b"null", "object"),
        (b"{", "JSON"),
        (b"\xff", "UTF-8"),
        (b"\xef\xbb\xbf{}", "JSON"),
    ],
)
def test_a_wrong_body_is_refused_with_the_name(body, named):
    with pytest.raises(InvalidArgument) as caught:
        read("POST", "/api/v1/agents", body=body)
    assert named in str(caught.value)


def test_what_the_path_says_is_said_nowhere_else():
    with pytest.raises(InvalidArgument, match="body"):
        read("PATCH", "/api/v1/agents/echo", body={"name": "other"})
    with pytest.raises(InvalidArgument, match="name"):
        read("GET", "/api/v1/agents/echo", "name=other")


def test_a_body_where_none_is_taken_and_a_query_beside_a_body():
    with pytest.raises(InvalidArgument, match="takes no body"):
        read("GET", "/api/v1/agents", body={})
    with pytest.raises(InvalidArgument, match="no parameter node"):
        read("POST", "/api/v1/agents", "node=n1", {"name": "a"})


def test_a_number_in_the_path_is_one():
    assert read("GET", "/api/v1/dead-letters/17").id == 17
    with pytest.raises(InvalidArgument, match="id is not an integer"):
        read("GET", "/api/v1/dead-letters/seventeen")
