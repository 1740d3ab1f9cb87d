"""What an operator asks for when deploying an agent, checked before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import full_name
from caxton_node.core.name_filter import read_filter
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.host.determinism import Determinism
from caxton_node.runtime.limits import Limits
from caxton_node.runtime.profile import Cpu, Profile

DEFAULT_VERSION = "1.0.0"
MODULE_BYTES_MAX = 50 * 1024 * 1024
CONFIG_BYTES_MAX = 64 * 1024
CAPABILITIES_MAX = 256
MANAGES_MAX = 64
METERED_FUEL_MAX = 10**12
CHECKPOINT_EVERY_MIN_S, CHECKPOINT_EVERY_MAX_S = 0.1, 86_400
# These answer on every node and may not be shadowed (design: platform agents; `~` marks waiting clients).
PLATFORM_NAMES = frozenset({"ams", "df", "kv"})

_VERSION = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.+_-]{0,62}[0-9A-Za-z])?\Z")
_CAPABILITY = re.compile(
    r"(?:\*|[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?|[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}\*)\Z"
)


class Keeping(StrEnum):
    """What an instance leaves for its successor: after a stop, a trap, a reload, a restart of the node."""

    AUTO = "auto"  # its own checkpoint, if its module can make and take one
    IMAGE = "image"  # its memory and globals as they are; only for a successor of the same module
    OFF = "off"  # nothing: every instance starts afresh


class OnConflict(StrEnum):
    """What an agent does that has lost its name to another one, which was deployed beyond a partition."""

    STOP = "stop"  # it is told, drained and stopped
    KEEP = "keep"  # it is told and goes on, as another version of the name


@dataclass(frozen=True, slots=True)
class Manifest:
    """What to deploy, apart from the module itself.

    Attributes:
        name: `tenant/name`; the constructor takes it with or without the tenant.
        version: Version of the agent.
        limits: What it may use.
        config: JSON values handed to the guest when it starts, at most 64 KiB encoded.
        capabilities: Capabilities that it may register, `text.*` for a namespace; empty means any.
        cpu: How its processor time is bounded.
        wasm_features: Features beyond MVP WebAssembly that an operator allows it.
        world: For a deterministic agent, the time and the chance that it sees; its batches are of one then.
        keeping: What an instance leaves for its successor.
        checkpoint_every_s: How often a running instance is asked for that, beside its end; 0: only then.
        batching: How many messages it gets in one turn, up to its limit.
        protocols: What becomes of acts that its protocols do not allow.
        on_conflict: What it does when it loses its name to an agent that was deployed beyond a partition.
        manages: Other agents that it may start and stop through `ams`: names, or with a `*` at the end how
            names begin; none by default.

    Raises:
        InvalidArgument: A field cannot be used; the error says which, why and what would do.
    """

    name: str
    version: str = DEFAULT_VERSION
    limits: Limits = field(default_factory=Limits)
    config: Mapping[str, object] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    cpu: Cpu = Cpu.BOTH
    wasm_features: tuple[str, ...] = ()
    world: Determinism | None = None
    keeping: Keeping = Keeping.AUTO
    checkpoint_every_s: float = 0.0
    batching: Batching = Batching.ADAPTIVE
    protocols: ProtocolPolicy = ProtocolPolicy.ENFORCE
    on_conflict: OnConflict = OnConflict.STOP
    manages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _check_name(self.name))
        object.__setattr__(self, "version", _check_version(self.version or DEFAULT_VERSION))
        _check_config(self.config)
        _check_capabilities(self.capabilities)
        _check_manages(self.manages)
        _check_interval(self.checkpoint_every_s)
        _check_metered(self.cpu, self.limits)
        object.__setattr__(self, "wasm_features", self.profile.features)
        if self.world is not None:
            object.__setattr__(self, "limits", replace(self.limits, batch_max=1))

    @property
    def profile(self) -> Profile:
        """Return the kind of engine that it runs on."""
        return Profile(self.wasm_features, self.cpu, deterministic=self.world is not None)


def check_module_size(module: bytes) -> None:
    """Refuse a module that is empty or larger than any agent may be.

    Raises:
        InvalidArgument: Its size is out of range.
    """
    if not module:
        raise InvalidArgument("the module is empty", hint="give a .wasm or .wat file")
    if len(module) > MODULE_BYTES_MAX:
        raise InvalidArgument(
            f"the module has {len(module):,} bytes",
            why=f"a module may have at most {MODULE_BYTES_MAX:,}",
            hint="strip debug sections, for example with wasm-strip or `strip = true` in Cargo.toml",
        )


def _check_name(text: str) -> str:
    name = full_name(text)
    short = name.partition("/")[2]
    if short in PLATFORM_NAMES or short.startswith("tool:") or "~" in short:
        raise InvalidArgument(
            f"the name {short!r} is reserved",
            why="ams, df, kv and tool:* are platform agents, and ~ marks clients that wait for a reply",
            hint="choose a name like price-checker",
        )
    return name


def _check_version(text: str) -> str:
    if not _VERSION.match(text):
        raise InvalidArgument(
            f"{text!r} is not a version",
            why="it is 1 to 64 of letters, digits and . + _ -, with a letter or digit at both ends",
            hint="for example 1.0.0",
        )
    return text


def _check_metered(cpu: Cpu, limits: Limits) -> None:
    """Refuse fuel that would take a worker for hours where nothing else stops an agent."""
    most = limits.fuel_per_message * limits.batch_max
    if not cpu.has_deadline and most > METERED_FUEL_MAX:
        raise InvalidArgument(
            f"{most:,} units of fuel for a batch are too many without a deadline",
            why=f"at most {METERED_FUEL_MAX:,} are, some minutes of work",
            hint="say --cpu both, or lower --fuel or --batch",
        )


def _check_interval(seconds: float) -> None:
    if seconds and not CHECKPOINT_EVERY_MIN_S <= seconds <= CHECKPOINT_EVERY_MAX_S:
        raise InvalidArgument(
            f"a checkpoint every {seconds:g} s is out of range",
            why=f"it must be from {CHECKPOINT_EVERY_MIN_S:g} to {CHECKPOINT_EVERY_MAX_S:,} s",
            hint="0 takes one only when the agent stops",
        )


def _check_config(config: Mapping[str, object]) -> None:
    try:
        size = len(msgspec.json.encode(config))
    except (TypeError, ValueError) as err:
        raise InvalidArgument("the config is not JSON", why=str(err), hint="use plain JSON values") from err
    if size > CONFIG_BYTES_MAX:
        raise InvalidArgument(
            f"the config has {size:,} bytes as JSON",
            why=f"it may have at most {CONFIG_BYTES_MAX:,}",
            hint="send bulk data as messages",
        )


def _check_manages(patterns: tuple[str, ...]) -> None:
    if len(patterns) > MANAGES_MAX:
        raise InvalidArgument(
            f"{len(patterns)} patterns of managed agents", why=f"one agent may have at most {MANAGES_MAX}"
        )
    for pattern in patterns:
        read_filter(pattern)


def _check_capabilities(names: tuple[str, ...]) -> None:
    if len(names) > CAPABILITIES_MAX:
        raise InvalidArgument(
            f"{len(names)} capabilities are granted", why=f"one agent may have at most {CAPABILITIES_MAX}"
        )
    for name in names:
        if not _CAPABILITY.match(name):
            raise InvalidArgument(
                f"{name!r} is not a capability",
                why="it is 1 to 128 of letters, digits and . _ : / -, with a letter or digit at both ends; "
                "a * at the end stands for the rest of a name",
                hint="for example text.uppercase, or text.*",
            )
