"""OAuth2 against a real authorisation server: client credentials, then introspection over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from caxton_node.config.providers import Introspection
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import Unauthorized, Unavailable
from caxton_node.security import Credentials, Identity, Kind, Principal
from caxton_node.security.authenticators.oauth2 import OAuth2Authenticator
from tests.support.authorisation_server import (
    NODE,
    NODE_SECRET,
    AuthorisationServer,
    authorisation_server,
)
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("023")

SCOPES = {"caxton.read": ("viewer",), "caxton.write": ("developer@acme",)}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorisationServer]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with authorisation_server() as running:
        yield running


def settings_of(server: AuthorisationServer, **changes: Any) -> Introspection:
    facts = {
        "name": "corp",
        "introspection": f"{server.url}/introspect",
        "client_id": NODE,
        "client_secret_file": "unused",
        "audience": ("caxton",),
        "issuer": server.url,
        "scopes": SCOPES,
        "timeout_s": 5.0,
        **changes,
    }
    return Introspection(**facts)


@pytest.fixture
async def judge(server: AuthorisationServer) -> AsyncIterator[OAuth2Authenticator]:
    made = OAuth2Authenticator(settings_of(server), NODE_SECRET, SystemClock())
    yield made
    await made.close()


def token_of(server: AuthorisationServer, scope: str = "caxton.read") -> str:
    return server.fetch_token("reporter", server.add_client("reporter"), scope)


async def judged(judge: OAuth2Authenticator, text: str) -> Principal:
    assert judge.knows(Credentials(bearer=text))
    return await judge.authenticate(Credentials(bearer=text))


async def refused(judge: OAuth2Authenticator, text: str) -> str:
    with pytest.raises(Unauthorized) as caught:
        await judge.authenticate(Credentials(bearer=text))
    assert text not in str(caught.value)
    return caught.value.reason


async def test_a_program_with_client_credentials_is_known_by_what_the_server_says(
    server: AuthorisationServer, judge: OAuth2Authenticator
) -> None:
    text = token_of(server, "caxton.read+caxton.write+other")
    principal = await judged(judge, text)
    assert (principal.name, principal.kind) == ("corp:reporter", Kind.OAUTH2)
    assert principal.roles == "viewer, developer@acme"
    assert principal.expires_unix_s == server.tokens[text].expires_unix_s
    assert server.asked == ["/token", "/introspect"]


async def test_a_person_is_known_by_its_user_name(
    server: AuthorisationServer, judge: OAuth2Authenticator
) -> None:
    server.said = {"username": "alice", "sub": "4711"}
    assert (await judged(judge, token_of(server))).name == "corp:alice"


async def test_the_server_is_asked_once_while_the_answer_is_remembered(
    server: AuthorisationServer,
) -> None:
    clock = HandClock(unix_s=SystemClock().unix_us() / 1e6)
    judge = OAuth2Authenticator(settings_of(server), NODE_SECRET, clock)
    identity = Identity([judge], clock)
    text = token_of(server)
    for _ in range(3):
        await identity.authenticate(Credentials(bearer=text))
    assert server.asked.count("/introspect") == 1
    server.tokens[text].revoked = True
    clock.advance(60)
    with pytest.raises(Unauthorized, match="not active"):
        await identity.authenticate(Credentials(bearer=text))
    await judge.close()


async def test_what_the_server_does_not_vouch_for_is_refused(
    server: AuthorisationServer, judge: OAuth2Authenticator
) -> None:
    revoked, expired = token_of(server), token_of(server)
    server.tokens[revoked].revoked = True
    server.tokens[expired].expires_unix_s = 0
    assert await refused(judge, "made-up") == "unknown"
    assert await refused(judge, revoked) == "unknown"
    assert await refused(judge, expired) == "unknown"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"aud": "another"}, "invalid"),
        ({"aud": ["another"]}, "invalid"),
        ({"aud": None}, "invalid"),
        ({"iss": "https://evil.example"}, "invalid"),
        ({"nbf": 4_000_000_000}, "invalid"),
        ({"exp": 1}, "expired"),
        ({"exp": "soon"}, "invalid"),
        ({"client_id": None}, "invalid"),
        ({"username": "a\nb"}, "invalid"),
        ({"active": False}, "unknown"),
    ],
)
async def test_an_answer_that_is_for_somebody_else_is_not_taken(
    server: AuthorisationServer, judge: OAuth2Authenticator, said: dict[str, Any], reason: str
) -> None:
    server.said = said
    assert await refused(judge, token_of(server)) == reason


@pytest.mark.parametrize(
    "broken",
    [
        (500, b"{}"),
        (401, b'{"active": true}'),
        (302, b'{"active": true}'),
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"active": "true"}'),
        (200, b'{"active": 1}'),
        (200, b"[" * 100_000),
        (200, b'"' + b"x" * 300_000 + b'"'),
    ],
    ids=lambda broken: f"{broken[0]} {broken[1][:20]!r}",
)
async def test_a_server_that_does_not_help_is_neither_a_yes_nor_a_no(
    server: AuthorisationServer, judge: OAuth2Authenticator, broken: tuple[int, bytes]
) -> None:
    text = token_of(server)
    server.broken = broken
    with pytest.raises(Unavailable):
        await judge.authenticate(Credentials(bearer=text))
    assert "/elsewhere" not in server.asked


async def test_a_node_with_a_wrong_secret_lets_nobody_in(server: AuthorisationServer) -> None:
    judge = OAuth2Authenticator(settings_of(server), "wrong", SystemClock())
    with pytest.raises(Unavailable, match="401"):
        await judge.authenticate(Credentials(bearer=token_of(server)))
    await judge.close()


async def test_a_server_that_is_away_lets_nobody_in(server: AuthorisationServer) -> None:
    url = "http://127.0.0.1:9/introspect"
    judge = OAuth2Authenticator(settings_of(server, introspection=url), NODE_SECRET, SystemClock())
    with pytest.raises(Unavailable, match="cannot be asked"):
        await judge.authenticate(Credentials(bearer="made-up"))
    await judge.close()


@pytest.mark.parametrize("text", ["", "cax_x", "cxj1.x", "a b", "a\n", "x" * 9000, "né"])
def test_what_cannot_be_a_token_is_not_sent_anywhere(server: AuthorisationServer, text: str) -> None:
    judge = OAuth2Authenticator(settings_of(server), NODE_SECRET, SystemClock())
    assert not judge.knows(Credentials(bearer=text))
    assert not judge.knows(Credentials(api_key="opaque"))
