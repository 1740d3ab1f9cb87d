"""What a caller shows, before anything of it is believed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class UnixPeer:
    """The process at the other end of a Unix socket, as the kernel knows it (SO_PEERCRED).

    Attributes:
        pid: Its process.
        uid: Its user.
        gid: Its group.
    """

    pid: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with one call or connection.

    Attributes:
        bearer: Text behind `Authorization: Bearer`; empty if there was none.
        api_key: Text of `X-API-Key`; empty if there was none.
        certificate_der: The client's certificate, if TLS has verified one.
        peer: Who opened the Unix socket; None on a network connection.
        source: The caller's address without its port, by which guessing is slowed down.
    """

    bearer: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    certificate_der: bytes = field(default=b"", repr=False)
    peer: UnixPeer | None = None
    source: str = ""
