"""The member's side of joining: judge a newcomer, have its certificate signed, hand over what it needs.

Any member lets newcomers in. The certificate comes from whoever signs, and who signs redeems the token first:
a member's word that it has seen one is not enough. The token is counted where it was printed; what travels is
its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from caxton_node.cluster.redeeming import Redeeming
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import AlreadyExists
from caxton_node.core.ids import check_node_id
from caxton_node.observability.logs import get_logger
from caxton_node.security import Tokens

SEEDS_MAX = 8

_log = get_logger("cluster")


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whom a newcomer is to trust.

    Attributes:
        ca_pem: The cluster's CA certificates, the one that signs first.
        trust_list: The same with the endorsement by which one that knows an older CA believes it.
        revocations: Certificates that are void.
        fingerprints: Of the CAs; join tokens carry one of them.
    """

    ca_pem: bytes
    trust_list: bytes = b""
    revocations: bytes = b""
    fingerprints: tuple[str, ...] = ()


class TrustPort(Protocol):
    """Who signs for this node, and what it trusts, as `trust.signing.Signing` knows it."""

    @property
    def trusted(self) -> Trusted:
        """Return whom newcomers are to trust."""
        ...

    def redeem_with(self, redeeming: Redeeming) -> None:
        """Say who counts down the tokens of newcomers for which certificates are signed here."""
        ...

    async def sign(self, node_id: str, csr_pem: bytes, hosts: Sequence[str], *, token_hash: str) -> bytes:
        """Return a newcomer's certificate, signed here or by a member that signs, for a use of its token."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """What a newcomer receives.

    Attributes:
        cluster: Name of the cluster.
        certificate_pem: Its certificate.
        trusted: Whom it is to trust.
        gossip_keys: The primary first.
        seeds: Mesh addresses `host:port` of members that are alive, the sponsor first.
    """

    cluster: str
    certificate_pem: bytes
    trusted: Trusted
    gossip_keys: list[bytes] = field(repr=False)
    seeds: list[str]

    @property
    def ca_pem(self) -> bytes:
        """Return the cluster's CA certificates."""
        return self.trusted.ca_pem


class Sponsor:
    """Lets newcomers in.

    Args:
        cluster_name: Name of the cluster.
        cluster: For asking members and naming seeds.
        tokens: Join tokens that were printed here.
        trust: Who signs.
        gossip_keys: Returns the keys in force, the one that seals first.
    """

    def __init__(
        self,
        *,
        cluster_name: str,
        cluster: Cluster,
        tokens: Tokens,
        trust: TrustPort,
        gossip_keys: Callable[[], Sequence[bytes]],
    ) -> None:
        self._cluster_name = cluster_name
        self._cluster = cluster
        self._redeeming = Redeeming(cluster, tokens)
        self._trust = trust
        trust.redeem_with(self._redeeming)
        self._gossip_keys = gossip_keys

    async def admit(self, *, token: str, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> Grant:
        """Judge a newcomer and give it what it needs.

        Raises:
            InvalidArgument: The token, id or request is malformed; no use of the token was counted.
            Unauthorized: The token is expired, used up, or no member that is alive printed it.
            ResourceLimit: Too many newcomers knock at once.
            AlreadyExists: A present member has this id.
            Unavailable: No signer can be reached, or the member that printed the token did not answer.
            DeliveryFailed: The signer refused; its words are in `why`.
        """
        check_node_id(node_id)
        token_hash = self._redeeming.check(token, self._trust.trusted.fingerprints)
        if self._cluster.is_alive(node_id):
            raise AlreadyExists(
                f"node id {node_id} is taken",
                why="a present member has it",
                hint="choose another with --node-id; if it was this one, wait until it is held for dead",
            )
        certificate_pem = await self._trust.sign(node_id, csr_pem, hosts, token_hash=token_hash)
        _log.info("node admitted", node=node_id, hosts=list(hosts))
        keys = list(self._gossip_keys())
        return Grant(self._cluster_name, certificate_pem, self._trust.trusted, keys, self._seeds())

    def _seeds(self) -> list[str]:
        me = self._cluster.node_id
        alive = [member for member in self._cluster.members() if self._cluster.is_alive(member.node_id)]
        alive.sort(key=lambda member: member.node_id != me)
        return [f"{host}:{port}" for host, port in (member.address for member in alive[:SEEDS_MAX])]
