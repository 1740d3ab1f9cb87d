"""Bounds of durable messages."""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class DurableSettings:
    """What a node keeps, and how patient it is.

    Attributes:
        rows_max: Messages that may wait in the outbox; more are refused.
        bytes_max: Bytes of their envelopes.
        ttl_s: How long a durable message lives that does not say so itself.
        window: Messages of one talk that are under way at a time.
        retry_min_s: Wait after the first time that a message was not taken; it doubles.
        retry_max_s: The longest such wait.
        ask_s: Silence after which the receiver's node is asked what became of a message; it doubles too.
        unanswered_s: How long two nodes wait for each other's answer.
        marks_max: Handled messages of other nodes that are remembered; the oldest that are settled go,
            and over twice as many the oldest of all.
        settled_s: How long one is remembered that its sender's node knows to be handled.
        grace_s: How much longer than its time the outbox waits for news of a message that another node has.
    """

    rows_max: int = 100_000
    bytes_max: int = 64 * 1024 * 1024
    ttl_s: float = 7.0 * DAY_S
    window: int = 256
    retry_min_s: float = 0.05
    retry_max_s: float = 30.0
    ask_s: float = 2.0
    unanswered_s: float = 10.0
    marks_max: int = 200_000
    settled_s: float = 600.0
    grace_s: float = 10.0
