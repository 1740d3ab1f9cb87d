"""What a caller shows, before anything of it is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

UNREADABLE: Final = " "
"""What surfaces put in the place of a credential whose header is there and holds none: an empty one, `Basic`.

No credential has this text, so it is refused as malformed; to leave it out would let in by the Unix socket
who meant to show something.
"""

_BEARER = "bearer "


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

    @property
    def source(self) -> str:
        """Return what its guesses are counted by: one user does not slow down the others."""
        return f"uid:{self.uid}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with one call or connection.

    Attributes:
        bearer: Text behind `Authorization: Bearer`; empty if there was no such header, `UNREADABLE` if it
            held something else.
        api_key: Text of `X-API-Key`; empty if there was no such header, `UNREADABLE` if it held nothing.
        certificate_der: The client's certificate, if TLS has verified one.
        peer: Who opened the Unix socket; None on a network connection.
        source: The caller's address without its port, or on a Unix socket its user, by which guessing is
            slowed down.
    """

    bearer: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    certificate_der: bytes = field(default=b"", repr=False)
    peer: UnixPeer | None = None
    source: str = ""


def read_bearer(authorization: str) -> str:
    """Return the credential in an `Authorization` header that is there."""
    scheme, text = authorization[: len(_BEARER)], authorization[len(_BEARER) :].strip()
    return text if scheme.lower() == _BEARER and text else UNREADABLE


def read_api_key(header: str) -> str:
    """Return the credential in an `X-API-Key` header that is there."""
    return header or UNREADABLE
