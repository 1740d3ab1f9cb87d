"""Who calls, on two real nodes: keys made on one are good on both, and void on both within a second."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from contextlib import aclosing, suppress
from pathlib import Path

import grpc
import pytest

from caxton_node.api.call import Caller
from caxton_node.api.operations import BY_METHOD
from caxton_node.api.pipeline import Pipeline
from caxton_node.client import Client, Endpoint
from caxton_node.cluster.offline_clients import issue_client, revoke_client
from caxton_node.core.errors import Forbidden, NotFound, RateLimited, StateError, Unauthorized
from caxton_node.security import Credentials, Identity
from caxton_node.security.key_uses import INTERVAL_S
from tests.support.api import Node, call, founder
from tests.support.authorisation_server import NODE as CLIENT_OF_NODE
from tests.support.authorisation_server import NODE_SECRET, authorisation_server
from tests.support.cli import caxton, caxton_node
from tests.support.issuers import AUDIENCE, ISSUER, Issuer, claims_at, sign
from tests.support.registry_net import until
from tests.support.web import Web

pytestmark = [pytest.mark.story("023"), pytest.mark.asyncio(loop_scope="session")]

VOID_WITHIN_S = 5.0
"""The aim is a second, and it takes a tenth; a busy machine is given more."""


async def made_on(node: Node, name: str = "ci", *grants: str, lifetime_s: int | None = None):
    return await call(
        node.local,
        lambda client: client.access_keys.create(name, grants=grants or ("viewer",), lifetime_s=lifetime_s),
    )


async def who(node: Node, token: str):
    return await call(node.remote(token), lambda client: client.access_keys.whoami())


async def is_known(node: Node, token: str) -> bool:
    try:
        await who(node, token)
    except Unauthorized:
        return False
    return True


async def known_on(node: Node, made) -> None:
    await until(lambda: node.daemon.knowledge.api_keys.is_known(made.key.key_id))


async def test_a_key_made_on_one_node_says_who_calls_on_both(n1, n2):
    made = await made_on(n1, "ci", "operator", "viewer@acme")
    await known_on(n2, made)
    for node in (n1, n2):
        me = await who(node, made.token)
        assert (me.name, me.kind, list(me.grants)) == ("ci", "api-key", ["operator", "viewer@acme"])
        assert me.node_id == node.daemon.files.node_id


async def test_a_revoked_key_is_refused_on_every_node_within_a_second(n1, n2):
    made = await made_on(n1)
    await known_on(n2, made)
    for node in (n1, n2):
        await who(node, made.token)  # both remember it
    await call(n2.local, lambda client: client.access_keys.revoke(made.key.key_id))
    with pytest.raises(Unauthorized, match="the token was revoked"):
        await who(n2, made.token)
    async with asyncio.timeout(VOID_WITHIN_S):
        while await is_known(n1, made.token):
            pass


async def test_a_rotated_key_leaves_the_old_one_good_for_the_overlap(n1, n2):
    old = await made_on(n1, lifetime_s=3600)
    await known_on(n2, old)
    new = await call(n2.local, lambda client: client.access_keys.rotate(old.key.key_id, overlap_s=600))
    assert (new.key.name, list(new.key.grants)) == ("ci", ["viewer"])
    assert new.replaced.state == "replaced"
    assert (await who(n1, old.token)).name == (await who(n2, new.token)).name == "ci"
    await call(n2.local, lambda client: client.access_keys.revoke(old.key.key_id))
    with pytest.raises(Unauthorized):
        await who(n2, old.token)
    with pytest.raises(StateError, match="it is revoked"):
        await call(n2.local, lambda client: client.access_keys.rotate(old.key.key_id))


async def test_keys_are_listed_without_their_secrets(n1):
    made = await made_on(n1, "lister")
    await who(n1, made.token)

    def look(client: Client):
        return client.access_keys.list(name="lister")

    (key,) = await call(n1.local, look)
    assert key.key_id == made.key.key_id
    assert abs(key.last_used_unix_s - time.time()) < INTERVAL_S
    assert made.token.split("_")[2] not in str(key)
    await call(n1.local, lambda client: client.access_keys.revoke(key.key_id))
    assert await call(n1.local, look) == []
    everything = await call(n1.local, lambda client: client.access_keys.list(name="lister", everything=True))
    assert [key.state for key in everything] == ["revoked"]


async def test_nobody_makes_or_rotates_a_key_that_may_do_more_than_itself(n1):
    made = await made_on(n1, "boss", "admin")
    weak = await made_on(n1, "weak", "viewer")
    with pytest.raises(Forbidden):
        await call(n1.remote(weak.token), lambda client: client.access_keys.create("x", grants=["admin"]))
    with pytest.raises(Forbidden):
        await call(n1.remote(weak.token), lambda client: client.access_keys.rotate(made.key.key_id))
    with pytest.raises(NotFound):
        await call(n1.local, lambda client: client.access_keys.revoke("0" * 16))


async def test_anybody_who_is_known_may_ask_who_it_is_and_nobody_else(n1):
    assert (await call(n1.local, lambda client: client.access_keys.whoami())).kind == "socket"
    with pytest.raises(Unauthorized):
        await who(n1, "")


@pytest.mark.parametrize("place", ["socket", "tls"])
async def test_headers_that_say_two_things_are_refused(n1, place):
    made = await made_on(n1)
    good, bad = made.token, f"cax_test_{'0' * 40}_eve"
    shown = [
        [("authorization", f"Bearer {good}"), ("x-api-key", bad)],
        [("authorization", f"Bearer {bad}"), ("x-api-key", good)],
        [("authorization", f"Bearer {good}"), ("authorization", f"Bearer {bad}")],
        [("authorization", f"Bearer {bad}"), ("authorization", f"Bearer {good}")],
        [("x-api-key", good), ("x-api-key", bad)],
        [("authorization", f"Bearer {good}"), ("authorization", "Basic YTpi")],
        [("authorization", f"Bearer {good},{bad}")],
        [("authorization", f"Bearer Bearer {good}")],
    ]
    if place == "socket":
        channel = grpc.aio.insecure_channel(n1.local.target, [("grpc.default_authority", "localhost")])
    else:
        channel = grpc.aio.secure_channel(n1.grpc, grpc.ssl_channel_credentials(n1.ca_pem))
    async with channel:
        whoami = channel.unary_unary("/caxton.v1.AccessKeyService/WhoAmI")
        for metadata in shown:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await whoami(b"", metadata=metadata)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        for name, value in (("authorization", f"bEaReR {good}"), ("x-api-key", good)):
            assert b"api-key" in await whoami(b"", metadata=[(name, value)])


@pytest.mark.parametrize(
    ("name", "value"), [("authorization", "Bearer "), ("authorization", "Basic eDp5"), ("x-api-key", "")]
)
async def test_a_header_without_a_credential_does_not_let_in_by_the_socket(tmp_path, name, value):
    async with founder(tmp_path / "n1") as node:
        answer = await Web(socket=node.data_dir / "rest.sock").ask(
            "GET", "/api/v1/security/whoami", None, {name: value}
        )
        assert answer.status == 401
        options = [("grpc.default_authority", "localhost")]
        async with grpc.aio.insecure_channel(node.local.target, options) as channel:
            whoami = channel.unary_unary("/caxton.v1.AccessKeyService/WhoAmI")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await whoami(b"", metadata=[(name, value)])
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert (await call(node.local, lambda client: client.access_keys.whoami())).name == "local"


async def guess_on(identity: Identity, source: str) -> None:
    while True:
        with suppress(Unauthorized):
            await identity.authenticate(Credentials(bearer="wrong", source=source))


async def test_who_guesses_does_not_end_the_streams_of_its_neighbours(tmp_path):
    async with founder(tmp_path / "n1") as node:
        services = node.daemon._gather_services()
        pipeline, made = Pipeline(services), await made_on(node)
        shown = Credentials(bearer=made.token, source="192.0.2.1")
        watch = BY_METHOD["ClusterService/WatchMembers"]
        events = pipeline.stream(watch, watch.request(), Caller(shown))
        async with aclosing(events):
            await anext(events)
            with pytest.raises(RateLimited):
                await guess_on(services.identity, shown.source)
            services.identity.forget_all()
            going_on = asyncio.create_task(anext(events))
            await until(lambda: going_on.done() or services.identity.find_cached(shown) is not None)
            assert not going_on.done()  # it was looked at again
            await call(node.local, lambda client: client.access_keys.revoke(made.key.key_id))
            with pytest.raises(Unauthorized):
                await going_on


async def test_keys_and_whoami_in_the_shell(n1, tmp_path):
    def run(*words: object):
        return asyncio.to_thread(caxton, "--data-dir", n1.data_dir, "security", *words)

    made = await run("keys", "create", "shell", "--role", "viewer", "--lifetime", "30d")
    token = made.out.strip()
    assert token.endswith("_shell")
    assert "shown this once" in made.err
    (row,) = json.loads((await run("keys", "list", "--name", "shell", "-o", "json")).out)
    assert (row["name"], row["grants"], row["state"]) == ("shell", ["viewer"], "active")
    table = (await run("keys", "ls", "--name", "shell")).out.splitlines()
    assert table[0].split() == ["ID", "NAME", "GRANTS", "STATE", "ENDS", "IN", "USED"]
    ca = n1.data_dir / "certs" / "ca.crt"
    words = ("--endpoint", n1.grpc, "--ca", ca, "--token", token, "security", "whoami", "-o", "json")
    me = json.loads((await asyncio.to_thread(caxton, *words)).out)
    assert (me["name"], me["kind"], me["grants"]) == ("shell", "api-key", ["viewer"])
    rotated = await run("keys", "rotate", row["key_id"], "-q")
    assert rotated.out.strip().startswith("cax_")
    refused = await asyncio.to_thread(caxton, *words)
    assert (refused.code, "the token was revoked" in refused.err) == (4, True)
    assert (await run("keys", "revoke", "nonsense")).code == 3


async def test_a_new_key_is_not_kept_for_a_request_that_is_sent_again(n1):
    body = b'{"name": "twice", "grants": ["viewer"]}'
    first, again = [await post_keys(n1, body) for _ in range(2)]
    secret = json.loads(first[1])["token"].split("_")[2]
    assert (first[0], again[0]) == (200, 409)
    assert "had a secret in it" in again[1]
    assert secret not in str(await n1.daemon.store.database.read("SELECT * FROM rest_reply"))
    assert len(await call(n1.local, lambda client: client.access_keys.list(name="twice"))) == 1


async def post_keys(node: Node, body: bytes) -> tuple[int, str]:
    reader, writer = await asyncio.open_unix_connection(node.data_dir / "rest.sock")
    head = "POST /api/v1/security/keys HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += "Content-Type: application/json\r\nIdempotency-Key: same\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]


# -- callers from elsewhere ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


def write_providers(path: Path, **sections: object) -> Path:
    path.write_text(json.dumps(sections))
    return path


async def test_a_jwt_an_oauth2_token_and_a_certificate_say_who_calls(tmp_path, issuer, monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    secret = tmp_path / "secret"
    secret.write_text(f"{NODE_SECRET}\n")
    with authorisation_server() as server:
        providers = write_providers(
            tmp_path / "providers.yaml",
            jwt=[
                {
                    "name": "corp",
                    "issuer": ISSUER,
                    "audience": [AUDIENCE],
                    "jwks": str(issuer.path),
                    "roles": {"operator": ["operator"]},
                }
            ],
            oauth2={
                "name": "sso",
                "introspection": f"{server.url}/introspect",
                "client_id": CLIENT_OF_NODE,
                "client_secret_file": str(secret),
                "scopes": {"read": ["viewer"]},
            },
            certificates={"clients": {"bot": ["viewer"]}},
        )
        settings = (f"security.providers={providers}", "rest.port=0", "grpc.certificate_port=0")
        async with founder(tmp_path / "n", "n", *settings) as node:
            jwt = sign(issuer.rsa, claims_at(time.time()), alg="RS256", kid="rsa-1")
            me = await who(node, jwt)
            assert (me.name, me.kind, list(me.grants)) == ("corp:alice", "jwt", ["operator"])
            with pytest.raises(Unauthorized):
                await who(node, sign(issuer.rsa_public_pem, claims_at(time.time()), alg="HS256", kid="rsa-1"))
            opaque = await asyncio.to_thread(
                server.fetch_token, "reporter", server.add_client("reporter"), "read"
            )
            me = await who(node, opaque)
            assert (me.name, me.kind, list(me.grants)) == ("sso:reporter", "oauth2", ["viewer"])
            await check_certificates(node, tmp_path)


async def check_certificates(node: Node, folder: Path) -> None:
    ca_dir = node.data_dir / "certs"
    issued = issue_client(ca_dir, "bot", folder, lifetime_days=1)
    status, _, me = await whoami_over_rest(node, issued.certificate, issued.key)
    assert (status, me.get("name"), me.get("kind"), me.get("grants")) == (
        200,
        "bot",
        "certificate",
        ["viewer"],
    )
    assert b"certificate" in await whoami_over_grpc(node, issued.certificate, issued.key)
    status, _, problem = await whoami_over_rest(node, ca_dir / "node.crt", ca_dir / "node.key")
    assert (status, "not that of a client" in json.dumps(problem)) == (401, True)
    revocation = revoke_client(ca_dir, issued.certificate.read_bytes(), reason="lost").encode()
    await call(node.local, lambda client: client.security.revoke(revocation=revocation))
    status, _, problem = await whoami_over_rest(node, issued.certificate, issued.key)
    assert (status, "was revoked" in json.dumps(problem)) == (401, True)
    with pytest.raises(grpc.aio.AioRpcError, match="was revoked"):
        await whoami_over_grpc(node, issued.certificate, issued.key)


def client_credentials(node: Node, certificate: Path, key: Path) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(node.ca_pem, key.read_bytes(), certificate.read_bytes())


async def whoami_over_grpc(node: Node, certificate: Path, key: Path) -> bytes:
    credentials = client_credentials(node, certificate, key)
    target = node.daemon.listening()["grpc-certificate"]
    async with grpc.aio.secure_channel(target, credentials) as channel:
        answer: bytes = await channel.unary_unary("/caxton.v1.AccessKeyService/WhoAmI")(b"")
    return answer


async def whoami_over_rest(
    node: Node, certificate: Path | None = None, key: Path | None = None, **headers: str
):
    context = ssl.create_default_context(cadata=node.ca_pem.decode())
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    host, _, port = node.daemon.listening()["rest"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=host)
    lines = {"Host": f"{host}:{port}", "Connection": "close", **headers}
    said = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"GET /api/v1/security/whoami HTTP/1.1\r\n{said}\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split()[1]), head.lower(), json.loads(body)


async def test_other_users_of_the_machine_have_a_socket_of_their_own(tmp_path):
    """Who they are is the kernel's word, which only another user could try: see test_unix_peer.py."""
    shared = tmp_path / "run" / "rest.sock"
    settings = (f"rest.shared_socket={shared}", "security.unix_peers=user:daemon=viewer")
    async with founder(tmp_path / "n", "n", *settings) as node:
        assert mode_of(shared) == 0o666
        assert mode_of(node.data_dir / "rest.sock") == 0o600
        me = await call(Endpoint(f"unix:{shared}"), lambda client: client.access_keys.whoami())
        assert (me.name, me.kind) == ("local", "socket")
    assert not os.path.exists(shared)  # noqa: ASYNC240, PTH110  nothing else runs here


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_who_guesses_is_slowed_down_and_told_so(tmp_path):
    async with founder(tmp_path / "n", "n", "security.free_failures=2", "rest.port=0") as node:
        for number in range(3):
            with pytest.raises(Unauthorized):
                await who(node, f"cax_prod_{number:040d}_eve")
        with pytest.raises(RateLimited, match="wrong credentials"):
            await who(node, f"cax_prod_{9:040d}_eve")
        with pytest.raises(RateLimited):
            await who(node, node.admin_token)  # from the same address
        bearer = {"Authorization": f"Bearer {node.admin_token}"}
        status, head, _ = await whoami_over_rest(node, **bearer)
        assert (status, "\r\nretry-after: " in head) == (429, True)
        assert (await call(node.local, lambda client: client.access_keys.whoami())).name == "local"
        cells = node.daemon.ground.board
        assert cells.counter("caxton_auth_failures_total", reason="unknown").value == 3
        assert cells.counter("caxton_auth_failures_total", reason="slowed").value == 3


async def test_a_client_certificate_is_made_where_the_ca_key_lies(n1, tmp_path):
    words = ("certs", "issue-client", "bot", "--data-dir", n1.data_dir, "--out", tmp_path, "--days", "7")
    done = await asyncio.to_thread(caxton_node, *words)
    assert (done.code, "spiffe://test/client/bot" in done.out) == (0, True)
    assert (tmp_path / "bot.key").stat().st_mode & 0o777 == 0o600
    again = await asyncio.to_thread(caxton_node, *words)
    assert "is there already" in again.err
