"""Telling a node that was away that another CA signs now, before it can speak to anybody.

While the change goes on, everybody else shows certificates that such a node does not believe, so it cannot
ask. But it hears gossip, whose key a change of the CA does not touch: members that sign broadcast the bridge,
the new CA vouched for by the old one, whenever a member has come. The node then believes both, reaches the
others, takes over their list and renews.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument
from caxton_node.core.events import EventBus
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.trust.keeper import Keeper
from certs.rotation import Stage, stage_of

TOPIC = "bridge"
TIMES, INTERVAL_S = 5, 1.0
"""A member has just come, and gossip may not reach it at the first try."""

_log = get_logger("trust")


class Announcing:
    """Broadcasts the bridge to those that come, and follows one that is heard.

    Args:
        keeper: What this node holds.
        cluster: Gossip.
        bus: Tells who comes.
        catch_up: Compares trust with other members, once they can be reached.
    """

    def __init__(
        self,
        keeper: Keeper,
        cluster: Cluster,
        bus: EventBus,
        *,
        catch_up: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        self._keeper = keeper
        self._cluster = cluster
        self._catch_up = catch_up
        self._left = 0
        self._telling: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        cluster.on_topic(TOPIC, self._handle_broadcast)
        bus.subscribe(MemberChanged, self._handle_member)

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [task for task in (self._telling, self._following) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- telling --------------------------------------------------------------------------------------------

    def _handle_member(self, changed: MemberChanged) -> None:
        held = self._keeper.held
        is_wanted = stage_of(held.trust) is Stage.SWITCHED and held.bridge_pem and held.authorities
        if changed.change is not Change.JOINED or not is_wanted:
            return
        self._left = TIMES
        if self._telling is None or self._telling.done():
            self._telling = _start(self._tell(), "announce-ca")

    async def _tell(self) -> None:
        while self._left > 0:
            self._left -= 1
            der = x509.load_pem_x509_certificate(self._keeper.held.bridge_pem).public_bytes(Encoding.DER)
            with suppress(CaxtonError):  # too much is waiting; there is another turn
                self._cluster.broadcast(TOPIC, der)
            await asyncio.sleep(INTERVAL_S)

    # -- following ------------------------------------------------------------------------------------------

    def _handle_broadcast(self, origin: str, payload: bytes) -> None:
        if self._following is None or self._following.done():
            self._following = _start(self._follow(origin, payload), "follow-bridge")

    async def _follow(self, origin: str, der: bytes) -> None:
        try:
            bridge_pem = _pem_of(der)
            if not await self._keeper.announce(bridge_pem):
                return
        except CaxtonError as err:
            _log.warning("a bridge to another CA is not believed", origin=origin, reason=str(err))
            return
        _log.info("the CA was changed while this node was away; it follows", told_by=origin)
        await self._catch_up()


def _start(work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(tell_of_bug)
    return task


def _pem_of(der: bytes) -> bytes:
    try:
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    except ValueError as err:
        raise InvalidArgument("a bridge between authorities cannot be read", why=str(err)) from err
