"""How TCP answers to loss on a network of one's own.

Cubic, which most kernels use unless told otherwise, takes every lost segment for congestion and all but stops
at a few per cent. BBR goes by the rate at which segments arrive. Chosen per socket, so nothing of the machine
is changed; on a path that is shared with others (`wan`) the operator's own choice stands.
"""

from __future__ import annotations

import socket
from contextlib import suppress

PREFERRED = b"bbr"


def prefer(connected: socket.socket, name: bytes = PREFERRED) -> None:
    """Use a congestion control if the kernel has it and lets us; otherwise its default stays."""
    option = getattr(socket, "TCP_CONGESTION", None)  # Linux and FreeBSD
    if option is not None:
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, option, name)
