"""When things happen in this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """Times and bounds.

    Attributes:
        labels: Of this node, by name.
        restart_grace_s: How long a node that said goodbye keeps its replicas: it may only restart.
        takeover_delay_s: How long the majority waits, after the lease of a dead node is over, before another
            node runs what is consistent: that one's drain, and the turn in which it noticed.
        return_settle_s: How long a node that comes back is not believed to run what the registry says.
        drain_s: How long a replica that gives way may finish what it began.
        rest_drain_s: The same on the side of a split that must stop.
        retry_first_s: Wait after the first failure; it doubles.
        retry_longest_s: Longest such wait.
        tries_max: Failures after which this node refuses a replica, so that another one takes it.
        refusal_s: How long it refuses at first; it doubles.
        refusal_longest_s: Longest such time.
        calm_s: Whoever has run for so long has no failures any more.
        alone_s: How long a node that starts waits for others before it places anything without them.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    restart_grace_s: float = 10.0
    takeover_delay_s: float = 3.0
    return_settle_s: float = 3.0
    drain_s: float = 30.0
    rest_drain_s: float = 2.0
    retry_first_s: float = 1.0
    retry_longest_s: float = 30.0
    tries_max: int = 5
    refusal_s: float = 60.0
    refusal_longest_s: float = 600.0
    calm_s: float = 60.0
    alone_s: float = 5.0
