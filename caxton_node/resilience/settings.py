"""What a node may be asked, as its configuration says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from caxton_node.resilience.rate_limit import Allowance

MINUTE_S = 60.0

DEFAULTS: Mapping[str, Allowance] = MappingProxyType(
    {
        "node": Allowance(10_000, 1.0, 20_000),
        "client": Allowance(1_000, MINUTE_S, 1_000),
        "deploy": Allowance(10, MINUTE_S, 20),
        "send": Allowance(1_000, 1.0, 2_000),
        "anonymous": Allowance(60, MINUTE_S, 30),
        "local": Allowance(10_000, 1.0, 20_000),
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of a node.

    Attributes:
        allowances: By scope; a scope that is not in it has no limit.
        calls_max: Calls and streams under way at once, those of the local socket not counted.
        client_calls_max: Those of one client.
        client_streams_max: Streams of one client.
        slow_reader_s: A stream ends when its reader takes nothing for so long.
        shed_lag_s: When the event loop is so late, reads and watches are refused; at three times that, all.
        clients_max: Clients that are remembered; the one that was quiet for longest is forgotten first.
    """

    allowances: Mapping[str, Allowance] = field(default_factory=lambda: DEFAULTS)
    calls_max: int = 4_096
    client_calls_max: int = 256
    client_streams_max: int = 64
    slow_reader_s: float = 30.0
    shed_lag_s: float = 1.0
    clients_max: int = 4_096
