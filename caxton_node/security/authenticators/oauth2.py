"""OAuth2 access tokens that say nothing themselves: the authorisation server is asked (RFC 7662).

Asked about each token at most once a minute, since `Identity` remembers the answer, and about no more than a
few at a time: whoever sends made-up tokens must not become a flood at the server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from caxton_node.config.providers import Introspection
from caxton_node.core.clock import Clock
from caxton_node.core.errors import InvalidConfig, Unauthorized, Unavailable
from caxton_node.security.authenticators.claims import grants_from, name_from, words_from
from caxton_node.security.authenticators.http_ask import Outside
from caxton_node.security.authenticators.jwt import is_for, read_date
from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import Kind, Principal
from caxton_node.security.refusal import Reason, refusal
from caxton_node.security.token import API_PREFIX, JOIN_PREFIX

TOKEN_CHARS_MAX = 8 * 1024
AT_ONCE_MAX = 8
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")  # b64token of RFC 6750


class OAuth2Authenticator:
    """Recognises callers by asking an authorisation server.

    Args:
        server: Which one, and as whom.
        secret: Of the client as which it is asked.
        clock: For dates.
    """

    def __init__(self, server: Introspection, secret: str, clock: Clock) -> None:
        self._server = server
        self._secret = secret
        self._clock = clock
        self._outside = Outside(f"the authorisation server {server.name}", server.timeout_s)
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    def knows(self, credentials: Credentials) -> bool:
        """Tell whether it is a bearer token that is nobody else's."""
        text = credentials.bearer
        if not text or text.startswith((API_PREFIX, JOIN_PREFIX)) or len(text) > TOKEN_CHARS_MAX:
            return False
        return bool(_TOKEN.match(text))

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return whom the server calls the holder of the token.

        Raises:
            Unauthorized: It says that the token is not active, or is for somebody else.
            Unavailable: It does not answer.
        """
        form = {"token": credentials.bearer, "token_type_hint": "access_token"}
        async with self._turns:
            answer = await self._outside.post(
                self._server.introspection, form, (self._server.client_id, self._secret)
            )
        if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
            raise Unavailable(
                f"the authorisation server {self._server.name} does not help",
                why="its answer is not RFC 7662",
            )
        if not answer["active"]:
            raise refusal(
                Reason.UNKNOWN,
                "the token is not active",
                why=f"so says the authorisation server {self._server.name}",
                hint="get a new one from it",
            )
        return self._principal_of(answer)

    async def close(self) -> None:
        """Close what is open."""
        await self._outside.close()

    def _principal_of(self, answer: Mapping[str, Any]) -> Principal:
        server, now = self._server, self._clock.unix_us() / 1e6
        if server.issuer and answer.get("iss", server.issuer) != server.issuer:
            raise _bad("it is from another issuer")
        if server.audience and not is_for(answer.get("aud"), server.audience):
            raise _bad("it is meant for somebody else: its audience is not that of this cluster")
        expires = read_date(answer, "exp")
        if expires is not None and now >= expires:
            raise refusal(Reason.EXPIRED, "the token has expired", hint="get a new one")
        if now < (read_date(answer, "nbf") or 0.0):
            raise _bad("it is not good yet")
        grants = grants_from(
            words_from(answer.get("scope")),
            server.scopes,
            default=server.default,
            claims=answer,
            tenant_claim=server.tenant_claim,
        )
        name = name_from(server.name, answer, (server.name_claim, "sub", "client_id"))
        return Principal(name, grants, Kind.OAUTH2, None if expires is None else int(expires))


def read_secret(server: Introspection) -> str:
    """Return the secret of the client as which a server is asked.

    Raises:
        InvalidConfig: It cannot be read, or is empty.
    """
    try:
        secret = server.client_secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidConfig(f"{server.client_secret_file} cannot be read", why=str(err)) from err
    if not secret:
        raise InvalidConfig(f"{server.client_secret_file} is empty", why="it is to hold a client's secret")
    return secret


def _bad(why: str) -> Unauthorized:
    return refusal(Reason.INVALID, "the token is not good", why=why)
