"""Trust spreads: who knows less asks, and what was learned by asking goes back to who did not know it.

A change reaches every live member at once (`PUT`, by whoever makes it). This is for those that were not
there: every node compares digests with a member drawn by chance, often while it has just started, rarely
later.
Who has just come, or come back, is compared with at once: it may have missed a revocation.
Everything is signed by an authority, so it does not matter from whom it comes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine

from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.trust.holdings import Holdings
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.wire import Bundle, Compared, Shown, decode, encode
from certs import CertificateError, decode_revocations, decode_trust_list
from swim import Address

COMPARE, PUT, SHOW = "trust.compare", "trust.put", "trust.show"
TIMEOUT_S = 5.0
FIRST_LOOKS, FIRST_INTERVAL_S = 5, 1.0
_NEAR_MIN = 4  # with fewer the graph of who compares with whom might fall apart
INTERVAL_S = 30.0
GREETERS = 3
"""Members that compare with one that comes, by chance so many; its own first looks do the rest."""
GREETED_MAX = 16

_log = get_logger("trust")


class Exchange:
    """Compares what this node trusts with what others do.

    Args:
        keeper: What this node holds.
        cluster: Members, and requests to them.
        rng: Draws whom to ask.
        interval_s: Time between two comparisons, once the node has been up for a while.

    Attributes:
        trouble: Returns why the last renewal failed, for what is shown of this node.
        after_put: Awaited when another node has put something here, before it is answered.
    """

    def __init__(
        self, keeper: Keeper, cluster: Cluster, rng: random.Random, *, interval_s: float = INTERVAL_S
    ) -> None:
        self.trouble: Callable[[], str] = lambda: ""
        self.after_put: Callable[[], Coroutine[None, None, None]] = _nothing
        self._keeper = keeper
        self._cluster = cluster
        self._rng = rng
        self._interval_s = interval_s
        self._greeting: set[asyncio.Task[bool]] = set()
        cluster.serve(COMPARE, self._handle_compare)
        cluster.serve(PUT, self._handle_put)
        cluster.serve(SHOW, self._handle_show)

    @property
    def shown(self) -> Shown:
        """Return what may be told of this node."""
        now = self._keeper.now
        return self._keeper.held.shown(now, clock_us=round(now.timestamp() * 1e6), trouble=self.trouble())

    async def take(self, bundle: Bundle, *, by: str) -> None:
        """Take over what another node holds, as far as it is later and believed.

        Raises:
            InvalidArgument: It cannot be read; nothing was changed.
            StateError: The trust list is not believed.
            LocalError: It cannot be written.
        """
        try:
            trust = decode_trust_list(bundle.trust) if bundle.trust else None
            revocations = decode_revocations(bundle.revocations) if bundle.revocations else []
        except CertificateError as err:
            raise InvalidArgument("what another node trusts cannot be read", why=str(err)) from err
        if trust is not None:
            await self._keeper.adopt(trust, bridge_pem=bundle.bridge, by=by)
        if revocations:  # after the list, since a new authority may have signed them
            await self._keeper.merge(revocations)

    async def compare(self, node: str, address: Address | None = None) -> None:
        """Compare with another node, take what it knows and give it what it does not.

        Args:
            node: Which one.
            address: Where it is, if it need not be a member at present.

        Raises:
            CaxtonError: It did not answer, or what it has is not believed.
        """
        mine = compared(self._keeper.held)
        payload = await self._request(node, address, COMPARE, encode(mine))
        theirs, bundle = decode(payload, tuple[Compared, Bundle])
        await self.take(bundle, by=node)
        missing = difference(self._keeper.held, theirs)
        if missing != Bundle():
            await self._request(node, address, PUT, encode(missing))

    async def try_compare(self, node: str, address: Address | None = None) -> bool:
        """Compare with another node if it can be reached; return whether it answered."""
        try:
            await self.compare(node, address)
        except CaxtonError as err:  # away, or of an earlier version; there will be another turn
            _log.debug("trust was not compared", member=node, reason=str(err))
            return False
        return True

    def handle_member(self, changed: MemberChanged) -> None:
        """Compare with one that has come, or was held for dead: it may have slept through a revocation.

        Until it knows, it would give new gossip keys to a node that was cut off.
        """
        if changed.change not in {Change.JOINED, Change.REFUTED} or len(self._greeting) >= GREETED_MAX:
            return
        if self._rng.random() >= GREETERS / len(self._cluster.alive_nodes()):
            return
        task = asyncio.create_task(self.try_compare(changed.member.node_id), name="trust-greet")
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)
        task.add_done_callback(tell_of_bug)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in list(self._greeting):
            task.cancel()
        await asyncio.gather(*self._greeting, return_exceptions=True)

    async def compare_with_some(self, count: int) -> bool:
        """Compare with members drawn by chance, of those that have a link if there are enough.

        Returns:
            Whether one answered.
        """
        me, linked = self._cluster.node_id, self._cluster.linked()
        others = [node for node in self._cluster.alive_nodes() if node != me]
        near = [node for node in others if node in linked]
        others = near if len(near) >= _NEAR_MIN else others  # no link is begun for this alone
        chosen = self._rng.sample(others, min(count, len(others)))
        return any(await asyncio.gather(*map(self.try_compare, chosen)))

    async def watch(self) -> None:
        """Compare for ever: a few times soon after the start, then now and then."""
        looks = 0
        while True:
            if await self.compare_with_some(1):
                looks += 1
            await asyncio.sleep(FIRST_INTERVAL_S if looks < FIRST_LOOKS else self._interval_s)

    # -- inside ---------------------------------------------------------------------------------------------

    async def _request(self, node: str, address: Address | None, method: str, payload: bytes) -> bytes:
        if address is None:
            return await self._cluster.request(node, method, payload, TIMEOUT_S)
        return await self._cluster.request_at(node, address, method, payload, TIMEOUT_S)

    async def _handle_compare(self, _peer: str, payload: bytes) -> bytes:
        theirs = decode(payload, Compared)
        held = self._keeper.held
        return encode((compared(held), difference(held, theirs)))

    async def _handle_put(self, peer: str, payload: bytes) -> bytes:
        await self.take(decode(payload, Bundle), by=peer)
        await self.after_put()
        return encode(self.shown)

    async def _handle_show(self, _peer: str, _payload: bytes) -> bytes:
        return encode(self.shown)


def compared(held: Holdings) -> Compared:
    """Return what is compared of what a node holds."""
    return Compared(held.trust.digest, held.trust.revision, held.revocations.digest)


def difference(held: Holdings, theirs: Compared) -> Bundle:
    """Return what another node should take over.

    Revocations are a set that only grows: different ones are always given, and joined there.
    """
    trust = held.trust
    is_later = (trust.revision, trust.digest) > (theirs.revision, theirs.digest)
    differ = held.revocations.digest != theirs.revocations_digest and len(held.revocations) > 0
    return Bundle(
        trust.encode() if is_later and trust.revision else b"",
        held.revocations.encode() if differ else b"",
        held.bridge_pem if is_later else b"",
    )


def whole(held: Holdings) -> Bundle:
    """Return everything that others may take over."""
    return difference(held, Compared())


async def _nothing() -> None:
    """Stand for work where there is none."""
