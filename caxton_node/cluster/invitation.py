"""The newcomer's side of a join token: a certificate, and whom to trust, from a member that it has not met.

The token says which CA to believe. What the seed sends beside the certificate is believed only as far as that
CA has signed it: during a change of the CA a token that was printed before leads to both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from caxton_node.client import Client, Endpoint
from caxton_node.cluster.seed_chain import check_clock, fetch_trusted_ca
from caxton_node.core.errors import Forbidden
from caxton_node.security import parse_join_token
from certs import (
    CertificateError,
    NodeBundle,
    Revocations,
    TrustList,
    decode_revocations,
    decode_trust_list,
    make_request,
)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a seed gave to a newcomer, checked.

    Attributes:
        bundle: Certificate and key.
        trust: The CAs to believe.
        revocations: Certificates that are void.
        cluster: Name of the cluster.
        gossip_keys: The one that seals first.
        seeds: Mesh addresses of members.
        sponsor: Node id of the seed.
    """

    bundle: NodeBundle
    trust: TrustList
    revocations: Revocations
    cluster: str
    gossip_keys: tuple[bytes, ...] = field(repr=False)
    seeds: tuple[str, ...]
    sponsor: str


def be_admitted(seed: str, token: str, node_id: str, hosts: Sequence[str]) -> Admission:
    """Show a join token to a member and return what it gave, once that was checked; nothing is written.

    Args:
        seed: `host:port` of the gRPC of any member.
        token: Join token, as `caxton-node token` prints it.
        node_id: Id that this node wants.
        hosts: Host names and addresses at which it will be reached, beside loopback.

    Raises:
        InvalidArgument: The token or seed is malformed.
        Unauthorized: The token is expired, used up, or no member that is alive printed it.
        Forbidden: The seed is of another cluster than the token; nothing was sent to it. Or it signed
            something else than was asked for.
        ClockSkewed: This machine's clock differs from the seed's by minutes.
        Unavailable: The seed does not answer.
    """
    ca_pem = fetch_trusted_ca(seed, parse_join_token(token).ca_fingerprint)
    key_pem, csr_pem = make_request(node_id)
    with Client(Endpoint(seed, ca_pem=ca_pem)) as client:
        grant = client.cluster.join(token, node_id, csr_pem, hosts)
    if grant.clock_unix_ms:
        check_clock(seed, theirs_unix_s=grant.clock_unix_ms / 1000, ours_unix_s=time.time())
    now = datetime.now(UTC)
    try:
        trust = _trust_of(ca_pem, grant.trust_list, now)
        bundle = NodeBundle(node_id, grant.certificate_pem, key_pem, trust.ca_pem)
        bundle.check(now)
        known = decode_revocations(grant.revocations) if grant.revocations else []
    except CertificateError as err:
        raise Forbidden(
            f"the seed {seed} signed something else than was asked for",
            why=str(err),
            hint="nothing was written; look at that node before trying again",
        ) from err
    return Admission(
        bundle,
        trust,
        Revocations().merge(known, trust, now).revocations,
        grant.cluster,
        tuple(grant.gossip_keys),
        tuple(grant.seeds),
        grant.sponsor,
    )


def _trust_of(ca_pem: bytes, trust_list: bytes, now: datetime) -> TrustList:
    """Return the CA that the token vouches for, and those for which that one vouches."""
    believed = TrustList.initial(ca_pem)
    return believed.accept(decode_trust_list(trust_list), now) if trust_list else believed
