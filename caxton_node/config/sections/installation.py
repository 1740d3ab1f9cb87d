"""What this daemon is, where it keeps what it owns, and how it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from caxton_node.config.setting import SYSTEM_DIR, Kind, setting


@dataclass(frozen=True, slots=True)
class NodeSection:
    """What this daemon is; who it is, `init` or `join` wrote down."""

    env: str = setting(
        "prod", Kind.CHOICE, "Kind of installation; dev logs everything, readably.", choices=("dev", "prod")
    )
    labels: str = setting(
        "",
        Kind.TEXT,
        "What deployments may choose this node by, such as zone=a,disk=ssd; every member carries it.",
    )


@dataclass(frozen=True, slots=True)
class DataSection:
    """Where the daemon keeps what it owns."""

    dir: Path = setting(  # noqa: RUF009 - it returns dataclasses.field(...)
        SYSTEM_DIR,
        Kind.PATH,
        "Database, modules, certificates, socket; a plain user's default is ~/.local/share/caxton.",
    )


@dataclass(frozen=True, slots=True)
class GrpcSection:
    """The management API over gRPC (TLS); the Unix socket in the data directory is always there."""

    enabled: bool = setting(True, Kind.BOOLEAN, "Serve gRPC over TLS.")
    host: str = setting("127.0.0.1", Kind.TEXT, "Address to listen on.")
    port: int = setting(50051, Kind.PORT, "Port; 0 picks a free one.")


@dataclass(frozen=True, slots=True)
class MetricsSection:
    """Prometheus metrics, /health and /ready over plain HTTP."""

    enabled: bool = setting(True, Kind.BOOLEAN, "Serve /metrics, /health and /ready.")
    host: str = setting("127.0.0.1", Kind.TEXT, "Address to listen on; it is not encrypted.")
    port: int = setting(9090, Kind.PORT, "Port; 0 picks a free one.")


@dataclass(frozen=True, slots=True)
class LogSection:
    """What is written to stderr."""

    level: str = setting(
        "info",
        Kind.CHOICE,
        "Least severe level that is written.",
        choices=("debug", "info", "warning", "error"),
    )
    format: str = setting(
        "auto",
        Kind.CHOICE,
        "json, pretty, or auto: pretty on a terminal.",
        choices=("auto", "json", "pretty"),
    )


@dataclass(frozen=True, slots=True)
class CertsSection:
    """Certificates of the nodes."""

    check_interval_s: float = setting(
        86_400.0,
        Kind.DURATION,
        "Time between two looks at this node's certificate; it is renewed 30 days before its end.",
        minimum=1,
        maximum=30 * 86_400,
    )
    lifetime_days: int = setting(
        365, Kind.INTEGER, "How long certificates live that this node signs, days.", minimum=1, maximum=3650
    )
    compare_interval_s: float = setting(
        30.0,
        Kind.DURATION,
        "Time between comparisons of CAs and revocations with another member; changes spread at once anyway.",
        minimum=1,
        maximum=3600,
    )
