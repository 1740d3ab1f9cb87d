"""What may happen to a cluster with deployments, by hand or by chance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from caxton_node.agents.change import Change
from caxton_node.agents.manifest import Manifest
from caxton_node.deployment import Consistency, DeploymentSpec
from caxton_node.deployment.changing import Wish
from caxton_node.deployment.constraints import parse_constraint
from tests.support.deployment_world.judge import CALM_S, Judge, faults
from tests.support.deployment_world.world import World

ZONES = {"n1": "a", "n2": "a", "n3": "b", "n4": "b", "n5": "c"}
NAMES = ["default/web", "default/db", "default/job"]
LAST_S = 150.0
STEPS = 25


async def history(seed: str) -> None:
    """Let things happen by chance, put all in order, and see that just what is wanted runs."""
    async with opened(seed) as (world, judge):
        chance = Chance(world, judge, random.Random(f"{seed} chance"))
        for _ in NAMES:
            await chance.create()
        for _ in range(STEPS):
            await chance.step()
        await chance.end()
        await agreed(world, *chance.wanted.values(), within_s=LAST_S)


def spec_of(name: str, module: str = "m1", **more: object) -> DeploymentSpec:
    return DeploymentSpec(Manifest(name), module, **more)


@asynccontextmanager
async def opened(seed: int | str, zones: dict[str, str] = ZONES) -> AsyncIterator[tuple[World, Judge]]:
    world = World(random.Random(seed), zones)
    judge = Judge(world)
    for node in zones:
        await world.start(node)
    await asyncio.sleep(15)
    world.disturbed_at = world.now - CALM_S
    yield world, judge
    judge.close()
    await world.close()
    assert not judge.objections


async def create(world: World, spec: DeploymentSpec, at: str = "n1") -> DeploymentSpec:
    return await world.hosts[at].service.changes.create(spec, spec.module_sha256)


async def agreed(world: World, *wanted: DeploymentSpec, within_s: float = 20.0) -> None:
    """Wait until everything is as wanted."""
    until = world.now + within_s
    while found := faults(world, list(wanted)):
        assert world.now < until, found
        await asyncio.sleep(0.1)


class Chance:
    """One random history, and what is wanted in its end."""

    def __init__(self, world: World, judge: Judge, rng: random.Random) -> None:
        self.wanted: dict[str, DeploymentSpec] = {}
        self._world = world
        self._judge = judge
        self._rng = rng
        self._modules = 1

    async def step(self) -> None:
        """Let one thing happen, if it can, and some time pass."""
        verbs = [
            self.kill, self.start, self.start, self.restart, self.split, self.heal, self.heal,
            self.create, self.change, self.scale, self.constrain, self.delete, self.hinder,
        ]  # fmt: skip
        await self._rng.choice(verbs)()
        await asyncio.sleep(self._rng.choice([0.0, 0.5, 3.0, 12.0, 40.0, 40.0]))

    async def kill(self) -> None:
        """Kill one of several."""
        up = self._world.up()
        if len(up) > 2:
            await self._world.kill(self._rng.choice(up).node_id)

    async def start(self) -> None:
        """Start one that is down."""
        down = [host.node_id for host in self._world.hosts.values() if not host.is_up]
        if down:
            await self._world.start(self._rng.choice(down))

    async def restart(self) -> None:
        """Restart one, with or without a goodbye."""
        node = self._rng.choice(self._world.up()).node_id
        await self._rng.choice([self._world.leave, self._world.kill])(node)
        await asyncio.sleep(self._rng.uniform(0.5, 6))
        await self._world.start(node)

    async def split(self) -> None:
        """Cut some off."""
        nodes = sorted(self._world.hosts)
        self._world.split(set(self._rng.sample(nodes, self._rng.randint(1, 2))))

    async def heal(self) -> None:
        """Join all."""
        self._world.heal()

    async def create(self) -> None:
        """Create a deployment, at a node of the majority's side."""
        free = [name for name in NAMES if name not in self.wanted]
        # One name has one consistency, so that the judge need not know of generations.
        if free and not any(self._world.side_of.values()):
            name = self._rng.choice(free)
            is_consistent = name == "default/db"
            consistency = Consistency.CONSISTENT if is_consistent else Consistency.AVAILABLE
            spec = spec_of(name, replicas=self._rng.randint(0, 4), consistency=consistency)
            spec = replace(spec, spread=self._rng.choice(["", "zone"]))
            host = self._rng.choice(self._world.up())
            if host.service.book.find(name) is None:
                self.wanted[name] = await create(self._world, spec, at=host.node_id)
                if is_consistent:
                    self._judge.consistent.add(name)
                await asyncio.sleep(2)

    async def _update(self, wish: Wish) -> None:
        # At one node after another and not on both sides: of two concurrent changes one is overruled.
        hosts = [host for host in self._world.up() if not any(self._world.side_of.values())]
        known = [(host, name) for host in hosts for name in self.wanted if host.service.book.find(name)]
        if known:
            host, name = self._rng.choice(known)
            if host.service.book.find(name) == self.wanted[name]:
                self.wanted[name] = await host.service.changes.update(name, wish)
                await asyncio.sleep(2)

    async def change(self) -> None:
        """Let another module take over."""
        self._modules += 1
        change = Change(module=f"m{self._modules}", version=f"{self._modules}.0.0")  # type: ignore[arg-type]
        await self._update(Wish(agent=change))

    async def scale(self) -> None:
        """Want more or fewer."""
        await self._update(
            Wish(agent=Change(config={"n": self._rng.random()}), replicas=self._rng.randint(0, 4))
        )

    async def constrain(self) -> None:
        """Want it elsewhere."""
        texts = self._rng.choice([[], ["zone=a|b"], ["node!=n1"], ["zone!=c", "node!=n2"]])
        constraints = tuple(map(parse_constraint, texts))
        await self._update(Wish(agent=Change(config={"n": self._rng.random()}), constraints=constraints))

    async def delete(self) -> None:
        """Want it no more."""
        hosts = [host for host in self._world.up() if not any(self._world.side_of.values())]
        known = [(host, name) for host in hosts for name in self.wanted if host.service.book.find(name)]
        if known and self._rng.random() < 0.3:
            host, name = self._rng.choice(known)
            host.service.changes.delete(name)
            del self.wanted[name]
            await asyncio.sleep(2)

    async def hinder(self) -> None:
        """Let a node be unable to run something for a while."""
        unable = {(self._rng.choice(sorted(self._world.hosts)), f"m{self._rng.randint(1, self._modules)}")}
        self._world.unable = self._rng.choice([unable, set()])

    async def end(self) -> None:
        """Put everything in order, and leave it alone."""
        self._world.unable = set()
        self._world.heal()
        for host in self._world.hosts.values():
            if not host.is_up:
                await self._world.start(host.node_id)
