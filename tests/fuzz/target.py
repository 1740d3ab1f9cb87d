"""The list of targets, and where their inputs are kept.

corpus/<target>/        small inputs that together reach what can be reached; replayed by every test run
regressions/<target>/   inputs that once found a fault; never removed
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz.havoc import Blind, havoc

NAMES = (
    "control_block",
    "outbox",
    "host_calls",
    "module_bytes",
    "exposing",
    "images",
    "envelope",
    "router",
    "directory",
    "platform_agents",
    "agent_log",
    "gossip",
    "module_wire",
    "marks",
    "trust_wire",
)
FOLDER = Path(__file__).parent

Mutate = Callable[[bytes, int, Random, Blind], bytes]


@dataclass(frozen=True)
class Target:
    """Something to fuzz.

    Attributes:
        name: Its module below `targets/`.
        check: Raises if the input finds a fault.
        seeds: Inputs to begin with, made by code.
        mutate: Makes a new input of an old one, knowing its structure.
        size_max: Longest input worth trying, in bytes.
        examples: How many inputs an ordinary test run makes up.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutate | None
    size_max: int
    examples: int

    @property
    def corpus(self) -> Path:
        """Return the folder of kept inputs."""
        return FOLDER / "corpus" / self.name

    @property
    def regressions(self) -> Path:
        """Return the folder of inputs that found a fault."""
        return FOLDER / "regressions" / self.name

    def kept(self) -> list[Path]:
        """List all files with kept inputs."""
        return [path for folder in (self.regressions, self.corpus) for path in sorted(folder.glob("*"))]

    def vary(self, data: bytes, seed: int) -> bytes:
        """Return a variant of an input, the same for the same seed."""
        rng = Random(seed)

        def blind(piece: bytes, size_max: int) -> bytes:
            return havoc(piece, size_max, rng)

        for _ in range(rng.randint(1, 4)):
            data = self.mutate(data, self.size_max, rng, blind) if self.mutate else blind(data, self.size_max)
        return data


def load(name: str) -> Target:
    """Import a target; under atheris this must happen while imports are instrumented."""
    module = importlib.import_module(f"tests.fuzz.targets.{name}")
    return Target(
        name,
        module.check,
        module.seeds,
        getattr(module, "mutate", None),
        getattr(module, "SIZE_MAX", 4_096),
        getattr(module, "EXAMPLES", 300),
    )
