"""Makes a link to a node: races QUIC and TLS over TCP, greets, and waits to be welcomed.

The favourite of the last race starts; if no WELCOME has come after `race_delay_s`, the other joins. The first
WELCOME wins. A refusal ends the whole race at once: trying the other transport after a certificate was
refused would turn a security event into a slow success.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from transport.errors import LinkFailed, MalformedFrame, PeerRefused
from transport.faults import EndReason
from transport.frames import Frame, FrameType
from transport.handler import Address
from transport.links.contract import CONTROL, Carrier, Link
from transport.messages import Greeting, decode_greeting
from transport.settings import Settings, TransportChoice

_REMEMBERED_MAX = 4096


@dataclass(frozen=True, slots=True)
class Reached:
    """A link on which the other side has said WELCOME.

    Attributes:
        link: The link.
        welcome: What the other side said.
        why: Why it is of this kind.
        missed_quic: QUIC may be dialled, and was not the one that got through.
    """

    link: Link
    welcome: Greeting
    why: str = ""
    missed_quic: bool = False


class Dialer:
    """Dials nodes.

    Args:
        carriers: By kind.
        settings: Choice of transport, delays.
    """

    def __init__(self, carriers: Mapping[str, Carrier], settings: Settings) -> None:
        self._carriers = carriers
        self._settings = settings
        self._winners: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def dial(self, node_id: str, address: Address, hello: bytes, kind: str = "") -> Reached:
        """Make a link; cancelling leaves nothing behind.

        Args:
            node_id: Who must be there.
            address: Where.
            hello: The whole HELLO frame.
            kind: The only kind to dial; empty for a race between those that may be dialled.

        Raises:
            PeerRefused: One side refused the other; the other transport was not tried.
            LinkFailed: Nobody was there, in time, on any transport.
        """
        kinds = [kind] if kind in self._carriers else self._kinds(node_id)
        attempts: list[asyncio.Task[Reached]] = []
        winner: Reached | None = None
        try:
            async with asyncio.timeout(self._settings.handshake_timeout_s):
                winner = await self._race(kinds, node_id, address, hello, attempts)
        except TimeoutError as err:
            raise LinkFailed(EndReason.TIMEOUT) from err
        finally:
            await _clear_away(attempts, winner)
        self._remember(node_id, winner.link.kind)
        return self._explained(winner, kinds)

    async def _race(
        self,
        kinds: list[str],
        node_id: str,
        address: Address,
        hello: bytes,
        attempts: list[asyncio.Task[Reached]],
    ) -> Reached:
        last: LinkFailed | None = None
        waiting = list(kinds)
        running: set[asyncio.Task[Reached]] = set()
        while waiting or running:
            if waiting:
                carrier = self._carriers[waiting.pop(0)]
                attempt = asyncio.create_task(_attempt(carrier, node_id, address, hello))
                attempts.append(attempt)
                running.add(attempt)
            patience_s = self._settings.race_delay_s if waiting else None
            done, running = await asyncio.wait(
                running, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                try:
                    return attempt.result()
                except LinkFailed as err:
                    last = err
                    if err.reason is EndReason.DOUBLE_DIAL:
                        raise
        raise last or LinkFailed(EndReason.UNREACHABLE, "no transport to dial with")

    def _explained(self, winner: Reached, kinds: list[str]) -> Reached:
        kind = winner.link.kind
        if len(kinds) == 1:
            why = f"{kind} is the only kind that was dialled"
        elif kind == kinds[0]:
            why = f"{kind} was dialled first and answered"
        else:
            why = f"{kinds[0]} had not answered after {self._settings.race_delay_s * 1000:.0f} ms"
        return replace(winner, why=why, missed_quic="quic" in kinds and len(kinds) > 1 and kind != "quic")

    def _kinds(self, node_id: str) -> list[str]:
        choice = self._settings.transport
        if choice is not TransportChoice.AUTO and choice.value in self._carriers:
            return [choice.value]
        kinds = list(self._carriers)
        favourite, until = self._winners.get(node_id, ("", 0.0))
        if favourite in kinds and asyncio.get_running_loop().time() < until:
            kinds.sort(key=lambda kind: kind != favourite)
        return kinds

    def _remember(self, node_id: str, kind: str) -> None:
        until = asyncio.get_running_loop().time() + self._settings.remember_s
        self._winners[node_id] = (kind, until)
        self._winners.move_to_end(node_id)
        if len(self._winners) > _REMEMBERED_MAX:
            self._winners.popitem(last=False)


class _Welcome:
    """The receiver of a link until the other side has answered our HELLO."""

    def __init__(self) -> None:
        self.came: asyncio.Future[Greeting] = asyncio.get_running_loop().create_future()

    def handle_frame(self, link: Link, frame: Frame) -> None:  # noqa: ARG002 - it has one link
        if self.came.cancelled():
            return  # the dial was given up in this turn of the loop; its link is closed in the next
        if frame.type != FrameType.WELCOME or self.came.done():
            raise MalformedFrame("something else than WELCOME after HELLO")
        self.came.set_result(decode_greeting(frame.payload))

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:  # noqa: ARG002 - it has one link
        if not self.came.done():
            refused = PeerRefused(reason, detail, by_peer=True)
            self.came.set_exception(refused if reason.is_refusal else LinkFailed(reason, detail))


async def _attempt(carrier: Carrier, node_id: str, address: Address, hello: bytes) -> Reached:
    link = await carrier.dial(node_id, address)
    welcome = _Welcome()
    link.receiver = welcome
    link.write(CONTROL, hello)
    try:
        return Reached(link, await welcome.came)
    except asyncio.CancelledError:
        welcome.came.cancel()
        link.close(EndReason.CLOSING)
        raise


async def _clear_away(attempts: list[asyncio.Task[Reached]], winner: Reached | None) -> None:
    """End what lost the race, also a link that was welcomed in the same turn of the loop as the winner."""
    for attempt in attempts:
        attempt.cancel()
    for outcome in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(outcome, Reached) and outcome is not winner:
            outcome.link.close(EndReason.CLOSING)
