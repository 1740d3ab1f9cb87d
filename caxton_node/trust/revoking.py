"""Cutting off a node whose key is lost or that nobody trusts any more.

    sign      a member that holds the CA key says that certificates of the node from before now are void
    tell      every live member by request, so that the operator sees who has it; the rest by gossip
    refuse    each closes its link to the node and lets no such certificate in
    part      each holds the node for gone, so that agents and messages are not looked for there
    re-key    gossip gets another key, which the node cannot fetch: it cannot speak as a member any more

Nothing takes a revocation back. A node is let in again with a certificate that begins later: by a join token,
or by one that was issued offline; both are done on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from caxton_node.cluster.facts import facts_of
from caxton_node.cluster.rotation import Rotation
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, NotFound, StateError, Unavailable
from caxton_node.core.ids import check_node_id
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.trust.exchange import SHOW
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.rekeying import change_gossip_keys
from caxton_node.trust.signing import SIGN_TIMEOUT_S, Signing
from caxton_node.trust.survey import NodeTrust, Survey
from caxton_node.trust.wire import Bundle, RevocationRequest, decode, encode
from certs import CertificateError, Revocation, Revocations, decode_revocation, revoke
from swim import Member

REVOKE, TOPIC = "trust.revoke", "revoked"
PROOF_TIMEOUT_S = 3.0
FAILURES_MIN = 2
"""Looks in a row at which a member that was once revoked proves nothing, before it is held for gone."""
BANNED_LOOKS = 12
"""Looks from one try to reach a member that is held for gone to the next: each is a refusal in two logs."""

_log = get_logger("trust")


class RevokedUnknown(NotFound):
    """Nobody knows the node that is to be revoked; nothing was changed."""

    code = "REVOKED_NODE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Revoked:
    """What came of a revocation.

    Attributes:
        revocation: As it was signed.
        nodes: What each live member says.
        held_key: The node held a CA key, so the CA should be changed as well.
    """

    revocation: Revocation
    nodes: tuple[NodeTrust, ...]
    held_key: bool


class Revoking:
    """Revokes nodes, and acts on revocations whoever made them.

    Args:
        keeper: What this node holds.
        cluster: Members, and requests to them.
        signing: For asking signers.
        survey: For telling everybody.
        rotation: Changes the gossip keys.
        signers: Returns the ids of alive members that sign, this node excluded.

    Attributes:
        self_revoked: Why this node was revoked; empty while it is not.
        void_join_tokens: Makes the join tokens void that were printed here up to an instant, Unix seconds:
            who took a node's disk may have found one there.
    """

    def __init__(
        self,
        keeper: Keeper,
        cluster: Cluster,
        *,
        signing: Signing,
        survey: Survey,
        rotation: Rotation,
        signers: Callable[[], Sequence[str]],
    ) -> None:
        self.self_revoked = ""
        self.void_join_tokens: Callable[[int], Awaitable[object]] = _void_nothing
        self._signers = signers
        self._voided_unix_s = 0
        self._looks = 0
        self._proved: dict[str, int] = {}
        self._unproved: dict[str, int] = {}
        self._keeper = keeper
        self._cluster = cluster
        self._signing = signing
        self._survey = survey
        self._rotation = rotation
        self._tasks: set[asyncio.Task[None]] = set()
        keeper.on_revoked = self._handle_revoked
        cluster.serve(REVOKE, self._handle_request)
        cluster.on_topic(TOPIC, self._handle_broadcast)

    async def revoke(self, node: str, *, reason: str, by: str) -> Revoked:
        """Revoke all certificates that a node has at present, and tell everybody.

        Raises:
            InvalidArgument: It is no node id, or the node that was asked.
            RevokedUnknown: Nobody knows it; nothing was changed.
            StateError: Nobody else signs: the cluster would be locked out of its CA; nothing was changed. Or
                as `spread`.
            Unavailable: No member that signs can be reached; nothing was changed.
        """
        self._check_other(check_node_id(node))
        self._check_known(node)
        self._check_somebody_signs_without(node)
        return await self.spread(await self._signed(RevocationRequest(node, reason, by)))

    async def spread(self, revocation: Revocation) -> Revoked:
        """Put a revocation in force here and on every live member, and change the gossip keys.

        Raises:
            InvalidArgument: It is about the node that was asked; nothing was changed.
            StateError: It is not believed: no authority in force has signed it, and nothing was changed. Or
                the node shows a younger certificate: it is in force, and does not cut the node off.
        """
        node = revocation.node_id
        self._check_other(node)
        member = self._cluster.find(node)
        held_key = member is not None and facts_of(member).signer
        await self._keeper.merge([revocation])
        if revocation.id not in {each.id for each in self._keeper.held.revocations}:
            raise StateError(
                f"the revocation of {revocation.node_id} is not in force",
                why="it is older than one that is, has ended, or is not signed by a CA in force",
                hint="caxton security revocations shows what is in force",
            )
        if revocation.serial is None:  # before others are told: the node itself is none of them any more
            await self._cluster.ban(node)
        self._broadcast(revocation)
        entries = Revocations([revocation]).encode()
        nodes, is_younger = await asyncio.gather(
            self._survey.put(Bundle(revocations=entries)), self._shows_younger(node)
        )
        self._in_background(change_gossip_keys(self._rotation), f"rekey-after-{node}")
        if is_younger and revocation.serial is None:
            raise StateError(
                f"node {node} is not cut off: it shows a certificate that is younger than its revocation",
                why=f"it begins {revocation.since}: the clock of the node that signed it is behind",
                hint="set that clock, then give the command again: caxton security certs shows the skew",
            )
        return Revoked(revocation, nodes, held_key)

    async def look(self) -> None:
        """Hold live members for gone whose certificate is revoked, however that came to be known.

        A revocation that was read from disk, and a revoked node that was started again, are no news. Whether
        a member has a younger certificate only a link can show, and a link may fail for another reason: so
        one is held for gone at the second failure, and looked at again.
        """
        revocations = self._keeper.held.revocations
        await self._void_tokens(max(revocations.denied_nodes.values(), default=None))
        self._looks += 1
        live = [member for member in self._cluster.members() if member.is_live]
        denied = [member for member in live if member.node_id in revocations.denied_nodes]
        await asyncio.gather(*(self._judge(member.node_id) for member in denied if self._is_open(member)))

    async def close(self) -> None:
        """Stop what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- checks ---------------------------------------------------------------------------------------------

    def _check_other(self, node: str) -> None:
        if node == self._cluster.node_id:
            raise InvalidArgument(
                "a node does not revoke itself",
                why="it could not tell the others",
                hint="give the command on another node, with --endpoint or --data-dir",
            )

    def _check_known(self, node: str) -> None:
        """Refuse what is probably a slip of the pen: it would look like success, and cut nobody off."""
        is_known = self._cluster.find(node) is not None or self._cluster.sides.counts(node)
        if not is_known and node not in self._keeper.held.revocations.denied_nodes:
            raise RevokedUnknown(
                f"no node {node} is known here",
                why="it never was a member, or left long ago",
                hint="one that is long gone is revoked by file, where ca.key lies: caxton-node certs revoke,"
                " then caxton security revoke --from-file",
            )

    def _check_somebody_signs_without(self, node: str) -> None:
        signers = set(self._signers())
        if node in signers and signers == {node} and self._keeper.held.signer is None:
            raise StateError(
                f"node {node} is the only live member that signs",
                why="without it nobody could join, renew, or change the CA",
                hint="copy ca.key to another member and restart it; or revoke by file, where a copy of ca.key"
                " lies: caxton-node certs revoke, then caxton security revoke --from-file",
            )

    # -- signing --------------------------------------------------------------------------------------------

    async def _signed(self, request: RevocationRequest) -> Revocation:
        if self._keeper.held.signer is not None:
            return self._sign(request)

        async def ask(signer: str) -> bytes:
            if signer == request.node:
                raise Unavailable(f"{signer} is the node that is to be revoked")
            return await self._cluster.request(signer, REVOKE, encode(request), SIGN_TIMEOUT_S)

        try:
            return decode_revocation(await self._signing.ask_signers(ask))
        except CertificateError as err:
            raise InvalidArgument("the revocation of the signer cannot be read", why=str(err)) from err

    def _sign(self, request: RevocationRequest) -> Revocation:
        held = self._keeper.held
        if held.signer is None:
            raise StateError(f"node {self._cluster.node_id} does not sign", why="the CA key is not here")
        if held.revocations.is_full:
            raise StateError(
                "there is no room for another revocation",
                why=f"{len(held.revocations)} are in force",
                hint="a change of the CA voids what was revoked at one stroke: caxton security ca rotate",
            )
        try:
            revocation = revoke(
                held.signer,
                check_node_id(request.node),
                self._keeper.now,
                reason=request.reason,
                revision=held.trust.revision,
            )
        except CertificateError as err:
            raise InvalidArgument("the revocation cannot be signed", why=str(err)) from err
        _log.warning("revocation signed", node=request.node, reason=request.reason, by=request.by)
        return revocation

    async def _handle_request(self, peer: str, payload: bytes) -> bytes:
        request = decode(payload, RevocationRequest)
        if request.node == peer:
            raise InvalidArgument("a node does not revoke itself")
        self._check_other(request.node)
        revocation = self._sign(request)
        _log.warning("a revocation was signed for a member", member=peer, node=request.node, by=request.by)
        await self._keeper.merge([revocation])
        self._broadcast(revocation)  # who has asked may not live to do it
        return revocation.encode()

    # -- acting on it ---------------------------------------------------------------------------------------

    def _broadcast(self, revocation: Revocation) -> None:
        with suppress(CaxtonError):  # too much is waiting; comparing spreads it too
            self._cluster.broadcast(TOPIC, revocation.encode())

    def _handle_broadcast(self, origin: str, payload: bytes) -> None:
        try:
            revocation = decode_revocation(payload)
        except CertificateError as err:
            _log.warning("a revocation cannot be read", origin=origin, reason=str(err))
            return
        self._in_background(self._take(revocation), f"revoked-{revocation.node_id}")

    async def _take(self, revocation: Revocation) -> None:
        try:
            await self._keeper.merge([revocation])
        except CaxtonError as err:
            _log.error("a revocation could not be kept", node=revocation.node_id, reason=str(err))

    def _handle_revoked(self, added: Sequence[Revocation]) -> None:
        for revocation in added:
            node, reason = revocation.node_id, revocation.reason or "no reason was given"
            if node == self._cluster.node_id:
                self.note_self_revoked(reason)
                continue
            _log.warning("node revoked", node=node, reason=reason, since=str(revocation.since))
            if revocation.serial is None:
                self._proved.pop(node, None)
                self._in_background(self._act_on(revocation), f"part-from-{node}")

    def note_self_revoked(self, reason: str) -> None:
        """Say, once, that the others do not want this node any more."""
        held = self._keeper.held
        mine = held.revocations.find(
            held.bundle.node_id, serial=held.bundle.serial_number, not_before=held.bundle.not_before
        )
        if self.self_revoked or (mine is None and held.revocations.earliest_start(held.bundle.node_id)):
            return
        self.self_revoked = reason
        _log.error(
            "THIS NODE WAS REVOKED: the others close its links and refuse its certificate",
            reason=reason,
            hint="if that is a mistake, stop it and give it a new certificate with a join token:"
            " caxton-node certs renew --seed HOST:50051 --token TOKEN",
        )

    async def _act_on(self, revocation: Revocation) -> None:
        await self._part_from(revocation.node_id)
        await self._void_tokens(revocation.since)

    async def _void_tokens(self, since: datetime | None) -> None:
        """Make the join tokens void that were printed here before a revocation."""
        before_unix_s = 0 if since is None else int(since.timestamp())
        if before_unix_s <= self._voided_unix_s:
            return
        try:
            await self.void_join_tokens(before_unix_s)
        except CaxtonError as err:
            _log.error("join tokens from before a revocation are still good here", reason=str(err))
            return
        self._voided_unix_s = before_unix_s

    async def _part_from(self, node: str) -> None:
        """Hold a node for gone, unless it shows a certificate that is younger than its revocation."""
        await self._ban(node)
        if await self._shows_younger(node):
            self._cluster.lift_ban(node)
            _log.info("a node that was revoked shows a younger certificate", node=node)

    def _is_open(self, member: Member) -> bool:
        """Tell whether it is to be seen again what a member that was once revoked shows."""
        node = member.node_id
        if node == self._cluster.node_id or self._proved.get(node) == member.epoch:
            return False
        return self._cluster.is_alive(node) or self._looks % BANNED_LOOKS == 0

    async def _judge(self, node: str) -> None:
        """Hold a node for what it proves to be: let back, or, if it proves nothing twice, gone."""
        if await self._shows_younger(node):
            self._unproved.pop(node, None)
            self._cluster.lift_ban(node)
            return
        self._unproved[node] = self._unproved.get(node, 0) + 1
        if self._unproved[node] >= FAILURES_MIN:
            await self._ban(node)

    async def _shows_younger(self, node: str) -> bool:
        """Tell whether a live node is let in on a link although it was revoked."""
        member = self._cluster.find(node)
        if member is None or not member.is_live:
            return False
        try:
            await self._cluster.request_at(node, member.address, SHOW, b"", PROOF_TIMEOUT_S)
        except CaxtonError:
            return False
        self._proved[node] = member.epoch
        return True

    async def _ban(self, node: str) -> None:
        try:
            await self._cluster.ban(node)
        except CaxtonError as err:
            _log.error("that a revoked node counts no more was not written down", node=node, reason=str(err))

    def _in_background(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell_of_bug)


async def _void_nothing(_before_unix_s: int) -> None:
    """Stand for tokens where there are none."""
