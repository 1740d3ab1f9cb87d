"""One node for the folder, with an echo on it, and a second front of it that soon loses its patience."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

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
from tests.support.clock import HandClock
from tests.support.guests import wat
from tests.support.web_streams import Place


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """Run a node with an agent `echo`."""
    origins = "rest.cors_origins=https://app.example.com"
    async with founder(tmp_path_factory.mktemp("node") / "n1", "n1", origins) as node:
        await call(node.local, lambda client: client.agents.deploy("echo", wat("echo").encode()))
        yield node


@pytest.fixture
def place(node: Node) -> Place:
    """Return where the node serves REST, with its admin's token."""
    return Place(node.daemon.listening()["rest"], node.ca_pem, node.admin_token)


@dataclass(frozen=True)
class Front:
    """A second way into the node, whose streams wait by a clock that only tests turn."""

    place: Place
    server: RestServer
    streams: Streams
    clock: HandClock

    def forget(self) -> bool:
        """Let every grace be over; tell whether no stream is left."""
        self.clock.advance(60)
        self.streams.expire()
        return not len(self.streams)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def front(node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """Serve the same node on another port, where slow readers are soon given up."""
    daemon, clock = node.daemon, HandClock()
    services, held = daemon._gather_services(), daemon.company.trust.held
    pipeline = Pipeline(services)
    streams = Streams(pipeline, clock, to_json)
    folder = tmp_path_factory.mktemp("front")
    settings = replace(
        rest_settings(daemon.ground.config), socket_path=folder / "rest.sock", port=0, write_within_s=0.2
    )
    backend = Backend(pipeline, services, settings, streams, ReplyStore(daemon.store.database))
    server = RestServer(backend, Shown(held.bundle.key_pem, held.chain_pem, held.trust.ca_pem))
    port = await server.open()
    yield Front(Place(f"127.0.0.1:{port}", node.ca_pem, node.admin_token), server, streams, clock)
    await streams.close()
    await server.close()
