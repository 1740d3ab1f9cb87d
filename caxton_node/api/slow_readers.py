"""Readers that do not take what their stream has for them.

A surface writes one answer at a time and waits until the transport has taken it, which keeps memory bounded:
what a stream has to say meanwhile waits in its own bounded queue (`feed.py`). But such a reader still holds a
place among the streams of the node, so after a while it loses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from caxton_node.core.errors import SlowReader


async def in_time(sending: Awaitable[object], slow_reader_s: float) -> None:
    """Wait until an answer is on its way.

    Args:
        sending: What the transport does about it; cancelled when it takes too long.
        slow_reader_s: How long the reader has.

    Raises:
        SlowReader: It did not take it.
    """
    try:
        async with asyncio.timeout(slow_reader_s):
            await sending
    except TimeoutError as err:
        raise SlowReader(
            "the stream was ended",
            why=f"its reader took nothing for {slow_reader_s:g} s",
            hint="read faster, ask for less, or resume where you stopped",
        ) from err
