"""What this daemon is, where it keeps what it owns, and how it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from caxton_node.config.setting import GIB, KIB, MIB, SYSTEM_DIR, Kind, setting


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
    certificate_port: int | None = setting(
        None,
        Kind.PORT,
        "Port where clients must show a certificate of the CA; unset opens none, 0 picks a free one.",
    )
    message_bytes_max: int = setting(
        64 * MIB,
        Kind.SIZE,
        "Largest request and answer; larger modules than fit are uploaded in pieces.",
        minimum=64 * KIB,
        maximum=GIB,
    )
    streams_max: int = setting(
        1000, Kind.INTEGER, "Calls and streams of one connection at once.", minimum=1, maximum=100_000
    )
    keepalive_s: float = setting(
        60.0,
        Kind.DURATION,
        "A quiet connection is asked so often whether it lives; clients may ask four times as often.",
        minimum=1,
        maximum=7200,
    )
    keepalive_timeout_s: float = setting(
        20.0, Kind.DURATION, "A connection that does not answer for so long ends.", minimum=1, maximum=600
    )
    connection_age_s: float | None = setting(
        None,
        Kind.DURATION,
        "A connection is closed in order after so long, so that clients behind a balancer spread anew.",
        minimum=1,
        maximum=604_800,
    )


@dataclass(frozen=True, slots=True)
class RestSection:
    """The management API over HTTPS; the Unix socket rest.sock in the data directory is always there."""

    enabled: bool = setting(True, Kind.BOOLEAN, "Serve REST, WebSocket and the web pages over HTTPS.")
    host: str = setting("127.0.0.1", Kind.TEXT, "Address to listen on.")
    port: int = setting(8080, Kind.PORT, "Port; 0 picks a free one.")
    shared_socket: Path | None = setting(  # noqa: RUF009 - it returns dataclasses.field(...)
        None,
        Kind.PATH,
        "A second Unix socket, such as /run/caxton/rest.sock, for users whom security.unix_peers names.",
    )
    names: str = setting(
        "",
        Kind.TEXT,
        "Host names under which browsers may call, such as caxton.example.com; addresses, localhost and the "
        "names in the certificate always go.",
    )
    cors_origins: str = setting(
        "",
        Kind.TEXT,
        "Origins whose pages may call, exact, with commas between: https://app.example.com:8443.",
    )
    request_bytes_max: int = setting(
        70 * MIB,
        Kind.SIZE,
        "Longest body of a request; a module of 50 MiB has 67 MiB in JSON.",
        minimum=64 * KIB,
        maximum=GIB,
    )
    connections_max: int = setting(
        1000,
        Kind.INTEGER,
        "Open connections of the port and of each socket; more are closed at once.",
        minimum=1,
        maximum=100_000,
    )
    stream_grace_s: float = setting(
        60.0,
        Kind.DURATION,
        "How long a stream waits for a reader whose connection broke.",
        minimum=1,
        maximum=3600,
    )
    streams_max: int = setting(
        256, Kind.INTEGER, "Open streams that can be resumed, of all callers.", minimum=1, maximum=10_000
    )
    streams_per_caller_max: int = setting(
        32, Kind.INTEGER, "Open streams that can be resumed, of one caller.", minimum=1, maximum=10_000
    )


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
