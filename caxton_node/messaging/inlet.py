"""The loop that every message from another node passes: read, follow its conversation, put.

Like `intake.py` for guests it treats the common case in place: one receiver that leads to one place here, no
deadline, no headers, a conversation that is known and that nobody follows. Everything else goes the long way
(`delivery.py`), after the messages before it have been put where they belong. Messages are stamped and
checked already, so what is put is the very bytes that came. It runs on the event loop.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence

from caxton_node.core.clock import Clock
from caxton_node.fipa import Envelope
from caxton_node.fipa.codec import READ_ERRORS, read
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.delivery import Delivery
from caxton_node.messaging.destinations import Destinations, Place
from caxton_node.messaging.durable.header import is_foreign
from caxton_node.messaging.origin import Origin
from caxton_node.messaging.traces import SAMPLED

ORIGINS_MAX = 4_096


class Inlet:
    """Takes what peers send.

    Args:
        destinations: Where addresses lead.
        delivery: The long way.
        tally: Where messages are counted.
        clock: Time.
        loop: The event loop.

    Attributes:
        release: Gives a peer credit for bytes that were handled here.
        ask_to_hold: Asks a peer to hold what is for an address, or to go on.
    """

    def __init__(
        self,
        destinations: Destinations,
        delivery: Delivery,
        tally: Tally,
        clock: Clock,
        loop: AbstractEventLoop,
    ) -> None:
        self._destinations = destinations
        self._delivery = delivery
        self._tally = tally
        self._clock = clock
        self._loop = loop
        self._origins: dict[str, Origin] = {}
        self.release: Callable[[str, int], None] = _give_nothing
        self.ask_to_hold: Callable[[str, str, bool], None] = _ask_nobody

    # One piece, as in `Intake.accept`, since each call more per message costs a few per cent of the whole.
    def accept(self, peer: str, frames: Sequence[bytes]) -> int:
        """Route what a peer sent, in order.

        Returns:
            How many bytes of it are kept and not handled yet.
        """
        delivery, origin = self._delivery, self._origin_of(peer)
        delivery.note_life(peer)
        direct, budgets, put = self._destinations.arrived, delivery.budgeted, delivery.put
        table, follow = delivery.conversations.table, delivery.conversations.follow
        open_requests, now_us, fast = delivery.requests.waiting, self._clock.unix_us(), 0
        run: list[bytes] = []
        run_to: Place | None = None
        run_first = run_next = 0
        for frame in frames:
            destination = talk = None
            try:
                envelope = read(frame)
            except READ_ERRORS:
                self._tally.misunderstand()
                continue
            if _is_plain(envelope):
                destination = direct.get(envelope.receivers)  # type: ignore[arg-type]  # a list finds nothing
            if destination is not None and (talk_id := envelope.conversation_id) is not None:
                talk = table.get(talk_id)
                if (
                    talk is None
                    or talk.is_followed
                    or talk.messages >= talk.messages_max
                    or talk_id in budgets
                    or follow(
                        talk,
                        envelope.performative,
                        envelope.protocol,
                        envelope.sender,  # type: ignore[arg-type]  # it is plain, so it has one
                        destination.address,
                    )
                    is not None
                ):
                    destination = None
            if destination is None:
                if run_to is not None:
                    put(run_to, run, origin, run_first)
                    run_to, run = None, []
                if is_foreign(envelope, peer):
                    self._tally.misunderstand()
                    continue
                self._tally.accept(1)
                delivery.route(envelope, frame, origin, arrived=True)
                continue
            fast += 1
            if talk is not None:
                talk.messages += 1
                talk.last_us = now_us
            if open_requests and envelope.in_reply_to is not None:
                sender = envelope.sender or ""
                delivery.requests.close(
                    envelope.performative, envelope.in_reply_to, sender, destination.address
                )
            number = int.from_bytes(envelope.message_id, "big")  # type: ignore[arg-type]  # it is plain
            if destination is not run_to or number != run_next:
                if run_to is not None:
                    put(run_to, run, origin, run_first)
                run_to, run, run_first = destination, [], number
            run_next = number + 1
            run.append(frame)
        self._tally.accept(fast)
        if run_to is not None:
            put(run_to, run, origin, run_first)
        return origin.take_owed()

    def settle(self) -> None:
        """Give every peer its credit for what has been handled, however little."""
        for origin in list(self._origins.values()):
            origin.settle()

    def forget(self, peer: str) -> None:
        """Forget a peer that is gone; mailboxes may keep some of its mail for a while."""
        self._origins.pop(peer, None)

    def _origin_of(self, peer: str) -> Origin:
        origin = self._origins.get(peer)
        if origin is None:
            if len(self._origins) >= ORIGINS_MAX:
                del self._origins[next(iter(self._origins))]
            origin = self._origins[peer] = Origin(peer, self._loop, self._release, self._ask_to_hold)
        return origin

    def _release(self, node: str, size: int) -> None:
        self.release(node, size)

    def _ask_to_hold(self, node: str, address: str, held: bool) -> None:
        self.ask_to_hold(node, address, held)


def _is_plain(envelope: Envelope) -> bool:
    """Tell whether a message asks for nothing beyond being put where it belongs."""
    trace = envelope.trace
    return (
        envelope.headers is None
        and envelope.reply_by is None
        and envelope.message_id is not None
        and envelope.receivers.__class__ is str
        and envelope.sender is not None
        and envelope.sender != PLATFORM_SENDER
        and (trace is None or not trace[-1] & SAMPLED)
    )


def _give_nothing(_node: str, _size: int) -> None:
    """Stand in on a node without a mesh: nobody waits for credit."""


def _ask_nobody(_node: str, _address: str, _held: bool) -> None:
    """Stand in on a node without a mesh."""
