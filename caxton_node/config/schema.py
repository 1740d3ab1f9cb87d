"""THE table of settings: name, type, unit, default, whether it can be reloaded, and what it is for.

A setting is one field of a section; its key is `section.field`. From this one place come the loader, the
typed `Config`, the reference page and the check that every setting is documented (`SETTINGS` is the flat
list).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias, get_type_hints

Value: TypeAlias = str | int | float | bool | Path | None

SYSTEM_DIR = Path("/var/lib/caxton")
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Kind(StrEnum):
    """How the text of a value is read; `values.py` has one rule for each."""

    TEXT = "text"
    PATH = "path"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    DURATION = "duration"
    SIZE = "size"
    PORT = "port"


UNITS = {Kind.DURATION: "s", Kind.SIZE: "bytes"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    Attributes:
        key: `section.name`.
        kind: How its text is read.
        unit: Unit of the value once read, or empty.
        default: Its value when nobody sets it; None leaves the choice to the package, as `help` says.
        reloadable: A running daemon takes a new value without a restart.
        help: What it does, one sentence.
        choices: The allowed words of a choice.
        minimum: Smallest allowed value, or None.
        maximum: Largest allowed value, or None.
    """

    key: str
    kind: Kind
    unit: str
    default: Value
    reloadable: bool
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


def _setting(
    default: Value,
    kind: Kind,
    help: str,  # noqa: A002 - the table's column is called help
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    reloadable: bool = False,
) -> Any:  # noqa: ANN401 - stands for a field of the annotated type, as dataclasses.field does
    row = {"kind": kind, "help": help, "choices": tuple(choices), "reloadable": reloadable}
    return field(default=default, metadata=row | {"minimum": minimum, "maximum": maximum})


@dataclass(frozen=True, slots=True)
class NodeSection:
    """What this daemon is; who it is, `init` or `join` wrote down."""

    env: str = _setting(
        "prod", Kind.CHOICE, "Kind of installation; dev logs everything, readably.", choices=("dev", "prod")
    )


@dataclass(frozen=True, slots=True)
class DataSection:
    """Where the daemon keeps what it owns."""

    dir: Path = _setting(  # noqa: RUF009 - it returns dataclasses.field(...)
        SYSTEM_DIR,
        Kind.PATH,
        "Database, modules, certificates, socket; a plain user's default is ~/.local/share/caxton.",
    )


@dataclass(frozen=True, slots=True)
class MeshSection:
    """The encrypted links between nodes, and the port that gossip shares with them."""

    host: str = _setting(
        "0.0.0.0",  # noqa: S104 - peers must reach it, and mutual TLS guards it
        Kind.TEXT,
        "Address to listen on for peers (UDP and TCP); only holders of a node certificate get in.",
    )
    port: int = _setting(7946, Kind.PORT, "UDP and TCP port of the mesh; 0 picks a free one.")
    advertise: str = _setting(
        "", Kind.TEXT, "host or host:port that peers should use; empty: found from mesh.host."
    )
    transport: str = _setting(
        "auto",
        Kind.CHOICE,
        "Links to use: auto races QUIC and TLS and remembers the winner.",
        choices=("auto", "quic", "tcp"),
    )
    profile: str = _setting(
        "lan", Kind.CHOICE, "Windows and timeouts for the distance between nodes.", choices=("lan", "wan")
    )
    compression: bool = _setting(
        False,
        Kind.BOOLEAN,
        "Compress batches of messages where that makes them a fifth smaller; sizes then tell of content.",
    )
    kept_bytes_max: int = _setting(
        4 * MIB,
        Kind.SIZE,
        "Mail of one peer that may wait in mailboxes here; at that the peer may send nothing more.",
        minimum=256 * KIB,
        maximum=GIB,
    )


