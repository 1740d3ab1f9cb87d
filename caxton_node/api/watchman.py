"""Ends a stream when its caller may not have it any more: revoked, expired, or without the permission.

A stream may be silent for days, so looking at each element would not do: a watchman looks twice a second, by
the very questions that were asked when the stream began. Both answers are remembered and cost next to
nothing while nothing changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from caxton_node.core.errors import CaxtonError, InternalError, Unavailable
from caxton_node.observability.logs import get_logger

EVERY_S = 0.4
"""With what a look takes this is well under the second that a revocation may take."""

T = TypeVar("T")

_log = get_logger("api")


class Watchman(Generic[T]):
    """Stands beside one stream; use it as a context manager.

    Args:
        look: Raises if the caller may not have the stream any more. That whoever could tell does not answer
            now is no reason.
        every_s: Between two looks.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], every_s: float = EVERY_S) -> None:
        self._look = look
        self._every_s = every_s
        self._over: CaxtonError | None = None
        self._waiting: asyncio.Timeout | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="watchman")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()

    async def next(self, elements: AsyncIterator[T]) -> T | None:
        """Return the next element; None at the end.

        Raises:
            CaxtonError: The stream is over for this caller.
        """
        if self._over is not None:
            raise self._over
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(elements, None)
        except TimeoutError:
            if self._over is not None:
                raise self._over from None
            raise
        finally:
            self._waiting = None

    async def _watch(self) -> None:
        while self._over is None:
            await asyncio.sleep(self._every_s)
            try:
                await self._look()
            except Unavailable:
                continue
            except CaxtonError as err:
                self._end(err)
            except Exception as err:  # noqa: BLE001  whatever it is, nobody watches any more
                self._end(_bug(err))

    def _end(self, error: CaxtonError) -> None:
        self._over = error
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())


def _bug(err: Exception) -> InternalError:
    _log.exception("a caller could not be looked at again")
    return InternalError(
        "the stream ended because its caller could not be looked at again", why=f"{type(err).__name__}: {err}"
    )
