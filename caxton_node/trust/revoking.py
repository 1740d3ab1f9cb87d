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
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass

from caxton_node.cluster.facts import facts_of
from caxton_node.cluster.rotation import Rotation
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, StateError
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

REVOKE, TOPIC = "trust.revoke", "revoked"
PROOF_TIMEOUT_S = 3.0

_log = get_logger("trust")


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

    Attributes:
        self_revoked: Why this node was revoked; empty while it is not.
    """

    def __init__(
        self, keeper: Keeper, cluster: Cluster, *, signing: Signing, survey: Survey, rotation: Rotation
    ) -> None:
        self.self_revoked = ""
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
            Unavailable: No member that signs can be reached; nothing was changed.
        """
        if check_node_id(node) == self._cluster.node_id:
            raise InvalidArgument(
                "a node does not revoke itself",
                why="it could not tell the others",
                hint="give the command on another node, with --endpoint or --data-dir",
            )
        member = self._cluster.find(node)
        held_key = member is not None and facts_of(member).signer
        revocation = await self._signed(RevocationRequest(node, reason, by))
        return await self.spread(revocation, held_key=held_key)

    async def spread(self, revocation: Revocation, *, held_key: bool = False) -> Revoked:
        """Put a revocation in force here and on every live member, and change the gossip keys.

        Raises:
            StateError: It is not believed: no authority in force has signed it; nothing was changed.
        """
        await self._keeper.merge([revocation])
        if revocation.id not in {each.id for each in self._keeper.held.revocations}:
            raise StateError(
                f"the revocation of {revocation.node_id} is not in force",
                why="it is older than one that is, has ended, or is not signed by a CA in force",
                hint="caxton security revocations shows what is in force",
            )
        if revocation.serial is None:  # before others are told: the node itself is none of them any more
            await self._cluster.ban(revocation.node_id)
        self._broadcast(revocation)
        entries = Revocations([revocation]).encode()
        nodes = await self._survey.put(Bundle(revocations=entries))
        self._in_background(change_gossip_keys(self._rotation), f"rekey-after-{revocation.node_id}")
        return Revoked(revocation, nodes, held_key)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- signing --------------------------------------------------------------------------------------------

    async def _signed(self, request: RevocationRequest) -> Revocation:
        if self._keeper.held.signer is not None:
            return self._sign(request)

        async def ask(signer: str) -> bytes:
            return await self._cluster.request(signer, REVOKE, encode(request), SIGN_TIMEOUT_S)

        return decode_revocation(await self._signing.ask_signers(ask))

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
        revocation = self._sign(request)
        await self._keeper.merge([revocation])
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
                self._in_background(self._part_from(node), f"part-from-{node}")

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

    async def _part_from(self, node: str) -> None:
        """Hold a node for gone, unless it shows a certificate that is younger than its revocation."""
        try:
            await self._cluster.ban(node)
        except CaxtonError as err:
            _log.error("that a revoked node counts no more was not written down", node=node, reason=str(err))
        member = self._cluster.find(node)
        if member is None:
            return
        with suppress(CaxtonError):
            await self._cluster.request_at(node, member.address, SHOW, b"", PROOF_TIMEOUT_S)
            self._cluster.lift_ban(node)
            _log.info("a node that was revoked shows a younger certificate", node=node)

    def _in_background(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell_of_bug)
