"""One node for the folder, in this loop, with little patience for readers that do not read."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.api import Node, founder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """Run a founder whose limits tests can reach."""
    settings = (
        "limits.slow_reader_s=1s",
        "limits.deploy_calls_per_min=0",
        "grpc.message_bytes_max=4MiB",
        "grpc.certificate_port=0",
    )
    async with founder(tmp_path_factory.mktemp("grpc") / "n1", "n1", *settings) as running:
        yield running
