"""How much clients may ask of this node."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.config.setting import Kind, setting

_MANY = 10_000_000


def _count(default: int, help: str, *, minimum: int = 0) -> int:  # noqa: A002 - as in the table
    found: int = setting(default, Kind.INTEGER, help, minimum=minimum, maximum=_MANY)
    return found


@dataclass(frozen=True, slots=True)
class LimitsSection:
    """Limits of calls, 0 for none; `caxton limit set` changes them for the whole cluster while it runs."""

    enabled: bool = setting(
        True,
        Kind.BOOLEAN,
        "Limit how often clients may call; without it only limits count that were set while the node runs.",
    )
    client_calls_per_min: int = _count(
        1_000, "Calls that one client may make a minute, deployments and messages sent not counted."
    )
    client_burst: int = _count(1_000, "Such calls at once, after a rest.", minimum=1)
    deploy_calls_per_min: int = _count(10, "Deployments and updates that one client may make a minute.")
    deploy_burst: int = _count(20, "Such calls at once, after a rest.", minimum=1)
    send_calls_per_s: int = _count(1_000, "Messages and tasks that one client may send a second.")
    send_burst: int = _count(2_000, "Such calls at once, after a rest.", minimum=1)
    node_calls_per_s: int = _count(10_000, "Calls of all clients of this node together, a second.")
    node_burst: int = _count(20_000, "Such calls at once, after a rest.", minimum=1)
    anonymous_calls_per_min: int = _count(
        60, "Calls that whoever shows no credential may make a minute from one address, such as newcomers."
    )
    anonymous_burst: int = _count(30, "Such calls at once, after a rest.", minimum=1)
    local_calls_per_s: int = _count(
        10_000, "Calls a second by way of the node's own socket, which count against nothing else."
    )
    local_burst: int = _count(20_000, "Such calls at once, after a rest.", minimum=1)
    calls_max: int = _count(
        4_096, "Calls and streams under way at once, those of the node's own socket not counted.", minimum=1
    )
    client_calls_max: int = _count(256, "Calls of one client under way at once.", minimum=1)
    client_streams_max: int = _count(64, "Streams that one client follows at once.", minimum=1)
    slow_reader_s: float = setting(
        30.0,
        Kind.DURATION,
        "A stream ends when its reader takes nothing for so long.",
        minimum=0.1,
        maximum=3600,
    )
    shed_lag_s: float = setting(
        1.0,
        Kind.DURATION,
        "With an event loop so late, reads are refused; thrice as late, all but health and the socket.",
        minimum=0.05,
        maximum=60,
    )
