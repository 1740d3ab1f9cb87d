"""Background tasks that end in a bug: nobody waits for them, so Python would tell of it only much later."""

from __future__ import annotations

import asyncio
from typing import Any

from caxton_node.observability.logs import get_logger

_log = get_logger("observability")


def tell_of_bug(task: asyncio.Task[Any]) -> None:
    """Log why a task has ended, if it was neither done nor cancelled; for `add_done_callback`."""
    if not task.cancelled() and (bug := task.exception()) is not None:
        _log.error("a background task has ended in a bug", task=task.get_name(), exc_info=bug)
