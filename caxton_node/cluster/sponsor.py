"""The member's side of joining: judge a newcomer, have its certificate signed, hand over what it needs.

A node that holds the CA key signs; any other asks a member that does (`cluster.sign` over the mesh).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import (
    AlreadyExists,
    DeadlineExceeded,
    Forbidden,
    InvalidArgument,
    Unavailable,
)
from caxton_node.core.ids import check_node_id
from caxton_node.observability.logs import get_logger
from caxton_node.security import Tokens
from certs import Authority, CertificateError

SIGN = "cluster.sign"
SIGN_TIMEOUT_S = 10.0
SEEDS_MAX = 8

_SIGN_REQUEST = msgspec.msgpack.Decoder(tuple[str, bytes, list[str]])

_log = get_logger("cluster")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a newcomer receives.

    Attributes:
        cluster: Name of the cluster.
        certificate_pem: Its certificate.
        ca_pem: The cluster's CA certificate.
        gossip_keys: The primary first.
        seeds: Mesh addresses `host:port` of members that are alive, the sponsor first.
    """

    cluster: str
    certificate_pem: bytes
    ca_pem: bytes
    gossip_keys: list[bytes] = field(repr=False)
    seeds: list[str]


class Sponsor:
    """Lets newcomers in.

    Args:
        cluster_name: Name of the cluster.
        cluster: For asking signers and naming seeds.
        tokens: Judge of join tokens.
        authority: The CA if this node signs, else None.
        ca_pem: The CA certificate.
        gossip_keys: Returns the keys in force, the one that seals first.
        signers: Returns the ids of alive members that sign, best first.
    """

    def __init__(
        self,
        *,
        cluster_name: str,
        cluster: Cluster,
        tokens: Tokens,
        authority: Authority | None,
        ca_pem: bytes,
        gossip_keys: Callable[[], Sequence[bytes]],
        signers: Callable[[], Sequence[str]],
    ) -> None:
        self._cluster_name = cluster_name
        self._cluster = cluster
        self._tokens = tokens
        self._authority = authority
        self._ca_pem = ca_pem
        self._gossip_keys = gossip_keys
        self._signers = signers
        if authority is not None:
            cluster.serve(SIGN, self._handle_sign)

    async def admit(self, *, token: str, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> Grant:
        """Judge a newcomer and give it what it needs.

        Raises:
            InvalidArgument: The token, id or request is malformed.
            Unauthorized: The token is expired, used up or unknown here.
            AlreadyExists: A present member has this id.
            Unavailable: No signer can be reached.
        """
        check_node_id(node_id)
        if self._cluster.is_alive(node_id):
            raise AlreadyExists(
                f"node id {node_id} is taken",
                why="a present member has it",
                hint="choose another with --node-id",
            )
        await self._tokens.redeem_join_token(token)
        certificate_pem = await self._sign(node_id, csr_pem, hosts)
        _log.info("node admitted", node=node_id, hosts=list(hosts))
        keys = list(self._gossip_keys())
        return Grant(self._cluster_name, certificate_pem, self._ca_pem, keys, self._seeds())

    async def _sign(self, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> bytes:
        if self._authority is not None:
            return self._sign_here(node_id, csr_pem, hosts)
        request = msgspec.msgpack.encode((node_id, csr_pem, list(hosts)))
        for signer in self._signers():
            try:
                return await self._cluster.request(signer, SIGN, request, SIGN_TIMEOUT_S)
            except (Unavailable, DeadlineExceeded) as err:  # the next may be up
                _log.warning("a signer did not answer", signer=signer, reason=str(err))
        raise Unavailable(
            "no member that signs certificates can be reached",
            why="the CA key lies on none of the members alive",
            hint="start a node that holds certs/ca.key, or join through it",
        )

    def _sign_here(self, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> bytes:
        assert self._authority is not None
        try:
            return self._authority.sign(csr_pem, node_id, hosts, datetime.now(UTC))
        except CertificateError as err:
            raise InvalidArgument("the certificate cannot be signed", why=str(err)) from err

    async def _handle_sign(self, peer: str, payload: bytes) -> bytes:
        node_id, csr_pem, hosts = _read_request(payload)
        if self._cluster.is_alive(node_id):  # the sponsor has looked; this holds whoever the sponsor is
            raise Forbidden(
                f"no certificate for {node_id} is signed here", why="a present member has this id"
            )
        certificate_pem = self._sign_here(node_id, csr_pem, hosts)
        _log.info("certificate signed for a newcomer", node=node_id, sponsor=peer)
        return certificate_pem

    def _seeds(self) -> list[str]:
        me = self._cluster.node_id
        alive = [member for member in self._cluster.members() if self._cluster.is_alive(member.node_id)]
        alive.sort(key=lambda member: member.node_id != me)
        return [f"{host}:{port}" for host, port in (member.address for member in alive[:SEEDS_MAX])]


def _read_request(payload: bytes) -> tuple[str, bytes, list[str]]:
    try:
        node_id, csr_pem, hosts = _SIGN_REQUEST.decode(payload)
    except msgspec.DecodeError as err:
        raise InvalidArgument("a request to sign cannot be read", why=str(err)) from err
    return check_node_id(node_id), csr_pem, hosts
