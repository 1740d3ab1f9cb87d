"""Tasks that nobody waits for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from caxton_node.observability import configure_logs
from caxton_node.observability.background import tell_of_bug

pytestmark = pytest.mark.story("009")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    configure_logs(level="info", format="json")
    yield
    configure_logs(level="warning", format="json")


async def end(task: asyncio.Task[None]) -> None:
    """Let a task be heard of, and wait until it has ended and that was done."""
    task.add_done_callback(tell_of_bug)
    await asyncio.wait([task])
    await asyncio.sleep(0)


async def stumble() -> None:
    raise KeyError("gone")


async def test_a_bug_is_told_with_the_name_of_the_task_and_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await end(asyncio.create_task(stumble(), name="retire echo"))
    (line,) = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (line["level"], line["task"]) == ("error", "retire echo")
    assert "KeyError: 'gone'" in line["exception"]


async def test_a_task_that_is_done_or_cancelled_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    await end(asyncio.create_task(asyncio.sleep(0)))
    cancelled = asyncio.create_task(asyncio.sleep(60))
    cancelled.cancel()
    await end(cancelled)
    assert capsys.readouterr().err == ""
