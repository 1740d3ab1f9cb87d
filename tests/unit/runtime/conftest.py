from __future__ import annotations

from collections.abc import Iterator

import pytest

from caxton_node.runtime import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One engine for all tests of the runtime: what they share is compiled code, never a store."""
    engine = Engine()
    yield engine
    engine.close()
