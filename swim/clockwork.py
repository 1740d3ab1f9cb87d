"""Clockwork: each timer that is due goes to the part that set it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swim.parts import Parts
from swim.timers import (
    ContentRetry,
    GossipRound,
    JoinRetry,
    KnockRound,
    LastChance,
    ProbePeriod,
    ProbeStep,
    RelayStep,
    SuspicionExpiry,
    Timer,
)


class Clockwork:
    """Hands timers to the parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._handlers: dict[type[Timer], Callable[[Any, float], None]] = {
            ProbePeriod: parts.detector.handle_period,
            ProbeStep: parts.detector.handle_step,
            RelayStep: lambda timer, _: parts.relays.handle_step(timer),
            SuspicionExpiry: self._handle_expiry,
            LastChance: lambda timer, _: parts.last_chances.handle_step(timer),
            ContentRetry: parts.contents.handle_retry,
            GossipRound: lambda timer, _: parts.gossip.handle_round(timer),
            JoinRetry: lambda timer, _: parts.joiner.handle_retry(timer),
            KnockRound: self._handle_knock,
        }

    def handle(self, timer: Timer, now: float) -> None:
        """Take in a timer that is due; the part knows whether it is stale."""
        self._handlers[type(timer)](timer, now)

    def _handle_expiry(self, timer: SuspicionExpiry, now: float) -> None:
        suspect = self._parts.view.handle_expiry(timer, now)
        if suspect is not None:
            self._parts.last_chances.begin(suspect, timer.suspicion)

    def _handle_knock(self, _: KnockRound, now: float) -> None:
        for key in self._parts.healer.handle_round(now):
            self._parts.forget(key)
