"""On whose account a call goes."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final, Literal, NamedTuple, TypeAlias

# Words and no enumeration: to look at a member of one takes 0.1 us in Python 3.11, several times a call.
KNOWN: Final = "client"
ANONYMOUS: Final = "anonymous"
LOCAL: Final = "local"
Standing: TypeAlias = Literal["client", "anonymous", "local"]

_PREFIX_BITS = 64


class Visitor(NamedTuple):
    """Whoever calls, as far as limits are concerned.

    Attributes:
        name: `kind:name`, or `address:...` of one who did not say who it is.
        standing: How well the node knows it: the scope of the limit that there is if no other is.
    """

    name: str
    standing: Standing = KNOWN


OPERATOR = Visitor("local", LOCAL)
"""The node's own user, or root, on one of its sockets. It could read and stop everything anyway, and must get
in while others overload the node: so it has limits of its own, wide enough for people and scripts, and only
against a loop that ran wild."""


def stranger_at(address: str) -> Visitor:
    """Return the visitor for one who did not say who it is.

    IPv6 addresses count by their first 64 bits: whoever has one has 2**64 of them.

    Args:
        address: As surfaces write it: `127.0.0.1`, `ipv4:127.0.0.1`, `2001:db8::1`, `ipv6:%5B2001:db8::1%5D`.
    """
    text = address.replace("%5B", "[").replace("%5D", "]")
    text = text.removeprefix("ipv4:").removeprefix("ipv6:").strip("[]").partition("%")[0]
    try:
        parsed = ip_address(text)
    except ValueError:
        return Visitor(f"address:{text[:64]}", ANONYMOUS)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return Visitor(f"address:{parsed.ipv4_mapped}", ANONYMOUS)
        net = IPv6Address(int(parsed) >> _PREFIX_BITS << _PREFIX_BITS)
        return Visitor(f"address:{net}/{_PREFIX_BITS}", ANONYMOUS)
    return Visitor(f"address:{parsed}", ANONYMOUS)
