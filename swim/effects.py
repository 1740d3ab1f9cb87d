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


@dataclass(frozen=True, slots=True)
class PingLink:
    """Ask a member over a link that is up, if there is one; `handle_link_answer` takes what it answers.

    Attributes:
        node_id: The member.
        sequence: Comes back with the answer.
    """

    node_id: str
    sequence: int


Effect = Send | Schedule | Notify | PingLink


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

    def ping_link(self, node_id: str, sequence: int) -> None:
        """Add a question over a link."""
        self._effects.append(PingLink(node_id, sequence))

    def take(self) -> list[Effect]:
        """Return what was gathered, in order, and start anew."""
        effects, self._effects = self._effects, []
        return effects
