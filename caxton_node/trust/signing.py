"""Who signs node certificates: this node, if the key of the CA lies here, else a member that has it.

A newcomer's certificate costs a use of a join token, which who signs has counted where it was printed, and is
for an id that no live member has. A renewal is for the node that has proved on the mesh who it is, for the
hosts that its present certificate names and no others.

What stays: a member that was broken into may claim to have printed a token, and so have an id signed that
nobody has. For an id that was revoked the sponsor's own word is not taken, and the log names the sponsor of
every newcomer. A host that a newcomer asks for is not proved to be its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from caxton_node.cluster.redeeming import HASH_CHARS, Answer, Redeeming, refusal
from caxton_node.cluster.service import Cluster
from caxton_node.cluster.sponsor import Trusted
from caxton_node.core.errors import (
    DeadlineExceeded,
    Forbidden,
    InvalidArgument,
    Unauthorized,
    Unavailable,
)
from caxton_node.core.ids import check_node_id
from caxton_node.observability.logs import get_logger
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.wire import RenewalRequest, Signed, decode, encode
from certs import Authority, CertificateError, NodeBundle, ValidityState
from certs.authority import check_newcomer
from certs.bundle import node_id_of, validity_of
from certs.hosts import hosts_of, keep_allowed

SIGN, RENEW = "cluster.sign", "trust.renew"
SIGN_TIMEOUT_S = 10.0
START_WAIT_S_MAX = 1.0
"""A revocation begins at a whole second, so one that is signed now may begin this much later."""

T = TypeVar("T")

_NEWCOMER = msgspec.msgpack.Decoder(tuple[str, bytes, list[str], str])
_JUDGED = msgspec.msgpack.Decoder(tuple[Answer, bytes])

_log = get_logger("trust")


@dataclass(slots=True)
class SigningCounts:
    """What was signed here since the start."""

    newcomers: int = 0
    renewals: int = 0
    refused: int = 0


class Signing:
    """Has certificates signed, and signs for others where the CA key lies; implements `sponsor.TrustPort`.

    Args:
        keeper: What this node holds.
        cluster: For asking signers.
        signers: Returns the ids of alive members that sign, best first.
        lifetime_days: Of what is signed here.
    """

    def __init__(
        self,
        keeper: Keeper,
        cluster: Cluster,
        *,
        signers: Callable[[], Sequence[str]],
        lifetime_days: int = 365,
    ) -> None:
        self.counts = SigningCounts()
        self._keeper = keeper
        self._cluster = cluster
        self._signers = signers
        self._lifetime_days = lifetime_days
        self._redeeming: Redeeming | None = None
        cluster.serve(SIGN, self._handle_sign)
        cluster.serve(RENEW, self._handle_renew)

    @property
    def trusted(self) -> Trusted:
        """Return whom newcomers are to trust."""
        held = self._keeper.held
        trust = held.trust
        return Trusted(trust.ca_pem, trust.encode(), held.revocations.encode(), trust.fingerprints)

    def redeem_with(self, redeeming: Redeeming) -> None:
        """Say who counts down the tokens of newcomers for which certificates are signed here."""
        self._redeeming = redeeming

    async def sign(self, node_id: str, csr_pem: bytes, hosts: Sequence[str], *, token_hash: str) -> bytes:
        """Return a newcomer's certificate, for a use of its join token.

        Raises:
            InvalidArgument: The request is not for this id, or a name cannot stand in a certificate; no use
                of the token was counted.
            Unauthorized: The token is expired, used up, or no member that is alive printed it.
            Unavailable: No signer can be reached, or the member that printed the token did not answer.
        """
        if self._keeper.held.signer is not None:
            answer, certificate_pem = await self._judge(node_id, csr_pem, hosts, token_hash)
        else:
            self._check(node_id, csr_pem, hosts)  # the signer does, too; here the newcomer is told in full
            payload = msgspec.msgpack.encode((node_id, csr_pem, list(hosts), token_hash))
            said = await self.ask_signers(lambda signer: self._ask(signer, SIGN, payload))
            answer, certificate_pem = _read_judged(said)
        if answer is not Answer.TAKEN:
            raise refusal(answer)
        return certificate_pem

    async def renew(self, request: RenewalRequest) -> Signed:
        """Return another certificate for this node.

        Raises:
            CaxtonError: The request was refused, or no signer can be reached.
        """
        if self._keeper.held.signer is not None:
            return self._renew(self._cluster.node_id, request)
        answer = await self.ask_signers(lambda signer: self._ask(signer, RENEW, encode(request)))
        return decode(answer, Signed)

    async def ask_signers(self, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ask the members that sign, one after the other, until one answers.

        Raises:
            Unavailable: None did.
        """
        for signer in self._signers():
            try:
                return await ask(signer)
            except (Unavailable, DeadlineExceeded) as err:  # the next may be up
                _log.warning("a signer did not answer", signer=signer, reason=str(err))
        raise Unavailable(
            "no member that signs certificates can be reached",
            why="the CA key lies on none of the members alive",
            hint="start a node that holds certs/ca.key, or have it signed offline: caxton-node certs request",
        )

    async def _ask(self, signer: str, method: str, payload: bytes) -> bytes:
        return await self._cluster.request(signer, method, payload, SIGN_TIMEOUT_S)

    async def _handle_sign(self, peer: str, payload: bytes) -> bytes:
        try:
            node_id, csr_pem, hosts, token_hash = _NEWCOMER.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise InvalidArgument("a request to sign cannot be read", why=str(err)) from err
        if self._cluster.is_alive(check_node_id(node_id)):  # this holds whoever the sponsor is
            self.counts.refused += 1
            raise Forbidden(
                f"no certificate for {node_id} is signed here", why="a present member has this id"
            )
        answer, certificate_pem = await self._judge(node_id, csr_pem, hosts, token_hash, sponsor=peer)
        if answer is Answer.TAKEN:
            _log.info("certificate signed for a newcomer", node=node_id, sponsor=peer)
        return msgspec.msgpack.encode((answer.value, certificate_pem))

    async def _handle_renew(self, peer: str, payload: bytes) -> bytes:
        signed = self._renew(peer, decode(payload, RenewalRequest))
        _log.info("certificate renewed for a member", member=peer)
        return encode(signed)

    async def _judge(
        self, node_id: str, csr_pem: bytes, hosts: Sequence[str], token_hash: str, *, sponsor: str = ""
    ) -> tuple[Answer, bytes]:
        """Look at the request, then count the token, then sign: a request that is no good costs no use."""
        if len(token_hash) != HASH_CHARS or not token_hash.isalnum():
            raise InvalidArgument("a request to sign cannot be read", why="it carries no token's hash")
        self._check(node_id, csr_pem, hosts)
        self._authority()  # before the token: one that went a moment ago must not cost a use
        answer = await self._count(node_id, token_hash, sponsor)
        if answer is not Answer.TAKEN:
            self.counts.refused += 1
            return answer, b""
        await self._await_start(node_id)
        return answer, self._sign_newcomer(node_id, csr_pem, hosts)

    async def _await_start(self, node_id: str) -> None:
        """Wait for the second in which a revoked node may begin again, or it would start too early."""
        start = self._keeper.held.revocations.earliest_start(node_id)
        if start is not None and start > self._keeper.now:
            left_s = (start - self._keeper.now).total_seconds()
            await asyncio.sleep(min(left_s, START_WAIT_S_MAX))

    def _check(self, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> None:
        try:
            check_newcomer(csr_pem, node_id, hosts)
        except CertificateError as err:
            self.counts.refused += 1
            raise InvalidArgument("the certificate cannot be signed", why=str(err)) from err

    async def _count(self, node_id: str, token_hash: str, sponsor: str) -> Answer:
        """Count a use; the sponsor is not believed alone when it lets in a node that was revoked."""
        if self._redeeming is None:
            raise Unavailable(f"node {self._cluster.node_id} is still starting")
        if node_id not in self._keeper.held.revocations.denied_nodes:
            return await self._redeeming.count(token_hash)
        answer = await self._redeeming.count(token_hash, besides=sponsor)
        if answer is Answer.UNKNOWN and sponsor:
            self.counts.refused += 1
            raise Unauthorized(
                f"{node_id} was revoked and is not let in on the word of {sponsor} alone",
                why="no other member that is alive printed the join token",
                hint="print the token on a member that signs, or let another member be the --seed",
            )
        return answer

    def _sign_newcomer(self, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> bytes:
        certificate_pem = self._sign(node_id, csr_pem, hosts)
        if (since := self._keeper.held.revocations.earliest_start(node_id)) is not None:
            _log.warning("a node that was revoked is let in again", node=node_id, revoked=str(since))
        self.counts.newcomers += 1
        return certificate_pem

    def _renew(self, peer: str, request: RenewalRequest) -> Signed:
        held = self._keeper.held
        present = NodeBundle(peer, request.certificate_pem, b"", held.trust.ca_pem)
        try:
            serial, not_before = present.serial_number, present.not_before
            hosts = hosts_of(request.certificate_pem)
            is_ours = present.authority != "" and node_id_of(present.certificate) == peer
        except CertificateError as err:
            raise InvalidArgument("the present certificate cannot be read", why=str(err)) from err
        if not is_ours:
            self.counts.refused += 1
            raise Forbidden("nothing is renewed", why=f"what was shown is no certificate of {peer}")
        is_over = validity_of(present.certificate, self._keeper.now).state is ValidityState.EXPIRED
        if is_over and peer != self._cluster.node_id:  # who signs may help itself
            self.counts.refused += 1
            raise Forbidden("nothing is renewed", why=f"the certificate of {peer} that was shown has expired")
        if held.revocations.find(peer, serial=serial, not_before=not_before) is not None:
            self.counts.refused += 1
            raise Forbidden("nothing is renewed", why=f"the certificate of {peer} was revoked")
        certificate_pem = self._sign(peer, request.csr_pem, keep_allowed(hosts))
        self.counts.renewals += 1
        return Signed(certificate_pem, held.trust.encode())

    def _sign(self, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> bytes:
        held = self._keeper.held
        try:
            return self._authority().sign(
                csr_pem,
                node_id,
                hosts,
                self._keeper.now,
                lifetime_days=self._lifetime_days,
                not_before=held.revocations.earliest_start(node_id),
            )
        except CertificateError as err:
            self.counts.refused += 1
            raise InvalidArgument("the certificate cannot be signed", why=str(err)) from err

    def _authority(self) -> Authority:
        signer = self._keeper.held.signer
        if signer is None:
            raise Unavailable(
                f"node {self._cluster.node_id} does not sign",
                why="the key of the CA in force is not here",
                hint="caxton security certs shows which nodes sign",
            )
        return signer


def _read_judged(said: bytes) -> tuple[Answer, bytes]:
    try:
        return _JUDGED.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise Unavailable("what the signer says cannot be read", why=str(err)) from err
