"""One call on its way through the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex

from caxton_node.security import Credentials, Principal


@dataclass(frozen=True, slots=True)
class Caller:
    """What a surface knows of whoever calls, before anything is believed.

    Attributes:
        credentials: What came with the call.
        surface: grpc, rest, websocket, ...: where it came in, for the audit log.
        address: Where it came from, for the audit log.
        timeout_s: How long the caller will wait; None if it did not say.
        trace_id: 32 hexadecimal digits, new for each call.
        headers: What the answer shall say besides its body, filled on the way: rate limits, above all.
    """

    credentials: Credentials = field(default_factory=Credentials)
    surface: str = ""
    address: str = ""
    timeout_s: float | None = None
    trace_id: str = field(default_factory=lambda: token_hex(16))
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in.

    Attributes:
        principal: Who calls.
        trace_id: As of the caller; the same on every node that takes part.
        timeout_s: How long the caller will wait; None if it did not say.
        via: The node that forwarded it; empty when it came here first.
    """

    principal: Principal
    trace_id: str
    timeout_s: float | None = None
    via: str = ""
