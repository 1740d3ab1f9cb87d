"""How large a request may be, by its class."""

from __future__ import annotations

from collections.abc import Mapping

from caxton_node.core.errors import RequestTooLarge
from caxton_node.resilience.rates import Rate

KIB = 1024
MIB = 1024 * KIB

BYTES_MAX: Mapping[str, int] = {
    Rate.READ: 256 * KIB,
    Rate.WATCH: 256 * KIB,
    Rate.WRITE: 12 * MIB,
    Rate.SEND: 12 * MIB,  # 10 MiB of content, and what is round it
    Rate.DEPLOY: 64 * MIB,  # 50 MiB of module, and what is round it
}


def check_size(rate: str, size_bytes: int) -> None:
    """Make sure that a request is no larger than its class may be.

    Raises:
        RequestTooLarge: It is.
    """
    most = BYTES_MAX[rate]
    if size_bytes > most:
        raise RequestTooLarge(
            f"the request has {size_bytes} bytes",
            why=f"one of the class {rate} may have {most}",
            hint="ask for less at once, or send content in parts",
        )
