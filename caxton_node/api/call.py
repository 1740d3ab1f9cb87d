"""One call on its way through the pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from secrets import randbits

from caxton_node.security import Credentials, Principal

_ids = Random(randbits(256))  # noqa: S311  a trace id is no secret, and the system's entropy costs ten times as much


def new_trace_id() -> str:
    """Return 32 hexadecimal digits that no other call has."""
    return f"{_ids.getrandbits(128):032x}"


async def _go_on() -> None:
    """Do nothing before the work begins."""


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
        on_admitted: Told who it is as soon as the caller is let in, maybe long before the first answer.
        before_work: Awaited when the caller has been let in to an operation with one answer, before that is
            begun.
    """

    credentials: Credentials = field(default_factory=Credentials)
    surface: str = ""
    address: str = ""
    timeout_s: float | None = None
    trace_id: str = field(default_factory=new_trace_id)
    headers: dict[str, str] = field(default_factory=dict)
    on_admitted: Callable[[Principal], None] = field(default=lambda _principal: None, repr=False)
    before_work: Callable[[], Awaitable[None]] = field(default=_go_on, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in.

    Attributes:
        principal: Who calls.
        trace_id: As of the caller; the same on every node that takes part.
        timeout_s: How long the caller will wait; None if it did not say.
        via: The node that forwarded it; empty when it came here first.
        tenants: Those that a limited answer must keep to; None: no limit.
        detail: What the audit log shall say besides, filled by the handler.
    """

    principal: Principal
    trace_id: str
    timeout_s: float | None = None
    via: str = ""
    tenants: frozenset[str] | None = None
    detail: dict[str, str] = field(default_factory=dict)

    def sees(self, name: str) -> bool:
        """Tell whether an agent (`tenant/name`) may be in the answer."""
        return self.tenants is None or name.partition("/")[0] in self.tenants
