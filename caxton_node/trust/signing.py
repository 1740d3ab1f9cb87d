"""Who signs node certificates: this node, if the key of the CA lies here, else a member that has it.

A newcomer's certificate is for the id that it may have, as the sponsor has judged; a renewal is for the node
that has proved on the mesh who it is, for the hosts that its present certificate names and no others. So a
member that was broken into can neither become another node nor widen its own names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from caxton_node.cluster.service import Cluster
from caxton_node.cluster.sponsor import Trusted
from caxton_node.core.errors import (
    DeadlineExceeded,
    Forbidden,
    InvalidArgument,
    Unavailable,
)
from caxton_node.core.ids import check_node_id
from caxton_node.observability.logs import get_logger
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.wire import RenewalRequest, Signed, decode, encode
from certs import Authority, CertificateError, NodeBundle
from certs.bundle import node_id_of
from certs.hosts import hosts_of

SIGN, RENEW = "cluster.sign", "trust.renew"
SIGN_TIMEOUT_S = 10.0

T = TypeVar("T")

_NEWCOMER = msgspec.msgpack.Decoder(tuple[str, bytes, list[str]])

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
        cluster.serve(SIGN, self._handle_sign)
        cluster.serve(RENEW, self._handle_renew)

    @property
    def trusted(self) -> Trusted:
        """Return whom newcomers are to trust."""
        held = self._keeper.held
        return Trusted(held.trust.ca_pem, held.trust.encode(), held.revocations.encode())

    async def sign(self, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> bytes:
        """Return a newcomer's certificate.

        Raises:
            InvalidArgument: The request is not for this id, or a name cannot stand in a certificate.
            Unavailable: No signer can be reached.
        """
        if self._keeper.held.signer is not None:
            return self._sign_newcomer(node_id, csr_pem, hosts)
        payload = msgspec.msgpack.encode((node_id, csr_pem, list(hosts)))
        return await self.ask_signers(lambda signer: self._ask(signer, SIGN, payload))

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
            node_id, csr_pem, hosts = _NEWCOMER.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise InvalidArgument("a request to sign cannot be read", why=str(err)) from err
        if self._cluster.is_alive(check_node_id(node_id)):  # this holds whoever the sponsor is
            self.counts.refused += 1
            raise Forbidden(
                f"no certificate for {node_id} is signed here", why="a present member has this id"
            )
        certificate_pem = self._sign_newcomer(node_id, csr_pem, hosts)
        _log.info("certificate signed for a newcomer", node=node_id, sponsor=peer)
        return certificate_pem

    async def _handle_renew(self, peer: str, payload: bytes) -> bytes:
        signed = self._renew(peer, decode(payload, RenewalRequest))
        _log.info("certificate renewed for a member", member=peer)
        return encode(signed)

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
        if held.revocations.find(peer, serial=serial, not_before=not_before) is not None:
            self.counts.refused += 1
            raise Forbidden("nothing is renewed", why=f"the certificate of {peer} was revoked")
        certificate_pem = self._sign(peer, request.csr_pem, hosts)
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
