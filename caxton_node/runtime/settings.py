"""What all agents of a node share in their engines, and the one place where wasmtime is configured.

Memory is reserved page by page, without guard regions: either costs a second mapping for each agent, and the
kernel stops at about 32,000 of those. DESIGN.md has the price in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import wasmtime

from caxton_node.runtime import native
from caxton_node.runtime.profile import FEATURES, Profile


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What all agents of one node share.

    Attributes:
        module_bytes_max: Largest module that is compiled.
        growth_reservation_bytes: Address space kept free behind each memory. With 0 a memory that grows is
            copied (0.4 ms at 0.5 MiB, and all its pages become resident), but a node can hold 100,000 agents.
            With as much as the memory limit growth is free, for at most 30,000 agents unless
            `vm.max_map_count` is raised.
        tick_s: Length of an epoch: how exactly wall time is kept, in seconds.
        parallel_compilation: Whether compiling a large module may take all cores.
    """

    module_bytes_max: int = 50 * 1024 * 1024
    growth_reservation_bytes: int = 0
    tick_s: float = 0.01
    parallel_compilation: bool = True


def make_config(profile: Profile, settings: EngineSettings) -> wasmtime.Config:
    """Return the configuration of a profile; code compiled under it fits every engine made from it."""
    config = native.strict_config([flag for name in profile.features for flag in FEATURES[name]])
    config.consume_fuel = profile.cpu.has_fuel
    config.epoch_interruption = profile.cpu.has_deadline
    config.cranelift_nan_canonicalization = profile.deterministic
    config.parallel_compilation = settings.parallel_compilation
    config.memory_reservation = 0
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = settings.growth_reservation_bytes
    config.memory_init_cow = False
    return config
