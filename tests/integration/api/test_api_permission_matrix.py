"""Every operation x role x kind of credential, with real credentials, through the pipeline of a real node.

Each caller comes as far as `Pipeline.admit` lets it: recognised, limited, authorised, and nothing is done.
What should come out is in `tests/unit/security/permissions.csv`.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from caxton_node.api.call import Caller
from caxton_node.api.operations import OPERATIONS, Operation
from caxton_node.api.pipeline import Pipeline
from caxton_node.cluster.offline_clients import issue_client
from caxton_node.core.errors import CaxtonError, Unauthorized
from caxton_node.security import Credentials, Role, UnixPeer
from certs.pem import load_certificates
from tests.support.api import Node, call, founder
from tests.support.authorisation_server import NODE as CLIENT_OF_NODE
from tests.support.authorisation_server import NODE_SECRET, authorisation_server
from tests.support.issuers import AUDIENCE, ISSUER, Issuer, claims_at, sign

pytestmark = [pytest.mark.story("024"), pytest.mark.asyncio(loop_scope="module")]

TABLE = Path(__file__).parents[2] / "unit" / "security" / "permissions.csv"
KINDS = ("api-key", "jwt", "oauth2", "certificate", "socket")
MANY = 1_000_000
STRANGER_UID = 54_321
BAD = {
    "nothing": Credentials(),
    "nonsense": Credentials(bearer="nonsense"),
    "a key that was never made": Credentials(api_key=f"cax_prod_{'0' * 40}_eve"),
    "a token that nobody has signed": Credentials(bearer="eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."),
    "another user of the socket": Credentials(peer=UnixPeer(1, STRANGER_UID, STRANGER_UID)),
}


def read_table() -> dict[str, dict[str, str]]:
    with TABLE.open(newline="") as file:
        return {row["operation"]: row for row in csv.DictReader(file)}


class Callers:
    """A node, and credentials of each kind for each role."""

    def __init__(self, node: Node) -> None:
        self.pipeline = Pipeline(node.daemon._gather_services())
        self.shown: dict[tuple[str, str], Credentials] = {}

    async def outcome(self, operation: Operation, credentials: Credentials) -> str:
        try:
            await self.pipeline.admit(operation, Caller(credentials, surface="test"))
        except CaxtonError as err:
            return err.code
        return "OK"


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[Callers]:
    issuer, secret = Issuer(folder), folder / "secret"
    secret.write_text(f"{NODE_SECRET}\n")
    with authorisation_server() as server:
        providers = folder / "providers.yaml"
        sections = {
            "jwt": [
                {
                    "name": "corp",
                    "issuer": ISSUER,
                    "audience": [AUDIENCE],
                    "jwks": str(issuer.path),
                    "roles": {str(role): [str(role)] for role in Role},
                }
            ],
            "oauth2": {
                "name": "sso",
                "introspection": f"{server.url}/introspect",
                "client_id": CLIENT_OF_NODE,
                "client_secret_file": str(secret),
                "scopes": {str(role): [str(role)] for role in Role},
            },
            "certificates": {"clients": {str(role): [str(role)] for role in Role}},
        }
        providers.write_text(json.dumps(sections))
        limits = [f"limits.{name}={MANY}" for name in ("client_burst", "deploy_burst", "send_burst")]
        limits += [f"limits.{name}={MANY}" for name in ("local_burst", "anonymous_burst", "node_burst")]
        settings = (f"security.providers={providers}", f"security.free_failures={1000}", *limits)
        async with founder(folder / "n", "n", *settings) as node:
            callers = Callers(node)
            for role in Role:
                made = await call(node.local, lambda c, role=role: c.access_keys.create("ci", grants=[role]))
                callers.shown["api-key", role] = Credentials(api_key=made.token)
                claims = claims_at(time.time(), roles=[str(role)], sub=str(role))
                jwt = sign(issuer.rsa, claims, alg="RS256", kid="rsa-1")
                callers.shown["jwt", role] = Credentials(bearer=jwt)
                client_secret = server.add_client(f"c-{role}")
                opaque = await asyncio.to_thread(server.fetch_token, f"c-{role}", client_secret, str(role))
                callers.shown["oauth2", role] = Credentials(bearer=opaque)
                issued = issue_client(node.data_dir / "certs", str(role), folder, lifetime_days=1)
                (certificate,) = load_certificates(issued.certificate.read_bytes(), "client")[:1]
                der = certificate.public_bytes(Encoding.DER)
                callers.shown["certificate", role] = Credentials(certificate_der=der)
            yield callers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def callers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Callers]:
    patch = pytest.MonkeyPatch()
    patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    async with house(tmp_path_factory.mktemp("house")) as made:
        yield made
    patch.undo()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "socket"])
async def test_a_real_credential_opens_what_the_table_says(callers: Callers, kind: str, role: Role) -> None:
    table = read_table()
    wrong = {}
    for operation in OPERATIONS:
        found = await callers.outcome(operation, callers.shown[kind, role])
        if (found, table[operation.name][role]) not in {("OK", "yes"), ("FORBIDDEN", "no")}:
            wrong[operation.name] = found
    assert wrong == {}


async def test_the_socket_of_the_nodes_own_user_opens_everything(callers: Callers) -> None:
    own = Credentials(peer=UnixPeer(os.getpid(), os.geteuid(), os.getegid()))
    for operation in OPERATIONS:
        assert await callers.outcome(operation, own) == "OK", operation.name


@pytest.mark.parametrize("what", BAD)
async def test_whoever_is_not_known_gets_nowhere_but_to_joining(callers: Callers, what: str) -> None:
    table = read_table()
    for operation in OPERATIONS:
        found = await callers.outcome(operation, BAD[what])
        is_open = table[operation.name]["stranger"] == "yes" and BAD[what].peer is None
        assert found == ("OK" if is_open else Unauthorized.code), operation.name
