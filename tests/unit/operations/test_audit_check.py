"""A node whose audit log cannot be written is degraded and not sent away."""

from __future__ import annotations

import pytest

from caxton_node.operations.components import check_audit
from caxton_node.operations.findings import State

pytestmark = [pytest.mark.story("037"), pytest.mark.asyncio]


@pytest.mark.parametrize(
    ("trouble", "state", "detail"),
    [("", State.OK, "is written"), ("no space left", State.DEGRADED, "no space left")],
)
async def test_trouble_is_told_and_does_not_stop_the_node(trouble: str, state: State, detail: str) -> None:
    found = await check_audit(lambda: trouble)()
    assert (found.name, found.state, found.detail, found.is_ok) == ("audit", state, detail, True)
