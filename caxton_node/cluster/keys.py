"""The gossip keys of one node: kept on disk, changed on request of a member, fetched by a node that was away.

A ring is adopted whole or not at all, and only a later one (`outranks`). So two members who change keys at
the same time refuse each other instead of mixing their rings, and a node that missed a change, or was put
back from a backup, takes over what the others have. It cannot learn that by gossip, which it can no longer
read: it asks the members that it knows over the mesh, where certificates prove who is asking and who answers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from caxton_node.cluster.identity import write_gossip_keys
from caxton_node.cluster.key_offers import Shown, encode, offer_of, outranks, read_offer, ring_of
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, LocalError, StateError
from caxton_node.observability.logs import get_logger
from swim import Address, Drop, Encryption, Keyring, MemberState, Ring

FETCH, PUT, SHOW = "keys.fetch", "keys.put", "keys.show"
ASK_TIMEOUT_S = 3.0
ASKED_LIVE, ASKED_GONE = 2, 2
PAUSE_MIN_S, PAUSE_MAX_S = 1.0, 15.0
"""Between two looks; it doubles while asking changes nothing, so that junk makes no traffic on the mesh."""
LEAP_MAX = 2**32
"""How far one change may raise the revision: a hostile member could use up all that follow at one stroke."""

_PLAIN = {
    Encryption.ACCEPT_PLAIN: "plain gossip is believed: whoever reaches this node can mislead it",
    Encryption.OFF: "gossip is not sealed: whoever reaches this node can read it, and mislead it",
}

_log = get_logger("cluster")


class KeysChanged(StateError):
    """Somebody else has changed the gossip keys meanwhile; this change was not made."""

    code = "GOSSIP_KEYS_CHANGED"


class GossipKeys:
    """Keeps this node's ring, answers other members about it, and fetches theirs when it cannot read them.

    Args:
        keyring: Of this node's membership; nobody else changes its keys.
        data_dir: Where the ring is kept.
        cluster: Members, and requests to them.
        known: Members of an earlier life of this node, with where they were.
        rng: Chooses whom to ask.

    Attributes:
        before_take_over: Awaited with a member and where it is, before its ring is taken over: who has later
            keys may know of a revocation, and these keys are handed out to everybody who is not revoked.
    """

    def __init__(
        self,
        *,
        keyring: Keyring,
        data_dir: Path,
        cluster: Cluster,
        known: Sequence[tuple[str, Address]],
        rng: random.Random,
    ) -> None:
        self.before_take_over: Callable[[str, Address], Awaitable[None]] = _nothing
        self._keyring = keyring
        self._data_dir = data_dir
        self._cluster = cluster
        self._known = dict(known)
        self._rng = rng
        self._changing = asyncio.Lock()
        self._changes: set[asyncio.Task[bool]] = set()
        if keyring.encryption is not Encryption.REQUIRED:
            _log.warning(_PLAIN[keyring.encryption], setting="swim.encryption", value=str(keyring.encryption))
        cluster.serve(FETCH, self._handle_fetch)
        cluster.serve(PUT, self._handle_put)
        cluster.serve(SHOW, self._handle_show)

    @property
    def ring(self) -> Ring:
        """Return the ring in force."""
        return self._keyring.ring

    @property
    def encryption(self) -> Encryption:
        """Return what this node sends and takes."""
        return self._keyring.encryption

    @property
    def shown(self) -> Shown:
        """Return what may be told of the keys."""
        dropped = self._cluster.membership.statistics.dropped
        ring = self.ring
        return Shown(
            tuple(ring.ids), ring.revision, self.encryption.value, self._unopened, dropped[Drop.PLAIN]
        )

    @property
    def _unopened(self) -> int:
        dropped = self._cluster.membership.statistics.dropped
        return dropped[Drop.UNKNOWN_KEY] + dropped[Drop.UNAUTHENTIC]

    async def put(self, ring: Ring, *, by: str) -> None:
        """Take another ring into force, once it is on disk.

        Args:
            ring: With a higher revision, or the one that is in force.
            by: Who changed it.

        Raises:
            KeysChanged: This node's ring is as late or later, and not the same; nothing was changed.
            InvalidArgument: Its revision is absurd; nothing was changed.
            LocalError: It cannot be written; the old one stays in force.
        """
        await self._as_a_whole(self._put(ring, by))

    async def refresh(self) -> bool:
        """Ask some members for their ring and take over the best; return whether this node had to change."""
        return await self.refresh_from(self._candidates())

    async def refresh_from(self, members: Sequence[tuple[str, Address]]) -> bool:
        """Ask these members for their ring and take over the best; return whether this node had to change."""
        addresses = dict(members)
        ask = [self._fetch(node, address) for node, address in members]
        offers = [offer for offer in await asyncio.gather(*ask) if offer is not None]
        changed = False
        for node, ring, alive in offers:
            if self._is_wanted(ring, alive):
                await self.before_take_over(node, addresses[node])
            changed |= await self._as_a_whole(self._take_over(ring, node, alive))
        if changed and self._is_alone:
            self._cluster.rejoin()
        return changed

    async def watch(self) -> None:
        """Ask at once, and again whenever something arrives that no key opens, or nobody is there."""
        unopened, pause_s = -1, PAUSE_MIN_S
        while True:
            in_trouble = self._unopened > unopened or self._is_alone
            unopened = self._unopened
            changed = False
            if in_trouble:
                try:
                    changed = await self.refresh()
                except CaxtonError as err:  # a full disk passes; the next turn tries again
                    _log.warning("the gossip keys of the others cannot be taken over", reason=str(err))
            pause_s = min(2 * pause_s, PAUSE_MAX_S) if in_trouble and not changed else PAUSE_MIN_S
            await asyncio.sleep(pause_s)

    @property
    def _is_alone(self) -> bool:
        return len(self._cluster.alive_nodes()) == 1

    async def _as_a_whole(self, change: Coroutine[Any, Any, bool]) -> bool:
        """Wait for a change that goes on when the waiting is given up: disk and memory must stay the same."""
        task = asyncio.create_task(change, name="gossip-keys-change")
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def _put(self, ring: Ring, by: str) -> bool:
        async with self._changing:
            if ring != self.ring and ring.revision <= self.ring.revision:
                raise KeysChanged(
                    f"the keys of node {self._cluster.node_id} are at revision {self.ring.revision}",
                    why=f"somebody else changed them; this change would have made it {ring.revision}",
                    hint="caxton cluster keys list, then try again",
                )
            if self._is_leap(ring):
                raise InvalidArgument(
                    f"the gossip keys are at revision {self.ring.revision}, and not {ring.revision} next",
                    why="no cluster changes its keys so often",
                )
            await self._keep(ring, by)
            return True

    async def _take_over(self, ring: Ring, node: str, their_alive: int) -> bool:
        async with self._changing:
            if not self._is_wanted(ring, their_alive):
                return False
            if self._is_leap(ring):
                _log.error("absurd gossip keys were offered", member=node, revision=ring.revision)
                return False
            await self._keep(ring, node)
            return True

    def _is_wanted(self, ring: Ring, their_alive: int) -> bool:
        mine = len(self._cluster.alive_nodes())
        return outranks(ring, self.ring, their_alive=their_alive, my_alive=mine)

    def _is_leap(self, ring: Ring) -> bool:
        return ring.revision > self.ring.revision + LEAP_MAX

    async def _keep(self, ring: Ring, by: str) -> None:
        """Write first: what is in force must be there after a restart."""
        if ring == self.ring:
            return
        try:
            await asyncio.to_thread(write_gossip_keys, self._data_dir, ring)
        except OSError as err:
            raise LocalError(
                "the gossip keys cannot be written",
                why=str(err),
                hint="the old keys stay in force; see to the disk and try again",
            ) from err
        self._keyring.replace(ring)
        _log.info("gossip keys changed", keys=ring.ids, seals=ring.ids[0], revision=ring.revision, by=by)

    def _candidates(self) -> list[tuple[str, Address]]:
        """Draw members to ask: some that are here, and some that are not, who may be the ones that know."""
        others = [member for member in self._cluster.members() if member.node_id != self._cluster.node_id]
        live = [(member.node_id, member.address) for member in others if member.is_live]
        gone = {
            node: address
            for node, address in self._known.items()
            if node != self._cluster.node_id and not self._cluster.is_alive(node)
        }
        for member in others:
            if member.state is MemberState.LEFT:
                gone.pop(member.node_id, None)
            elif not member.is_live:
                gone[member.node_id] = member.address
        return self._draw(live, ASKED_LIVE) + self._draw(list(gone.items()), ASKED_GONE)

    def _draw(self, nodes: list[tuple[str, Address]], count: int) -> list[tuple[str, Address]]:
        return self._rng.sample(nodes, min(count, len(nodes)))

    async def _fetch(self, node: str, address: Address) -> tuple[str, Ring, int] | None:
        with suppress(CaxtonError):  # away, or too old to be asked; the next one may answer
            answer = await self._cluster.request_at(node, address, FETCH, b"", ASK_TIMEOUT_S)
            offer = read_offer(answer)
            return node, ring_of(offer), offer.alive
        return None

    async def _handle_fetch(self, peer: str, _payload: bytes) -> bytes:
        # Live members ask whenever junk reaches them; one that is not here yet comes for what it missed.
        tell = _log.debug if self._cluster.is_alive(peer) else _log.info
        tell("gossip keys handed to a member", member=peer)
        return encode(offer_of(self.ring, alive=len(self._cluster.alive_nodes())))

    async def _handle_put(self, peer: str, payload: bytes) -> bytes:
        with suppress(KeysChanged):  # the answer shows what is in force instead
            await self.put(ring_of(read_offer(payload)), by=peer)
        return encode(self.shown)

    async def _handle_show(self, _peer: str, _payload: bytes) -> bytes:
        return encode(self.shown)


async def _nothing(_node: str, _address: Address) -> None:
    """Stand for work where there is none."""
