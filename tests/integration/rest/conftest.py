"""One node for the folder, and a second front of it that soon loses its patience."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from caxton_node.api.pipeline import Pipeline
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.encodings import to_json
from caxton_node.api.rest.server import RestServer
from caxton_node.api.rest.settings import Shown
from caxton_node.api.rest.store import ReplyStore
from caxton_node.api.streams import Streams
from caxton_node.settings import rest_settings
from tests.support.api import Node, call, founder
from tests.support.guests import wat
from tests.support.web import Web

SETTINGS = (
    "rest.cors_origins=https://app.example.com",
    "rest.names=n1.example.com",
    "rest.request_bytes_max=1048576",
    "limits.deploy_calls_per_min=0",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """Run a node with an agent `echo`."""
    async with founder(tmp_path_factory.mktemp("node") / "n1", "n1", *SETTINGS) as node:
        await call(node.local, lambda client: client.agents.deploy("echo", wat("echo").encode()))
        yield node


@pytest.fixture
def web(node: Node) -> Web:
    """Return its Unix socket."""
    return Web(socket=node.data_dir / "rest.sock")


@pytest.fixture
def tls(node: Node) -> Web:
    """Return its port, with the token of the admin."""
    address = node.daemon.listening()["rest"]
    return Web(address=address, ca_pem=node.ca_pem).having(authorization=f"Bearer {node.admin_token}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def impatient(node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    """Serve the same node on another socket, which waits a moment only."""
    daemon = node.daemon
    services, held = daemon._gather_services(), daemon.company.trust.held
    pipeline = Pipeline(services)
    settings = replace(
        rest_settings(daemon.ground.config),
        socket_path=tmp_path_factory.mktemp("front") / "rest.sock",
        host="",
        headers_within_s=0.2,
        body_within_s=0.2,
        idle_s=1.0,
        write_within_s=0.2,
        connections_max=20,
    )
    streams = Streams(pipeline, services.clock, to_json)
    backend = Backend(pipeline, services, settings, streams, ReplyStore(daemon.store.database))
    server = RestServer(backend, Shown(held.bundle.key_pem, held.chain_pem, held.trust.ca_pem))
    await server.open()
    yield Web(socket=settings.socket_path)
    await streams.close()
    await server.close()
