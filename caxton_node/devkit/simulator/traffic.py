"""What nodes put on the network, as a network sees it."""

from __future__ import annotations

from dataclasses import dataclass

HEADERS_BYTES = 28
"""IPv4 and UDP headers."""


@dataclass(slots=True)
class Traffic:
    """What one node has sent, headers included.

    Attributes:
        datagrams: How many datagrams.
        bytes: Their bytes.
    """

    datagrams: int = 0
    bytes: int = 0

    def count(self, payload_bytes: int) -> None:
        """Count one datagram."""
        self.datagrams += 1
        self.bytes += payload_bytes + HEADERS_BYTES
