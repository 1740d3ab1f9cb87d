"""Where REST listens, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SOCKET_NAME = "rest.sock"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """What the server shows of itself, and whose client certificates it believes.

    Attributes:
        key_pem: Private key of the node.
        chain_pem: Certificate of the node and behind it those of the CAs.
        ca_pem: The CAs that may have signed a client's certificate.
    """

    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    ca_pem: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen and what to take.

    Attributes:
        socket_path: The Unix socket, for the user of the node.
        shared_socket_path: A second one, for all users of this machine; None opens none.
        host: Address of the TLS port; empty opens the socket only.
        port: 0 picks a free one.
        names: Host names besides addresses and localhost under which browsers may call.
        cors_origins: Pages of these origins may call, written exactly as browsers send them.
        request_bytes_max: Longest body of a request.
        connections_max: Open connections; more are closed at once.
        headers_within_s: How long a request may take until its headers are there.
        body_within_s: How long its body may take, on top of what its size takes on a slow line.
        idle_s: How long a connection may stay without a request.
        write_within_s: How long a client may not read what was written for it.
    """

    socket_path: Path
    shared_socket_path: Path | None = None
    host: str = ""
    port: int = 0
    names: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    request_bytes_max: int = 70 * MIB
    connections_max: int = 1000
    headers_within_s: float = 10.0
    body_within_s: float = 10.0
    idle_s: float = 60.0
    write_within_s: float = 30.0