@dataclass(frozen=True, slots=True)
class SwimSection:
    """Membership: how soon a dead node is noticed. The profile decides what is not set."""

    profile: str = _setting(
        "lan",
        Kind.CHOICE,
        "Timers: lan, wan, or local for many nodes on one machine.",
        choices=("lan", "wan", "local"),
    )
    pace: str = _setting(
        "default",
        Kind.CHOICE,
        "How soon a silent node is given up: fast, default, or tolerant of slow ones.",
        choices=("fast", "default", "tolerant"),
    )
    probe_interval_s: float | None = _setting(
        None, Kind.DURATION, "Time between probes; unset: 1 s on lan.", minimum=0.05, maximum=60
    )
    probe_timeout_s: float | None = _setting(
        None,
        Kind.DURATION,
        "Wait for an ack before asking others; unset: 500 ms on lan.",
        minimum=0.01,
        maximum=30,
    )
    indirect_probes: int | None = _setting(
        None, Kind.INTEGER, "Members asked to probe on our behalf; unset: 4.", minimum=1, maximum=16
    )
    suspicion_multiplier: float | None = _setting(
        None, Kind.NUMBER, "Instead of what the pace says: 2, 3 or 4.", minimum=1, maximum=20
    )
    datagram_bytes_max: int | None = _setting(
        None,
        Kind.SIZE,
        "Largest gossip datagram with its headers; unset: 1280, which every path carries.",
        minimum=1280,
        maximum=9000,
    )
    link_probe: bool = _setting(
        True, Kind.BOOLEAN, "Ask a node that is silent on UDP over its mesh link too, before it is suspected."
    )
    link_probe_without: str = _setting(
        "", Kind.TEXT, "Node ids, separated by commas, for which that is not done."
    )
    encryption: str = _setting(
        "required",
        Kind.CHOICE,
        "Gossip is sealed: required takes nothing else, accept-plain also takes plain, off sends plain too.",
        choices=("required", "accept-plain", "off"),
    )


@dataclass(frozen=True, slots=True)
class ClusterSection:
    """What the node does when the cluster is split."""

    on_minority: str = _setting(
        "available",
        Kind.CHOICE,
        "Changes of what the cluster shares, on a side without the majority: available takes them, "
        "consistent refuses them; messages and reads go on.",
        choices=("available", "consistent"),
    )


@dataclass(frozen=True, slots=True)
class GrpcSection:
    """The management API over gRPC (TLS); the Unix socket in the data directory is always there."""

    enabled: bool = _setting(True, Kind.BOOLEAN, "Serve gRPC over TLS.")
    host: str = _setting("127.0.0.1", Kind.TEXT, "Address to listen on.")
    port: int = _setting(50051, Kind.PORT, "Port; 0 picks a free one.")


@dataclass(frozen=True, slots=True)
class MetricsSection:
    """Prometheus metrics, /health and /ready over plain HTTP."""

    enabled: bool = _setting(True, Kind.BOOLEAN, "Serve /metrics, /health and /ready.")
    host: str = _setting("127.0.0.1", Kind.TEXT, "Address to listen on; it is not encrypted.")
    port: int = _setting(9090, Kind.PORT, "Port; 0 picks a free one.")


@dataclass(frozen=True, slots=True)
class LogSection:
    """What is written to stderr."""

    level: str = _setting(
        "info",
        Kind.CHOICE,
        "Least severe level that is written.",
        choices=("debug", "info", "warning", "error"),
    )
    format: str = _setting(
        "auto",
        Kind.CHOICE,
        "json, pretty, or auto: pretty on a terminal.",
        choices=("auto", "json", "pretty"),
    )


@dataclass(frozen=True, slots=True)
class RuntimeSection:
    """The threads and memory that guests share."""

    workers: int = _setting(
        0,
        Kind.INTEGER,
        "Worker threads that run guests; 0: two more than cores, at least 4.",
        minimum=0,
        maximum=256,
    )
    memory_bytes_max: int = _setting(
        0, Kind.SIZE, "Memory that all guests together may be promised; 0: half of the machine's.", minimum=0
    )
    compile_time_s: float = _setting(
        30.0, Kind.DURATION, "Time that compiling a module may take.", minimum=0.1, maximum=3600
    )
    compile_memory_bytes_max: int = _setting(
        2 * GIB, Kind.SIZE, "Memory that compiling a module may take.", minimum=64 * MIB
    )
    code_bytes_max: int = _setting(
        GIB, Kind.SIZE, "Compiled code kept on disk; what was used longest ago goes first.", minimum=0
    )
    pool_instances_max: int = _setting(
        16, Kind.INTEGER, "Warm instances of one module that is started often.", minimum=0, maximum=10_000
    )
    pool_memory_bytes_max: int = _setting(
        64 * MIB, Kind.SIZE, "Memory of all warm instances; 0 keeps none.", minimum=0
    )
    pool_age_max_s: float = _setting(
        600.0, Kind.DURATION, "Age at which a warm instance is replaced.", minimum=1, maximum=86_400
    )
    agents_max: int = _setting(
        100_000, Kind.INTEGER, "Agents that may be deployed on this node.", minimum=1, maximum=10_000_000
    )


