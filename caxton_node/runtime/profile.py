"""What kind of machine an agent runs on: which features of WebAssembly it may use, how its time is metered.

Agents with the same profile share one wasmtime engine and its compiled code. The default is the strict
profile; every other one was chosen for an agent by an operator, and that is audited.

    metered     fuel: exact, the same on every machine; wall time is not watched
    deadline    wall time by epochs: cheaper in tight loops; fuel is not counted
    both        whichever ends first

Why `both` is the default, in figures: DESIGN.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from caxton_node.core.errors import InvalidArgument

FEATURES: dict[str, tuple[str, ...]] = {
    "bulk-memory": ("bulk_memory",),
    "multi-value": ("multi_value",),
    "reference-types": ("reference_types", "bulk_memory"),
    "relaxed-simd": ("relaxed_simd", "simd"),
    "simd": ("simd",),
    "tail-call": ("tail_call",),
}
"""Features that an operator may allow, and what wasmtime must turn on for each.

The others stay off for everybody: ABI v1 has one memory of 32-bit addresses (memory64, multi-memory, custom
page sizes), an agent runs on one thread (threads, stack switching), and what needs a collector or a table of
exceptions in the host (GC, function references, exceptions) would be memory that no limit counts.
"""


class Cpu(StrEnum):
    """How an agent's processor time is bounded."""

    METERED = "metered"
    DEADLINE = "deadline"
    BOTH = "both"

    @property
    def has_fuel(self) -> bool:
        """Return whether fuel is counted."""
        return self is not Cpu.DEADLINE

    @property
    def has_deadline(self) -> bool:
        """Return whether wall time is watched while the guest runs."""
        return self is not Cpu.METERED


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of engine.

    Attributes:
        features: Names of `FEATURES`, sorted.
        cpu: How processor time is bounded.
        deterministic: Whether floating-point results are the same on every machine (NaN bits included).

    Raises:
        InvalidArgument: A feature is not one that can be allowed.
    """

    features: tuple[str, ...] = ()
    cpu: Cpu = Cpu.BOTH
    deterministic: bool = False

    def __post_init__(self) -> None:
        """Put the features in order, so that equal profiles share an engine."""
        for name in self.features:
            if name not in FEATURES:
                raise InvalidArgument(
                    f"{name!r} is not a feature that can be allowed",
                    why=f"these can: {', '.join(FEATURES)}",
                    hint="build the agent for MVP WebAssembly instead",
                )
        if self.deterministic and "relaxed-simd" in self.features:
            raise InvalidArgument(
                "relaxed-simd cannot be allowed to a deterministic agent",
                why="its results differ from machine to machine",
                hint="allow simd",
            )
        object.__setattr__(self, "features", tuple(sorted(set(self.features))))

    @property
    def key(self) -> str:
        """Return a stable text for file names and caches, such as `both+bulk-memory`."""
        return "+".join([self.cpu, *self.features, *(["deterministic"] if self.deterministic else [])])


STRICT = Profile()
