"""Manifests as plain values, for whatever keeps or carries them: the table of agents, deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from caxton_node.agents.manifest import Keeping, Manifest, OnConflict
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.host.determinism import Determinism
from caxton_node.runtime.limits import RANGES, Limits
from caxton_node.runtime.profile import Cpu

_DEFAULTS = Limits()


def limits_to_plain(limits: Limits) -> dict[str, float]:
    """Return limits by name."""
    return asdict(limits)


def limits_from_plain(kept: Mapping[str, float]) -> Limits:
    """Return limits as they were kept, brought into today's ranges: the operator cannot mend a stored one."""
    known = {item.name for item in fields(Limits)}
    inside = {
        name: type(getattr(_DEFAULTS, name))(min(max(value, RANGES[name][0]), RANGES[name][1]))
        for name, value in kept.items()
        if name in known
    }
    return Limits(**inside)


def traits_to_plain(manifest: Manifest) -> dict[str, Any]:
    """Return what a manifest says beside name, version, limits and config."""
    return {
        "capabilities": manifest.capabilities,
        "cpu": manifest.cpu.value,
        "wasm_features": manifest.wasm_features,
        "world": asdict(manifest.world) if manifest.world else None,
        "keeping": manifest.keeping.value,
        "checkpoint_every_s": manifest.checkpoint_every_s,
        "batching": manifest.batching.value,
        "protocols": manifest.protocols.value,
        "on_conflict": manifest.on_conflict.value,
        "manages": manifest.manages,
    }


def manifest_from_plain(
    name: str,
    version: str,
    *,
    limits: Mapping[str, float],
    config: Mapping[str, object],
    traits: Mapping[str, Any],
) -> Manifest:
    """Return the manifest that was written down; what an earlier version did not write has its default.

    Raises:
        InvalidArgument: A value cannot be used.
        TypeError: A value is of another kind; so ValueError.
    """
    world = traits.get("world")
    return Manifest(
        name=name,
        version=version,
        limits=limits_from_plain(limits),
        config=config,
        capabilities=tuple(traits.get("capabilities", ())),
        cpu=Cpu(traits.get("cpu", Cpu.BOTH)),
        wasm_features=tuple(traits.get("wasm_features", ())),
        world=Determinism(**world) if world else None,
        keeping=Keeping(traits.get("keeping", Keeping.AUTO)),
        checkpoint_every_s=float(traits.get("checkpoint_every_s", 0.0)),
        batching=Batching(traits.get("batching", Batching.ADAPTIVE)),
        protocols=ProtocolPolicy(traits.get("protocols", ProtocolPolicy.ENFORCE)),
        # Whoever was deployed before names were claimed may share his with others, and does so rightly.
        on_conflict=OnConflict(traits.get("on_conflict", OnConflict.KEEP)),
        manages=tuple(traits.get("manages", ())),
    )
