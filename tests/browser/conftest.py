"""A node, pages of another origin that it lets in, and a browser."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import pytest_asyncio

from tests.support.api import Node, call, founder
from tests.support.browser import Browser, browsing
from tests.support.guests import wat

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def pages() -> Iterator[str]:
    """Serve docs/examples as a site of its own; return its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(EXAMPLES)))
    thread = Thread(target=server.serve_forever, name="pages")
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(pages: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """Run a node with an agent `echo`, which lets the pages in."""
    folder = tmp_path_factory.mktemp("node") / "n1"
    async with founder(folder, "n1", f"rest.cors_origins={pages}") as node:
        await call(node.local, lambda client: client.agents.deploy("echo", wat("echo").encode()))
        yield node


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Start Chromium; it trusts the node's certificate and no other of the cluster's."""
    certificate = (node.data_dir / "certs" / "node.crt").read_bytes()
    window = browsing(tmp_path_factory.mktemp("browser"), certificate)
    browser = await asyncio.to_thread(window.__enter__)
    try:
        yield browser
    finally:
        await asyncio.to_thread(window.__exit__, None, None, None)
