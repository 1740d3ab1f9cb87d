"""One soak: rounds of random happenings until time is over, each with books that balance at its end."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path

from tests.soak.books import Unbalanced
from tests.soak.chance import HAPPENINGS
from tests.soak.plan import HOMES
from tests.soak.rest import TICK_S
from tests.soak.vitals import MB, Reading, find_growth, read
from tests.soak.world import World

REPORT_EVERY_S = 10.0
SETTLE_S = 60.0
ROUND_MAX = 80
SHOWN_MAX = 100


@dataclass
class Soak:
    """A soak.

    Args:
        seed: Of everything that is drawn.
        seconds: How long.
        say: Told of each line.
        first_round: Where to begin, to play a round again that was out of order.

    Attributes:
        rounds: Rounds whose books were closed.
        fault: What was out of order, "" if nothing was.
        growth: What the process used beyond its bounds.
        readings: How the process did.
        happened: How often each thing happened.
    """

    seed: int
    seconds: float
    say: Callable[[str], None]
    first_round: int = 0
    rounds: int = 0
    fault: str = ""
    growth: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _latest: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN_MAX))
    _began_at: float = field(default_factory=time.monotonic)

    async def run(self, folder: Path) -> bool:
        """Play rounds until time is over or something is out of order; return whether all was well."""
        world = World(folder)
        await world.open()
        ticking = asyncio.create_task(self._tick(world))
        try:
            await self._play(world)
        except Unbalanced as err:
            self.fault = str(err)
        finally:
            ticking.cancel()
        self._report(world)
        await self._close(world)
        self.growth = find_growth(self.readings)
        return not (self.fault or self.growth)

    @property
    def passed_s(self) -> float:
        """Return how long it has been running."""
        return time.monotonic() - self._began_at

    async def _play(self, world: World) -> None:
        report_at_s = 0.0
        while self.passed_s < self.seconds:
            await self._play_round(world, random.Random(f"{self.seed}/{self.first_round + self.rounds}"))
            await world.settle(SETTLE_S)
            self.rounds += 1
            gc.collect()  # nodes that were shut down are full of circles, and would look like growth
            if self.passed_s >= report_at_s:
                report_at_s = self.passed_s + REPORT_EVERY_S
                self._report(world)

    async def _play_round(self, world: World, rng: random.Random) -> None:
        self._latest.clear()
        for name in HOMES:  # whatever the round before has left
            world.deploy(name, 1_000)
            world.start(name)
        names, weights = list(HAPPENINGS), [weight for weight, _ in HAPPENINGS.values()]
        for what in rng.choices(names, weights, k=rng.randint(5, ROUND_MAX)):
            self.happened[what] += 1
            self._latest.append(what)
            if isawaitable(work := getattr(world, what)(*HAPPENINGS[what][1](rng))):
                await work
            for _ in range(rng.choice([0, 0, 1, 5, 50])):
                await asyncio.sleep(0)

    async def _tick(self, world: World) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for node in world.nodes.values():
                node.tick()

    async def _close(self, world: World) -> None:
        """Shut the nodes down; those that something is wrong with may not manage."""
        try:
            async with asyncio.timeout(SETTLE_S):
                await world.close(check=not self.fault)
        except (Unbalanced, TimeoutError) as err:
            self.fault = self.fault or f"the nodes did not close: {err!r}"

    # -- what is said ---------------------------------------------------------------------------------------

    def _report(self, world: World) -> None:
        reading = read(self.passed_s)
        self.readings.append(reading)
        totals, happened = world.books.totals, self.happened
        words = [
            f"{reading.at_s:6.0f} s",
            f"{self.rounds:6,} rounds",
            f"{totals['sent']:11,} sent",
            f"{totals['handled']:11,} handled",
            f"{totals['dead']:9,} given up",
            f"{happened['reload']:6,} reloads",
            f"{happened['bounce']:5,} bounces",
            f"{reading.rss_bytes / MB:5.0f} MB",
            f"{reading.threads:4} threads",
            f"{reading.mappings:6,} mappings",
        ]
        self.say(" ".join(words))

    def verdict(self) -> str:
        """Return the last words: what held, or what did not and how to see it again."""
        if not self.fault:
            held = f"seed {self.seed}: it held for {self.rounds:,} rounds"
            return "; ".join([held, *self.growth])
        number = self.first_round + self.rounds
        again = f".venv/bin/python -m tests.soak --seed {self.seed} --first-round {number} --seconds 30"
        steps = ", ".join(self._latest)
        return f"{self.fault}\nseed {self.seed}, round {number}: {steps}\nagain: {again}"