@dataclass(frozen=True, slots=True)
class AgentsSection:
    """Limits of an agent whose manifest does not say otherwise."""

    memory_bytes: int = _setting(
        10 * MIB, Kind.SIZE, "Linear memory of one instance.", minimum=64 * KIB, maximum=4 * GIB
    )
    cpu: str = _setting(
        "deadline",
        Kind.CHOICE,
        "How processor time is bounded: deadline by the clock, metered by fuel, or both.",
        choices=("deadline", "metered", "both"),
    )
    fuel_per_message: int = _setting(
        10_000_000, Kind.INTEGER, "Fuel for each message, where it is counted.", minimum=1000
    )
    wall_time_s: float = _setting(5.0, Kind.DURATION, "Time for each message.", minimum=0.01, maximum=3600)
    message_bytes_max: int = _setting(
        MIB, Kind.SIZE, "Content of one message; 10 MiB at most.", minimum=KIB, maximum=10 * MIB
    )
    module_bytes_max: int = _setting(
        50 * MIB, Kind.SIZE, "Size of a module that may be deployed.", minimum=KIB, maximum=GIB
    )
    batch_max: int = _setting(256, Kind.INTEGER, "Messages in one guest call.", minimum=1, maximum=256)
    batching: str = _setting(
        "adaptive",
        Kind.CHOICE,
        "How long turns are: a few milliseconds, longer for throughput, shorter for latency, or one message.",
        choices=("adaptive", "throughput", "latency", "single"),
    )
    protocols: str = _setting(
        "enforce",
        Kind.CHOICE,
        "What becomes of acts that their protocol does not allow, and of JSON that is none: enforce sends it "
        "back, warn delivers and notes it, off delivers it.",
        choices=("enforce", "warn", "off"),
    )
    host_calls_per_s: int = _setting(
        20_000, Kind.INTEGER, "Calls of the node's functions, per second; more makes it wait.", minimum=1
    )
    log_lines_per_s: int = _setting(
        100, Kind.INTEGER, "Lines of its log, per second; more are dropped and counted.", minimum=0
    )
    checkpoint_bytes_max: int = _setting(
        16 * MIB, Kind.SIZE, "State that it may leave for its successor.", minimum=0, maximum=GIB
    )
    drain_s: float = _setting(
        30.0,
        Kind.DURATION,
        "Longest time that a stopping agent may finish its work.",
        minimum=0,
        maximum=3600,
    )


@dataclass(frozen=True, slots=True)
class MessagingSection:
    """Bounds of the data plane."""

    mailbox_depth: int = _setting(
        10_000,
        Kind.INTEGER,
        "Messages that may wait for one agent; more are refused with FAILURE.",
        minimum=1,
        maximum=10_000_000,
    )
    dead_letters_max: int = _setting(
        10_000,
        Kind.INTEGER,
        "Dead letters kept for people to look at and to send again; the oldest go.",
        minimum=0,
        maximum=100_000,
    )
    dead_letters_bytes_max: int = _setting(
        64 * MIB, Kind.SIZE, "Bytes of all dead letters kept; the oldest go.", minimum=0, maximum=16 * GIB
    )
    dead_letters_age_max_s: float = _setting(
        604_800.0,
        Kind.DURATION,
        "Dead letters older than this go: their contents may be personal.",
        minimum=60,
        maximum=31_536_000,
    )
    outbox_max: int = _setting(
        100_000,
        Kind.INTEGER,
        "Durable messages kept until their receivers have handled them; more are refused with FAILURE.",
        minimum=1,
        maximum=10_000_000,
    )
    outbox_bytes_max: int = _setting(
        64 * MIB, Kind.SIZE, "Bytes of all those; they are in memory too.", minimum=MIB, maximum=16 * GIB
    )
    durable_ttl_s: float = _setting(
        604_800.0,
        Kind.DURATION,
        "How long a durable message without a time to live is kept for its receiver.",
        minimum=1,
        maximum=2_592_000,
    )
    trace_share: float = _setting(
        0.01,
        Kind.NUMBER,
        "Part of the conversations of agents that is followed; 1 in the dev profile.",
        minimum=0,
        maximum=1,
    )
    receipts_max: int = _setting(
        50_000,
        Kind.INTEGER,
        "Runs of messages of which it is remembered what became of them; the oldest go.",
        minimum=0,
        maximum=10_000_000,
    )
    conversation_messages_max: int = _setting(
        1_000_000,
        Kind.INTEGER,
        "Messages of one conversation within an hour; more go round in circles and are refused.",
        minimum=1,
    )
    conversation_idle_s: float = _setting(
        1_800.0,
        Kind.DURATION,
        "Silence after which a conversation is forgotten in which no protocol expects anything.",
        minimum=1,
        maximum=86_400,
    )


