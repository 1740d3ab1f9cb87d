"""A reader that takes nothing loses its stream; one that does keeps it."""

import asyncio

import pytest

from caxton_node.api.slow_readers import in_time
from caxton_node.core.errors import SlowReader

pytestmark = pytest.mark.story("030")


async def test_a_reader_that_takes_nothing_is_told_so_and_the_write_is_given_up():
    given_up = asyncio.Event()

    async def send():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.set()
            raise

    with pytest.raises(SlowReader, match="ended") as caught:
        await in_time(send(), 0.01)
    assert "0.01 s" in caught.value.why
    assert given_up.is_set()


async def test_a_reader_that_reads_is_let_be():
    await in_time(asyncio.sleep(0), 5.0)


async def test_a_time_out_of_the_transport_itself_is_not_taken_for_a_slow_reader():
    async def fail():
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await in_time(fail(), 5.0)
