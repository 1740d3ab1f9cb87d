"""How a peer is measured: short rounds of each kind by turns until the time is over, the best of each."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

BODY = '{"pad":"' + "x" * 190 + '"}'
"""200 bytes of JSON."""
WINDOW = 256
ROUND_S = 0.25
WITHIN_S = 20.0

Run = Callable[[int], Awaitable[None]]


def seconds_wanted() -> float:
    """Read how long all rounds may take together."""
    parser = argparse.ArgumentParser(description="measure one peer and print one JSON object")
    parser.add_argument("--seconds", type=float, default=3.0)
    return float(parser.parse_args().seconds)


async def per_second(run: Run, count: int) -> float:
    """Let so many operations run and return how many there were in a second."""
    started_at = time.perf_counter()
    async with asyncio.timeout(WITHIN_S):
        await run(count)
    return count / (time.perf_counter() - started_at)


async def best_rates(runs: dict[str, Run], seconds: float) -> dict[str, float]:
    """Return operations per second of each kind.

    Args:
        runs: Coroutines that do so many operations and return when the last one is handled.
        seconds: Time for all of them, besides finding out how many fill a round.
    """
    best = {name: await per_second(run, 300) for name, run in runs.items()}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, run in runs.items():
            best[name] = max(best[name], await per_second(run, max(100, int(best[name] * ROUND_S))))
    return best


def show(peer: str, package: str, one_way: float, answered: float, ping_pong: float) -> None:
    """Print the line; questions with their answers are two messages."""
    line = {
        "peer": peer,
        "version": version(package),
        "one_way": round(one_way),
        "answered": round(2 * answered),
        "ping_pong": round(2 * ping_pong),
    }
    print(json.dumps(line), flush=True)


async def many(ask: Callable[[], Awaitable[object]], count: int, window: int) -> None:
    """Ask so many times, a window of them at a time."""
    left = count

    async def keep_asking() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await ask()

    await asyncio.gather(*[keep_asking() for _ in range(window)])