@dataclass(frozen=True, slots=True)
class TasksSection:
    """Contract Nets that this node initiates."""

    kept_max: int = _setting(
        1_000, Kind.INTEGER, "Tasks kept with all their bids; the oldest go.", minimum=1, maximum=1_000_000
    )
    running_max: int = _setting(
        100, Kind.INTEGER, "Tasks at work at a time; more are refused.", minimum=1, maximum=10_000
    )


@dataclass(frozen=True, slots=True)
class RegistrySection:
    """The distributed registry."""

    sync_interval_s: float = _setting(
        2.0,
        Kind.DURATION,
        "Time between comparisons with a neighbour; changes are pushed at once anyway.",
        minimum=0.05,
        maximum=300,
    )


@dataclass(frozen=True, slots=True)
class CertsSection:
    """Certificates of the nodes."""

    check_interval_s: float = _setting(
        86_400.0,
        Kind.DURATION,
        "Time between two looks at this node's certificate; it is renewed 30 days before its end.",
        minimum=1,
        maximum=30 * 86_400,
    )
    lifetime_days: int = _setting(
        365, Kind.INTEGER, "How long certificates live that this node signs, days.", minimum=1, maximum=3650
    )
    compare_interval_s: float = _setting(
        30.0,
        Kind.DURATION,
        "Time between comparisons of CAs and revocations with another member; changes spread at once anyway.",
        minimum=1,
        maximum=3600,
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting with its value, by section; it never changes, a reload makes a new one.

    Attributes:
        sources: Key -> where its value was set (`file:line`, a variable, --set); defaults are not in it.
    """

    node: NodeSection = field(default_factory=NodeSection)
    data: DataSection = field(default_factory=DataSection)
    mesh: MeshSection = field(default_factory=MeshSection)
    swim: SwimSection = field(default_factory=SwimSection)
    cluster: ClusterSection = field(default_factory=ClusterSection)
    grpc: GrpcSection = field(default_factory=GrpcSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    log: LogSection = field(default_factory=LogSection)
    runtime: RuntimeSection = field(default_factory=RuntimeSection)
    agents: AgentsSection = field(default_factory=AgentsSection)
    messaging: MessagingSection = field(default_factory=MessagingSection)
    tasks: TasksSection = field(default_factory=TasksSection)
    registry: RegistrySection = field(default_factory=RegistrySection)
    certs: CertsSection = field(default_factory=CertsSection)
    sources: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> Value:
        """Return the value of `section.name`; raises KeyError for a key that is not in the table."""
        setting = BY_KEY[key]
        section, _, name = setting.key.partition(".")
        value: Value = getattr(getattr(self, section), name)
        return value


PROFILES: Mapping[str, Mapping[str, Value]] = {
    "prod": {},
    "dev": {"log.level": "debug", "log.format": "pretty", "messaging.trace_share": 1.0},
}
"""What a kind of installation (`node.env`) sets before anything else does."""

SECTIONS: Mapping[str, type] = {
    name: kind
    for name, kind in get_type_hints(Config).items()
    if is_dataclass(kind) and isinstance(kind, type)
}


def _rows() -> Iterator[Setting]:
    for section, kind in SECTIONS.items():
        for part in fields(kind):
            yield _row(section, part)


def _row(section: str, part: Field[Any]) -> Setting:
    unit = UNITS.get(part.metadata["kind"], "")
    default: Any = part.default
    return Setting(key=f"{section}.{part.name}", unit=unit, default=default, **part.metadata)


SETTINGS: tuple[Setting, ...] = tuple(_rows())
BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}
