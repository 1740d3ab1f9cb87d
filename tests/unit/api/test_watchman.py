"""A watchman ends a stream from outside, whether it is silent or busy, and leaves others alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from caxton_node.api.watchman import Watchman
from caxton_node.core.errors import Forbidden, InternalError, Unavailable

pytestmark = [pytest.mark.story("024"), pytest.mark.asyncio]

OFTEN_S = 0.001


class Right:
    """Whether the caller may go on."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.looked = asyncio.Event()

    async def look(self) -> None:
        self.looked.set()
        if self.error is not None:
            raise self.error


async def silence(ended: asyncio.Event) -> AsyncIterator[int]:
    try:
        await asyncio.Event().wait()
        yield 0
    finally:
        ended.set()


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def test_what_is_allowed_goes_on_to_its_end() -> None:
    async with Watchman[int](Right().look, OFTEN_S) as watchman:
        elements = numbers(3)
        assert [await watchman.next(elements) for _ in range(4)] == [0, 1, 2, None]


async def test_a_silent_stream_ends_with_the_reason_and_is_closed() -> None:
    right, ended = Right(), asyncio.Event()
    async with Watchman[int](right.look, OFTEN_S) as watchman:
        waiting = asyncio.create_task(watchman.next(silence(ended)))
        await right.looked.wait()
        right.error = Forbidden("no longer")
        with pytest.raises(Forbidden, match="no longer"):
            await asyncio.wait_for(waiting, 5)
    assert ended.is_set()


async def test_a_stream_whose_reader_is_slow_ends_at_the_next_element() -> None:
    right = Right()
    async with Watchman[int](right.look, OFTEN_S) as watchman:
        elements = numbers(3)
        assert await watchman.next(elements) == 0
        right.error = Forbidden("no longer")
        right.looked.clear()
        await right.looked.wait()
        await asyncio.sleep(0)
        with pytest.raises(Forbidden):
            await watchman.next(elements)


async def test_a_bug_in_looking_ends_the_stream_and_not_the_watch_alone() -> None:
    right, ended = Right(), asyncio.Event()
    right.error = KeyError("a bug")
    async with Watchman[int](right.look, OFTEN_S) as watchman:
        with pytest.raises(InternalError, match="could not be looked at"):
            await asyncio.wait_for(watchman.next(silence(ended)), 5)


async def test_that_nobody_can_tell_now_is_no_reason() -> None:
    right = Right()
    right.error = Unavailable("the issuer does not answer")
    async with Watchman[int](right.look, OFTEN_S) as watchman:
        elements = numbers(2)
        for _ in range(3):
            right.looked.clear()
            await right.looked.wait()
        assert await watchman.next(elements) == 0


async def test_a_bug_or_a_timeout_of_the_stream_itself_comes_through() -> None:
    async def late() -> AsyncIterator[int]:
        raise TimeoutError("its own")
        yield 0

    async with Watchman[int](Right().look, OFTEN_S) as watchman:
        with pytest.raises(TimeoutError, match="its own"):
            await watchman.next(late())


async def test_whoever_leaves_is_not_held() -> None:
    ended = asyncio.Event()
    async with Watchman[int](Right().look, OFTEN_S) as watchman:
        waiting = asyncio.create_task(watchman.next(silence(ended)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()
