"""The trust of nodes that are clusters without the rest: what they hold, and who signs for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import Clock, SystemClock
from caxton_node.trust import Holdings
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.signing import Signing
from certs import Authority, NodeBundle, Revocations, TrustList, make_request
from certs.authority_files import write_authorities
from certs.files import write_bundle


def holdings(
    authority: Authority, node_id: str, *, signs: bool = False, now: datetime | None = None, days: int = 365
) -> Holdings:
    """Return what a node of an authority holds that was just let in."""
    key_pem, csr_pem = make_request(node_id)
    certificate_pem = authority.sign(
        csr_pem, node_id, ["127.0.0.1"], now or datetime.now(UTC), lifetime_days=days
    )
    return Holdings(
        authority.cluster,
        NodeBundle(node_id, certificate_pem, key_pem, authority.certificate_pem),
        TrustList.initial(authority.certificate_pem),
        Revocations(),
        (authority,) if signs else (),
    )


def keeper(held: Holdings, folder: Path, clock: Clock | None = None) -> Keeper:
    """Return a keeper whose files are there."""
    write_bundle(folder, held.bundle)
    write_authorities(folder, held.authorities)
    return Keeper(held, folder, clock or SystemClock())


def signing(cluster: Cluster, kept: Keeper, *signers: str) -> Signing:
    """Return who has certificates signed for a cluster."""
    return Signing(kept, cluster, signers=lambda: signers)
