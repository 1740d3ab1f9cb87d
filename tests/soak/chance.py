"""What happens next in a soak, drawn from a seed: a round can be played again, as far as threads allow.

It draws names of methods of the world and their arguments, and does nothing itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from caxton_node.runtime.profile import Cpu
from tests.soak.node import CLIENT, DEAF, NOMAD, VISITOR
from tests.soak.plan import ASKER, HOMES, NODES, Act, Kind, Plan
from tests.soak.world import LATER_S

NAMES = sorted(HOMES)
DEPTHS = (1, 5, 40, 200, 1_000, 1_000)
DRAINS_S = (0.0, 0.02, 0.1, 0.5)
TALKS = [None, *(f"talk-{number}" for number in range(8))]
ADDRESSES = [
    *NAMES, *NAMES, *NAMES, "a@n1", "default/b", "d@n2", "e@n1", f"{CLIENT}@n1", f"{CLIENT}@n2",
    f"{VISITOR}@n1", f"{DEAF}@n1", NOMAD, "nobody",
]  # fmt: skip
ACTS = [*[Act.NOTE] * 200, *[Act.SLOW] * 10, *[Act.FAIL] * 4, *[Act.TRAP] * 5, *[Act.BURN] * 2]
KINDS = [*[Kind.INFORM] * 40, *[Kind.ASK] * 10, *[Kind.FAILURE] * 2, Kind.BARE, Kind.RUBBISH]
TIMES = ((1, 1, 1, 3, 10, 40), (1, 1, 1, 2, 5, 20), (1, 1, 1, 2), (1,))
"""How many messages are alike, by level."""
DEADLINES_MS = (*[None] * 20, 1, 2**42)
LIVES_MS = (*[None] * 15, 1, 100, 60_000, 60_000)
Draw = Callable[[random.Random], tuple[object, ...]]


def draw_plan(rng: random.Random, parent: Plan | None = None, level: int = 0) -> Plan:
    """Draw a message and what follows from it; at most four levels, so that contents stay small."""
    if parent is not None and not rng.randrange(2 if parent.kind is Kind.ASK else 20):
        return Plan((ASKER,), kind=rng.choice([Kind.AGREE, Kind.ANSWER]))
    if not rng.randrange(12):
        return Plan(tuple(rng.sample(sorted(set(ADDRESSES)), rng.randint(2, 5))), talk=rng.choice(TALKS))
    plan = Plan(
        (rng.choice(ADDRESSES),),
        rng.choice(ACTS),
        rng.choice(TALKS),
        rng.choice([kind for kind in KINDS if level or kind is not Kind.RUBBISH]),
        rng.choice(DEADLINES_MS),
        rng.choice(LIVES_MS),
        rng.choice(TIMES[level]),
    )
    follow = rng.randint(0, 2) if level < len(TIMES) - 1 else 0
    return replace(plan, then=tuple(draw_plan(rng, plan, level + 1) for _ in range(follow)))


def _deploy(rng: random.Random) -> tuple[object, ...]:
    batch, cpu = rng.choice([1, 3, 16, 64]), rng.choice([Cpu.BOTH, Cpu.DEADLINE])
    return rng.choice(NAMES), rng.choice(DEPTHS), batch, rng.random() < 0.5, cpu


def _name(rng: random.Random) -> tuple[object, ...]:
    return (rng.choice(NAMES),)


def _nothing(_rng: random.Random) -> tuple[object, ...]:
    return ()


HAPPENINGS: dict[str, tuple[int, Draw]] = {
    "send": (60, lambda rng: (rng.choice(NODES), draw_plan(rng))),
    "deploy": (8, _deploy),
    "undeploy": (2, lambda rng: (rng.choice(NAMES), rng.choice(DRAINS_S))),
    "stop": (3, lambda rng: (rng.choice(NAMES), rng.choice(DRAINS_S))),
    "start": (8, _name),
    "restart": (3, _name),
    "reload": (6, lambda rng: (rng.choice(NAMES), rng.random() < 0.5, rng.choice(DRAINS_S))),
    "set_depth": (3, lambda rng: (rng.choice(NAMES), rng.choice(DEPTHS))),
    "hold": (4, lambda rng: (rng.choice(NAMES), rng.random() < 0.3)),
    "release": (4, _name),
    "visit": (3, lambda rng: (rng.choice(NODES),)),
    "cut": (1, _nothing),
    "mend": (3, _nothing),
    "time_passes": (3, lambda rng: (rng.choice([0.0, 0.0, LATER_S]),)),
    "bounce": (1, lambda rng: (rng.choice(NODES),)),
}
"""What may happen: methods of the world, how often in comparison, and their arguments."""
