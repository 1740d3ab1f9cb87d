"""A negotiation with contractors that say what a test lets them say, without a node."""

from __future__ import annotations

import json
from collections.abc import Sequence

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.bidding import Phase, Schedule, Send, Timer
from caxton_node.tasks.negotiation import Command, Negotiation
from caxton_node.tasks.order import Order
from caxton_node.tasks.record import Bid, Record, begin

T0_US = 1_700_000_000_000_000
MS = 1_000


class Tender:
    """One task; time moves by `after_ms` of each act."""

    def __init__(self, *contractors: str, **order: object) -> None:
        asked = {"content": b'{"task": "wall"}', "capability": "masonry", **order}
        self.order = Order(**asked)  # type: ignore[arg-type]  # a test's own words
        self.record: Record = begin("t1", "n1", self.order, T0_US // 1000)
        names = [name if "@" in name else f"{name}@n1" for name in contractors]
        self.negotiation = Negotiation(self.record, self.order, names, "task~t1@n1")
        self.now_us = T0_US
        self.sent: list[Envelope] = []
        self.timers: list[Timer] = []
        self.take(self.negotiation.start(self.now_us))

    def take(self, commands: Sequence[Command]) -> list[Envelope]:
        """Keep what is to be done; return what was said."""
        said = [command.envelope for command in commands if isinstance(command, Send)]
        self.sent += said
        self.timers += [command.timer for command in commands if isinstance(command, Schedule)]
        return said

    def says(self, name: str, act: str, content: object = None, *, after_ms: float = 1) -> list[Envelope]:
        """Let a contractor say something and return the answers."""
        self.now_us += round(after_ms * MS)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        sender = name if "@" in name else f"{name}@n1"
        performative = Performative[act.upper().replace("-", "_")]
        call = next((each for each in reversed(self.sent) if each.receivers == sender), None)
        envelope = Envelope(
            performative,
            sender,
            "task~t1@n1",
            data,
            self.record.conversation_id,
            in_reply_to=call.reply_with if call else None,
            reply_with=f"{name}-says",
        )
        return self.take(self.negotiation.handle_message(envelope, self.now_us))

    def fails(self, name: str, reason: str) -> list[Envelope]:
        """Let the platform say that a contractor cannot be reached."""
        content = json.dumps({"reason": reason, "detail": f"{name} is gone"}).encode()
        return self.take(self.negotiation.handle_failure(f"{name}@n1", content, self.now_us))

    def rings(self, phase: Phase) -> list[Envelope]:
        """Let the latest timer of a phase be due."""
        self.now_us += 5_000 * MS
        timer = next(timer for timer in reversed(self.timers) if timer.phase is phase)
        return self.take(self.negotiation.handle_timer(timer, self.now_us))

    def bid(self, name: str) -> Bid:
        """Return the latest bid of a contractor."""
        return next(bid for bid in reversed(self.record.bids) if bid.contractor.startswith(f"{name}@"))

    def verdicts(self) -> dict[str, str]:
        """Return what became of the bids, by contractor."""
        return {bid.contractor.partition("@")[0]: bid.verdict.value for bid in self.record.bids}

    def notes(self) -> list[tuple[str, str, str]]:
        """Return what else happened."""
        return [
            (note.contractor.partition("@")[0], note.what.value, note.detail) for note in self.record.notes
        ]


def acts(messages: Sequence[Envelope]) -> list[tuple[str, str]]:
    """Return what was said to whom."""
    return [(message.performative.word, str(message.receivers).partition("@")[0]) for message in messages]
