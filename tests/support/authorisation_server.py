"""A real OAuth2 authorisation server on loopback, by Authlib: client credentials, introspection, revocation.

It speaks HTTP from a thread of its own, as a server elsewhere would. Tokens say nothing themselves.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from urllib.request import Request, urlopen

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    ClientMixin,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

NODE, NODE_SECRET = "caxton", "a-secret-of-the-node"


class Asked(NamedTuple):
    """One request over HTTP."""

    uri: str
    form: dict[str, str]
    headers: Any


@dataclass
class Client(ClientMixin):
    """Somebody who may ask for tokens, or about them."""

    client_id: str
    secret: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials" and self.client_id != NODE


@dataclass
class Token(TokenMixin):
    """A token that was given out."""

    text: str
    client: Client
    scope: str
    expires_unix_s: int
    revoked: bool = False

    def is_expired(self) -> bool:
        return time.time() >= self.expires_unix_s

    def is_revoked(self) -> bool:
        return self.revoked


class _Request(OAuth2Request):
    def __init__(self, asked: Asked) -> None:
        super().__init__("POST", asked.uri, headers=asked.headers)
        self.payload = BasicOAuth2Payload(asked.form)
        self._form = asked.form

    @property
    def form(self) -> dict[str, str]:
        return self._form

    @property
    def args(self) -> dict[str, str]:
        return {}


class _Core(AuthorizationServer):
    def __init__(self, house: AuthorisationServer) -> None:
        super().__init__()
        self.house = house
        self.register_grant(ClientCredentialsGrant)
        self.register_endpoint(_Introspection)
        self.register_token_generator("default", house.make_token)

    def query_client(self, client_id: str) -> Client | None:
        return self.house.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        pass  # `make_token` has kept it

    def create_oauth2_request(self, request: Any) -> _Request:
        return request if isinstance(request, _Request) else _Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any]:
        return status, body

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass


class _Introspection(IntrospectionEndpoint):
    def query_token(self, token_string: str, token_type_hint: str) -> Token | None:
        return self.server.house.tokens.get(token_string)

    def check_permission(self, token: Token, client: Client, request: Any) -> bool:
        return client.client_id == NODE

    def introspect_token(self, token: Token) -> dict[str, Any]:
        house = self.server.house
        return {
            "active": True,
            "client_id": token.client.client_id,
            "scope": token.scope,
            "exp": token.expires_unix_s,
            "iss": house.url,
            "aud": house.audience,
            **house.said,
        }


@dataclass
class AuthorisationServer:
    """The server, and what it has done.

    Attributes:
        said: What it says of every token besides.
        asked: Paths that were asked for, in order.
        broken: What it answers instead, status and body; None while it works.
        documents: What it publishes, by path.
    """

    url: str = ""
    audience: str = "caxton"
    lifetime_s: int = 300
    clients: dict[str, Client] = field(default_factory=lambda: {NODE: Client(NODE, NODE_SECRET)})
    tokens: dict[str, Token] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: tuple[int, bytes] | None = None
    documents: dict[str, bytes] = field(default_factory=dict)

    def add_client(self, client_id: str) -> str:
        """Register a client; return its secret."""
        self.clients[client_id] = Client(client_id, secrets.token_urlsafe(16))
        return self.clients[client_id].secret

    def make_token(self, *, client: Client, scope: str | None, **_: Any) -> dict[str, Any]:
        text = secrets.token_urlsafe(24)
        self.tokens[text] = Token(text, client, scope or "", int(time.time()) + self.lifetime_s)
        return {"access_token": text, "token_type": "Bearer", "expires_in": self.lifetime_s, "scope": scope}

    def fetch_token(self, client_id: str, secret: str, scope: str) -> str:
        """Get a token as a program does: by the client credentials grant, over HTTP."""
        basic = b64encode(f"{client_id}:{secret}".encode()).decode()
        form = f"grant_type=client_credentials&scope={scope}".encode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        with urlopen(Request(f"{self.url}/token", form, headers)) as answer:
            token: str = json.load(answer)["access_token"]
        return token

    def answer(self, asked: Asked, core: _Core) -> tuple[int, bytes]:
        path = asked.uri.removeprefix(self.url)
        self.asked.append(path)
        if self.broken is not None:
            return self.broken
        if path == "/token":
            status, body = core.create_token_response(asked)
        else:
            status, body = core.create_endpoint_response("introspection", asked)
        return status, json.dumps(dict(body)).encode()


@contextmanager
def authorisation_server() -> Iterator[AuthorisationServer]:
    """Run a server; Authlib must have been told that loopback needs no TLS (`AUTHLIB_INSECURE_TRANSPORT`)."""
    house = AuthorisationServer()
    core = _Core(house)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            asked = Asked(f"{house.url}{self.path}", dict(parse_qsl(body)), self.headers)
            status, said = house.answer(asked, core)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{house.url}/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            house.asked.append(self.path)
            status, said = house.broken or (200, house.documents[self.path])
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{house.url}/elsewhere")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        house.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield house
        finally:
            server.shutdown()
            thread.join()
