"""Toxics: what a proxy does to TCP connections, named and measured as toxiproxy does.

Both proxies take them: toxiproxy itself, where a Go toolchain is, and `tcp_proxy` anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Toxic:
    """One toxic.

    Attributes:
        type: latency (`latency`, `jitter`, ms), bandwidth (`rate`, KB/s), slicer (`average_size`, bytes,
            `delay`, us), timeout (`timeout`, ms: everything vanishes, then the connection is closed; 0 is
            never), reset_peer (`timeout`, ms: the connection is reset).
        attributes: Its numbers.
    """

    type: str
    attributes: Mapping[str, int] = field(default_factory=dict)

    def get(self, attribute: str) -> int:
        """Return one of its numbers, 0 if it has none of this name."""
        return self.attributes.get(attribute, 0)


class ToxicProxy(Protocol):
    """A path for TCP that can be made bad.

    Attributes:
        port: Where it listens on loopback.
    """

    port: int

    def add(self, toxic: Toxic) -> None:
        """Do this, in both directions, to connections that are up and to new ones."""
        ...

    def clear(self) -> None:
        """Be a good path again; connections that were broken stay broken."""
        ...
