"""Agents: the engine under them, what they may use, what the cluster runs of them."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.config.setting import GIB, KIB, MIB, Kind, setting


@dataclass(frozen=True, slots=True)
class RuntimeSection:
    """The threads and memory that guests share."""

    workers: int = setting(
        0,
        Kind.INTEGER,
        "Worker threads that run guests; 0: two more than cores, at least 4.",
        minimum=0,
        maximum=256,
    )
    memory_bytes_max: int = setting(
        0, Kind.SIZE, "Memory that all guests together may be promised; 0: half of the machine's.", minimum=0
    )
    compile_time_s: float = setting(
        30.0, Kind.DURATION, "Time that compiling a module may take.", minimum=0.1, maximum=3600
    )
    compile_memory_bytes_max: int = setting(
        2 * GIB, Kind.SIZE, "Memory that compiling a module may take.", minimum=64 * MIB
    )
    code_bytes_max: int = setting(
        GIB, Kind.SIZE, "Compiled code kept on disk; what was used longest ago goes first.", minimum=0
    )
    pool_instances_max: int = setting(
        16, Kind.INTEGER, "Warm instances of one module that is started often.", minimum=0, maximum=10_000
    )
    pool_memory_bytes_max: int = setting(
        64 * MIB, Kind.SIZE, "Memory of all warm instances; 0 keeps none.", minimum=0
    )
    pool_age_max_s: float = setting(
        600.0, Kind.DURATION, "Age at which a warm instance is replaced.", minimum=1, maximum=86_400
    )
    agents_max: int = setting(
        100_000, Kind.INTEGER, "Agents that may be deployed on this node.", minimum=1, maximum=10_000_000
    )


@dataclass(frozen=True, slots=True)
class AgentsSection:
    """Limits of an agent whose manifest does not say otherwise."""

    memory_bytes: int = setting(
        10 * MIB, Kind.SIZE, "Linear memory of one instance.", minimum=64 * KIB, maximum=4 * GIB
    )
    cpu: str = setting(
        "deadline",
        Kind.CHOICE,
        "How processor time is bounded: deadline by the clock, metered by fuel, or both.",
        choices=("deadline", "metered", "both"),
    )
    fuel_per_message: int = setting(
        10_000_000, Kind.INTEGER, "Fuel for each message, where it is counted.", minimum=1000
    )
    wall_time_s: float = setting(5.0, Kind.DURATION, "Time for each message.", minimum=0.01, maximum=3600)
    message_bytes_max: int = setting(
        MIB, Kind.SIZE, "Content of one message; 10 MiB at most.", minimum=KIB, maximum=10 * MIB
    )
    module_bytes_max: int = setting(
        50 * MIB, Kind.SIZE, "Size of a module that may be deployed.", minimum=KIB, maximum=GIB
    )
    batch_max: int = setting(256, Kind.INTEGER, "Messages in one guest call.", minimum=1, maximum=256)
    batching: str = setting(
        "adaptive",
        Kind.CHOICE,
        "How long turns are: a few milliseconds, longer for throughput, shorter for latency, or one message.",
        choices=("adaptive", "throughput", "latency", "single"),
    )
    protocols: str = setting(
        "enforce",
        Kind.CHOICE,
        "What becomes of acts that their protocol does not allow, and of JSON that is none: enforce sends it "
        "back, warn delivers and notes it, off delivers it.",
        choices=("enforce", "warn", "off"),
    )
    host_calls_per_s: int = setting(
        20_000, Kind.INTEGER, "Calls of the node's functions, per second; more makes it wait.", minimum=1
    )
    log_lines_per_s: int = setting(
        100, Kind.INTEGER, "Lines of its log, per second; more are dropped and counted.", minimum=0
    )
    checkpoint_bytes_max: int = setting(
        16 * MIB, Kind.SIZE, "State that it may leave for its successor.", minimum=0, maximum=GIB
    )
    drain_s: float = setting(
        30.0,
        Kind.DURATION,
        "Longest time that a stopping agent may finish its work.",
        minimum=0,
        maximum=3600,
    )
    timers_max: int = setting(
        64, Kind.INTEGER, "Timers that one agent may have set.", minimum=0, maximum=10_000
    )
    conflict_notice_s: float = setting(
        5.0,
        Kind.DURATION,
        "Longest time that an agent may take to handle the news that another one has its name, before it is "
        "drained.",
        minimum=0,
        maximum=3600,
    )


@dataclass(frozen=True, slots=True)
class DeploymentsSection:
    """When replicas of deployments move."""

    restart_grace_s: float = setting(
        10.0,
        Kind.DURATION,
        "How long a node that said goodbye keeps what falls to it, since it may only restart.",
        minimum=0,
        maximum=3600,
    )
    takeover_delay_s: float = setting(
        3.0,
        Kind.DURATION,
        "How long another node waits with a consistent replica when the lease of a dead one, 5 s, is over: "
        "the time of its last drain and of a busy moment.",
        minimum=0,
        maximum=3600,
    )


@dataclass(frozen=True, slots=True)
class TasksSection:
    """Contract Nets that this node initiates."""

    kept_max: int = setting(
        1_000, Kind.INTEGER, "Tasks kept with all their bids; the oldest go.", minimum=1, maximum=1_000_000
    )
    running_max: int = setting(
        100, Kind.INTEGER, "Tasks at work at a time; more are refused.", minimum=1, maximum=10_000
    )
