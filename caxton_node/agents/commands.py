"""Commands under way: each runs to its end, even when whoever gave it has stopped waiting.

A caller that hangs up cancels the task that serves it, at whatever `await` it stands. For a command that
would mean an agent left in the middle of its drain, out of every route and with no move that leads further.
So a command has a task of its own, and only the end of the node cuts it short.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Commands:
    """The commands that are being carried out."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()

    async def finish(self, command: Coroutine[Any, Any, T]) -> T:
        """Carry out a command and return what it returns; cancelling the caller does not cancel it."""
        task = asyncio.create_task(command)
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cut short whatever is still under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # if the caller is gone nobody else looks, and asyncio would complain


class Commander(Protocol):
    """Whoever has commands."""

    commands: Commands


C = TypeVar("C", bound=Commander)
Command = Callable[Concatenate[C, P], Coroutine[Any, Any, T]]


def to_the_end(command: Command[C, P, T]) -> Command[C, P, T]:
    """Make a method a command that runs to its end."""

    @wraps(command)
    async def run(commander: C, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await commander.commands.finish(command(commander, *args, **kwargs))

    return run
