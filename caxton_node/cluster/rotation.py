"""Changing the gossip keys of a whole cluster, without a moment in which one member cannot read another.

    install   every live member opens the new key too; the old one still seals
    use       every live member seals with the new key; all open both
    remove    nobody opens the old keys any more

Each step goes to every live member and is confirmed by each before the next begins. A member that does not
confirm stops the change where every key in use still opens everywhere: nothing is undone, since nothing is
broken, and the same command may be given again. Members that are not alive take over the result when they
come back (`keys.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from secrets import token_bytes

from caxton_node.cluster.key_offers import Shown, encode, offer_of, read_shown
from caxton_node.cluster.key_steps import NodeKeys, Step, StepName
from caxton_node.cluster.keys import PUT, SHOW, GossipKeys, KeysChanged
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, NotFound, StateError, Unavailable
from swim import InvalidKey, Ring, key_id
from swim.ring import GROUP_KEY_BYTES

STEP_TIMEOUT_S = 10.0
AT_ONCE = 64
NAMED_MAX = 5
ROUNDS_MAX = 5
"""Times that a step looks for members that have come meanwhile."""
FLIGHT_S = 2.0
"""Longest time that a datagram may be under way: the old keys go only when none of theirs is left."""


class KeyNotFound(NotFound):
    """The ring holds no such gossip key; nothing was changed."""

    code = "GOSSIP_KEY_NOT_FOUND"


class Rotation:
    """Changes keys on all live members; any member can do it.

    Args:
        cluster: Members, and requests to them.
        keys: Of this node.
        flight_s: How long old keys still open after nobody seals with them.
    """

    def __init__(self, cluster: Cluster, keys: GossipKeys, *, flight_s: float = FLIGHT_S) -> None:
        self._cluster = cluster
        self._keys = keys
        self._flight_s = flight_s

    @property
    def encryption(self) -> str:
        """Return whether this node's gossip is sealed: required, accept-plain, off."""
        return self._keys.encryption.value

    async def survey(self) -> list[NodeKeys]:
        """Ask every live member for its keys."""
        return await self._ask_all(self._cluster.alive_nodes(), self._show)

    async def install(self, key: bytes = b"", *, force: bool = False) -> AsyncIterator[Step]:
        """Let every live member open another key; an empty one stands for a new one.

        Raises:
            InvalidArgument: It is no key, or the ring is full; nothing was changed.
            KeysChanged: Somebody else changed the keys meanwhile.
            Unavailable: Some members have not taken it; nothing seals with it. Never with `force`.
        """
        key = key or token_bytes(GROUP_KEY_BYTES)
        ring = await self._next(lambda ring: ring.adding(key))
        step = await self._put(StepName.INSTALL, ring, key)
        yield step
        _check(step, force=force)

    async def use(self, wanted: str, *, force: bool = False) -> AsyncIterator[Step]:
        """Let every live member seal with a key that all of them open.

        Raises:
            KeyNotFound: The ring does not hold it.
            StateError: A live member does not open it yet; nothing was changed. Never with `force`.
            KeysChanged: Somebody else changed the keys meanwhile.
            Unavailable: Some members have not followed; all open the old and the new. Never with `force`.
        """
        ring = await self._next(lambda ring: ring.sealing_with(_find(ring, wanted)))
        if not force:
            _check_all_hold(wanted, await self.survey())
        step = await self._put(StepName.USE, ring, ring.keys[0])
        yield step
        _check(step, force=force)

    async def remove(self, wanted: str, *, force: bool = False) -> AsyncIterator[Step]:
        """Let no live member open a key any more.

        Raises:
            KeyNotFound: The ring does not hold it.
            InvalidArgument: It is the one that seals; nothing was changed.
            StateError: A live member still seals with it; nothing was changed. Never with `force`.
            KeysChanged: Somebody else changed the keys meanwhile.
            Unavailable: Some members still open it. Never with `force`.
        """
        ring = await self._next(lambda ring: ring.removing(_find(ring, wanted)))
        if not force:
            _check_none_seals(wanted, await self.survey())
        step = await self._put(StepName.REMOVE, ring, ring.keys[0])
        yield step
        _check(step, force=force)

    async def rotate(self, *, force: bool = False) -> AsyncIterator[Step]:
        """Make a new key and let it take the place of all others, step by step.

        Raises:
            InvalidArgument: The ring is full; nothing was changed.
            KeysChanged: Somebody else changed the keys meanwhile.
            Unavailable: Some members have not confirmed a step; all live members still read each other. With
                `force` such members are left behind instead.
        """
        key = token_bytes(GROUP_KEY_BYTES)
        ring = await self._next(lambda ring: ring.adding(key))
        step = await self._put(StepName.INSTALL, ring, key)
        yield step
        _check(step, force=force)
        ring = ring.sealing_with(key)
        step = await self._put(StepName.USE, ring, key)
        yield step
        _check(step, force=force)
        await asyncio.sleep(self._flight_s)
        step = await self._put(StepName.REMOVE, Ring((key,), ring.revision + 1), key)
        yield step
        _check(step, force=force)

    # -- inside ---------------------------------------------------------------------------------------------

    async def _next(self, change: Callable[[Ring], Ring]) -> Ring:
        """Return the changed ring, starting from the latest that a live member has."""
        latest = max(await self.survey(), key=lambda found: found.shown.revision)
        if latest.shown.revision > self._keys.ring.revision:
            await self._catch_up(latest)
        ring = self._keys.ring
        try:
            return replace(change(ring), revision=max(ring.revision, latest.shown.revision) + 1)
        except InvalidKey as err:
            raise InvalidArgument("the gossip keys cannot be changed so", why=str(err)) from err

    async def _catch_up(self, latest: NodeKeys) -> None:
        """Fetch the latest ring: a change of an older one, put over it, would take away keys in use."""
        member = self._cluster.find(latest.node)
        if member is not None:
            await self._keys.refresh_from([(latest.node, member.address)])
        if self._keys.ring.revision < latest.shown.revision:
            raise Unavailable(
                f"the latest gossip keys could not be fetched from {latest.node}",
                why=f"they are at revision {latest.shown.revision}, those here at {self._keys.ring.revision}",
                hint=f"nothing was changed; give the command on {latest.node}, or again in a moment",
            )

    async def _put(self, name: StepName, ring: Ring, key: bytes) -> Step:
        """Give a ring to all live members, also to those that come while that goes on."""
        payload = encode(offer_of(ring))

        async def put(node: str) -> Shown:
            if node == self._cluster.node_id:
                await self._keys.put(ring, by=node)
                return self._keys.shown
            shown = read_shown(await self._cluster.request(node, PUT, payload, STEP_TIMEOUT_S))
            if (shown.ids, shown.revision) != (tuple(ring.ids), ring.revision):
                raise KeysChanged(
                    f"the keys of node {node} are at revision {shown.revision}",
                    why=f"somebody else changed them; this change would have made it {ring.revision}",
                )
            return shown

        done: dict[str, NodeKeys] = {}
        for _ in range(ROUNDS_MAX):
            todo = [node for node in self._cluster.alive_nodes() if node not in done]
            if not todo:
                break
            done |= {found.node: found for found in await self._ask_all(todo, put)}
        return Step(name, key_id(key), tuple(done[node] for node in sorted(done)))

    async def _show(self, node: str) -> Shown:
        if node == self._cluster.node_id:
            return self._keys.shown
        return read_shown(await self._cluster.request(node, SHOW, b"", STEP_TIMEOUT_S))

    async def _ask_all(self, nodes: list[str], ask: Callable[[str], Awaitable[Shown]]) -> list[NodeKeys]:
        door = asyncio.Semaphore(AT_ONCE)

        async def ask_one(node: str) -> NodeKeys:
            async with door:
                try:
                    return NodeKeys(node, await ask(node))
                except CaxtonError as err:
                    return NodeKeys(node, Shown(), str(err), isinstance(err, KeysChanged))

        return list(await asyncio.gather(*map(ask_one, nodes)))


