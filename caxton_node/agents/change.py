"""What an operator wants to be different about an agent that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from caxton_node.agents.manifest import Keeping, Manifest, OnConflict
from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.limits import Limits
from caxton_node.runtime.profile import Cpu

_LIMITS = frozenset(item.name for item in fields(Limits))


@dataclass(frozen=True, slots=True)
class Change:
    """A change; what is left at its default stays as it is.

    Attributes:
        module: Another module.
        version: Another version; without one a new instance has the old version and the next number.
        limits: Limits by name, as in `runtime.limits.Limits`.
        config: Another config for the guest, whole.
        capabilities: Other grants, whole.
        cpu: Another way to bound its processor time.
        wasm_features: Other features, whole.
        keeping: What an instance leaves for its successor.
        checkpoint_every_s: How often it is asked for that.
        batching: Another way to fill its turns.
        protocols: What becomes of acts that its protocols do not allow.
        on_conflict: What it does when it loses its name.
        manages: Other agents that it may manage, whole.
    """

    module: bytes = b""
    version: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, object] | None = None
    capabilities: tuple[str, ...] | None = None
    cpu: Cpu | None = None
    wasm_features: tuple[str, ...] | None = None
    keeping: Keeping | None = None
    checkpoint_every_s: float | None = None
    batching: Batching | None = None
    protocols: ProtocolPolicy | None = None
    on_conflict: OnConflict | None = None
    manages: tuple[str, ...] | None = None

    @property
    def needs_reload(self) -> bool:
        """Return whether a new instance must take the place of the one that runs."""
        wanted = (self.config, self.cpu, self.wasm_features)
        return bool(self.module or self.version) or any(value is not None for value in wanted)

    def apply(self, manifest: Manifest) -> Manifest:
        """Return the manifest that an agent has afterwards.

        Raises:
            InvalidArgument: It changes nothing, a limit has no such name, or a value cannot be used.
        """
        unknown = self.limits.keys() - _LIMITS
        if unknown:
            raise InvalidArgument(f"there is no limit {min(unknown)}", why=f"these are: {', '.join(_LIMITS)}")
        others = {
            "version": self.version or None,
            "config": self.config,
            "capabilities": self.capabilities,
            "cpu": self.cpu,
            "wasm_features": self.wasm_features,
            "keeping": self.keeping,
            "checkpoint_every_s": self.checkpoint_every_s,
            "batching": self.batching,
            "protocols": self.protocols,
            "on_conflict": self.on_conflict,
            "manages": self.manages,
        }
        given = {name: value for name, value in others.items() if value is not None}
        if not (given or self.limits or self.module):
            raise InvalidArgument(
                "nothing is to be changed", hint="name a module, a limit or a setting that shall be different"
            )
        if "fuel_per_message" in self.limits and not (self.cpu or manifest.cpu).has_fuel:
            raise InvalidArgument(
                "no fuel is counted for this agent",
                why=f"its processor time is bounded by {Cpu.DEADLINE}",
                hint="say --cpu both as well, or bound it by --wall-time",
            )
        limits = replace(manifest.limits, **self.limits)  # type: ignore[arg-type]  # the names were checked
        return replace(manifest, limits=limits, **given)  # type: ignore[arg-type]  # by the table above
