"""One cluster for the whole folder: two real nodes in this process; making one costs most of a second."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.support.api import Node, founder, newcomer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Node, Node]]:
    """Run a founder and a node that joined it by token."""
    folder = tmp_path_factory.mktemp("nodes")
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(founder(folder / "n1", "n1"))
        second = await stack.enter_async_context(newcomer(first, folder / "n2", "n2"))
        yield first, second


@pytest.fixture
def n1(nodes: tuple[Node, Node]) -> Node:
    """Return the founder."""
    return nodes[0]


@pytest.fixture
def n2(nodes: tuple[Node, Node]) -> Node:
    """Return the node that joined."""
    return nodes[1]