_STOPPED = {
    StepName.INSTALL: "the new key is not on every member, so none seals with it",
    StepName.USE: "not every member seals with the new key, so the old ones stay",
    StepName.REMOVE: "not every member has forgotten the old keys",
}


def _find(ring: Ring, wanted: str) -> bytes:
    if wanted not in ring.ids:
        raise KeyNotFound(
            f"no gossip key {wanted}",
            why=f"the ring holds {', '.join(ring.ids)}",
            hint="caxton cluster keys list shows the ids",
        )
    return ring.find(wanted)


def _check(step: Step, *, force: bool) -> None:
    """Stop after a step that not everybody has confirmed; `force` is only for those that do not answer."""
    overtaken = [found.node for found in step.failed if found.is_overtaken]
    if overtaken:
        raise KeysChanged(
            f"{_STOPPED[step.name]}: somebody else changes the keys",
            why=f"{', '.join(overtaken[:NAMED_MAX])} took another change",
            hint="see who it is; when that is done, give the command again: every key in use still opens",
        )
    if not step.failed or force:
        return
    first, more = step.failed[0], len(step.failed) - 1
    others = f" and {more} more" if more else ""
    raise Unavailable(
        f"{_STOPPED[step.name]}: {first.node}{others}",
        why=first.error,
        hint="every key in use still opens everywhere; give the command again when they answer, or with "
        "--force to go on without them",
    )


def _check_all_hold(wanted: str, found: list[NodeKeys]) -> None:
    missing = [node.node for node in found if wanted not in node.shown.ids]
    if missing:
        raise StateError(
            f"key {wanted} is not on every member",
            why=f"{', '.join(missing)} could not read what the others seal with it",
            hint="install it again, or use --force",
        )


def _check_none_seals(wanted: str, found: list[NodeKeys]) -> None:
    sealing = [node.node for node in found if node.error or node.shown.ids[:1] == (wanted,)]
    if sealing:
        raise StateError(
            f"key {wanted} is still needed",
            why=f"{', '.join(sealing)} may seal with it",
            hint="caxton cluster keys use another one first, or use --force",
        )
