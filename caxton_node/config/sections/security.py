"""Who may do what, and what is written down about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from caxton_node.config.setting import GIB, MIB, Kind, setting


@dataclass(frozen=True, slots=True)
class SecuritySection:
    """Callers, and the log of what they were allowed and refused."""

    audit_reads: bool = setting(
        False,
        Kind.BOOLEAN,
        "Write each call that was let in into the audit log, reads too; changes and refusals always are.",
    )
    audit_retention_days: int = setting(
        90,
        Kind.INTEGER,
        "How long files of the audit log are kept after their last record, days.",
        minimum=1,
        maximum=3650,
    )
    audit_file_bytes_max: int = setting(
        64 * MIB,
        Kind.SIZE,
        "A file of the audit log that is as large is ended and another begun; each day begins one anyway.",
        minimum=64 * 1024,
        maximum=4 * GIB,
    )
    providers: Path | None = setting(  # noqa: RUF009 - it returns dataclasses.field(...)
        None,
        Kind.PATH,
        "YAML file that says whose JWT, OAuth2 tokens and client certificates are good; none if not set.",
    )
    unix_peers: str = setting(
        "",
        Kind.TEXT,
        "Who else may use the Unix socket, such as user:deploy=developer, group:caxton=operator.",
    )
    cache_s: float = setting(
        60.0,
        Kind.DURATION,
        "How long a caller that was recognised is remembered; what is revoked is forgotten at once anyway.",
        minimum=0,
        maximum=60,
    )
    free_failures: int = setting(
        10,
        Kind.INTEGER,
        "Wrong credentials from one address that cost it nothing; each further one makes it wait longer.",
        minimum=1,
        maximum=1000,
    )
