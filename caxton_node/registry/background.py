"""What the registry's work behind the caller's back has in common: when it happens, and what it counts.

`spreader.py` sends changes, `saver.py` stores them, `syncer.py` compares with neighbours. Each is an object
with one `turn`; `run_forever` repeats it. A turn that raises is logged and repeated after a pause: the
registry must go on without a peer or a disk that fails for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caxton_node.core.errors import CaxtonError
from caxton_node.observability import get_logger
from caxton_node.registry.ports import ClusterPort

TOPIC = "registry"
PAUSE_AFTER_FAILURE_S = 1.0

_log = get_logger("registry")


@dataclass(frozen=True, slots=True)
class Settings:
    """When things happen.

    Attributes:
        sync_interval_s: Between comparisons; each waits 0.8 to 1.2 times that.
        learn_interval_s: How often a comparison asks what the other has seen, beside the first after a start;
            that is some 30 bytes for each node that there ever was.
        spread_delay_s: How long changes are gathered before they leave.
        save_delay_s: How long changes are gathered before they are stored.
        gossip_bytes_max: Largest broadcast; more would not fit beside membership's own news.
        request_timeout_s: For each request to another node.
        first_timeout_s: For the first of a comparison, which is small: whoever is there answers it soon, and
            a peer that has just died must not keep this node from comparing with another.
    """

    sync_interval_s: float = 2.0
    learn_interval_s: float = 1800.0
    spread_delay_s: float = 0.02
    save_delay_s: float = 0.1
    gossip_bytes_max: int = 900
    request_timeout_s: float = 10.0
    first_timeout_s: float = 2.0


@dataclass(slots=True)
class Tally:
    """Plain counters.

    Attributes:
        equal: Comparisons that found no difference.
        differed: Comparisons that exchanged something.
        failed: Comparisons that broke off.
        malformed: Broadcasts that could not be read.
        broadcasts_failed: Payloads that gossip had no room for; comparison makes up for it.
        pushes_failed: Pages that a peer did not take; likewise.
    """

    equal: int = 0
    differed: int = 0
    failed: int = 0
    malformed: int = 0
    broadcasts_failed: int = 0
    pushes_failed: int = 0


async def run_forever(turn: Callable[[], Awaitable[None]]) -> None:
    """Repeat a turn until cancelled."""
    while True:
        try:
            await turn()
        except CaxtonError as err:  # a disk that is full, mostly: the same is tried again
            _log.warning("a turn of the registry failed", reason=str(err))
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
        except Exception:  # noqa: BLE001 - the boundary of a task: log it, go on
            _log.exception("a turn of the registry failed")
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)


def others(cluster: ClusterPort) -> list[str]:
    """Return the alive nodes besides this one."""
    return [node for node in cluster.alive_nodes() if node != cluster.node_id]
