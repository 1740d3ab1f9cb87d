"""What a membership wants done: plain values, performed by whoever drives it, in order."""

from __future__ import annotations

from dataclasses import dataclass

from swim.events import Event
from swim.member import Address
from swim.timers import Timer


@dataclass(frozen=True, slots=True)
class Send:
    """Send one UDP datagram; losing it is allowed."""

    address: Address
    datagram: bytes


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hand `timer` back to `handle_timer` once `after_s` seconds have passed; it is never cancelled."""

    timer: Timer
    after_s: float


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the rest of the program that something has happened."""

    event: Event


Effect = Send | Schedule | Notify


class Outbox:
    """Gathers the effects of one input while the parts of a membership work on it."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []

    def send(self, address: Address, datagram: bytes) -> None:
        """Add a datagram."""
        self._effects.append(Send(address, datagram))

    def schedule(self, timer: Timer, after_s: float) -> None:
        """Add a timer."""
        self._effects.append(Schedule(timer, max(0.0, after_s)))

    def notify(self, event: Event) -> None:
        """Add an event."""
        self._effects.append(Notify(event))

    def take(self) -> list[Effect]:
        """Return what was gathered, in order, and start anew."""
        effects, self._effects = self._effects, []
        return effects
