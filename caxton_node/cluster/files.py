"""Everything that `init` or `join` left for this node, read and checked in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from caxton_node.cluster.addresses import MESH_PORT, split_host_port
from caxton_node.cluster.identity import NodeIdentity, read_gossip_keys, read_identity
from caxton_node.core.errors import InvalidConfig
from caxton_node.observability.logs import get_logger
from certs import (
    Authority,
    CertificateError,
    NodeBundle,
    Revocations,
    TrustList,
    Validity,
    ValidityState,
    signer_of,
)
from certs.authority_files import read_authorities
from certs.bridge_files import read_bridge
from certs.files import read_bundle
from certs.trust_files import read_revocations, read_trust
from swim import Address, Ring
from transport import Credentials

CERTIFICATES = "certs"
NEW_CERTIFICATE = (
    "give it a new certificate with a join token of a member, which keeps all its data: "
    "caxton-node certs renew --seed HOST:50051 --token TOKEN"
)

_log = get_logger("cluster")


class NodeRevoked(InvalidConfig):
    """The certificate of this node was revoked, so the others would not let it in; it does not start."""

    code = "NODE_REVOKED"


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """Who this node is and what it can prove.

    Attributes:
        node_id: Its id.
        cluster: Name of its cluster.
        seeds: Mesh addresses learned on joining.
        sponsor: The member that let it in, with its mesh address; empty for the founder.
        gossip_keys: As they were kept when the node started.
        bundle: Its certificate and key.
        trust: The CAs that it believes.
        revocations: Certificates that are void.
        authorities: The CA keys that lie here, if any do.
        bridge_pem: From the CA before to the one that signs now; empty when there was none before.
    """

    node_id: str
    cluster: str
    seeds: tuple[str, ...]
    sponsor: tuple[tuple[str, Address], ...]
    gossip_keys: Ring
    bundle: NodeBundle
    trust: TrustList
    revocations: Revocations = field(default_factory=Revocations)
    authorities: tuple[Authority, ...] = field(default=(), repr=False)
    bridge_pem: bytes = b""

    @property
    def credentials(self) -> Credentials:
        """Return what the mesh shows and trusts."""
        bundle = self.bundle
        return Credentials(
            self.node_id,
            self.cluster,
            bundle.certificate_pem,
            bundle.key_pem,
            bundle.ca_pem,
            denied_serials=self.revocations.denied_serials,
            denied_nodes=self.revocations.denied_nodes,
        )

    @property
    def authority(self) -> Authority | None:
        """Return the CA that signs now, if its key lies here."""
        return signer_of(self.trust, self.authorities)

    @property
    def ca_fingerprint(self) -> str:
        """Return the SHA-256 of the certificate of the CA that signs, hexadecimal."""
        return self.trust.primary


def read_node_files(data_dir: Path, *, now: datetime | None = None) -> NodeFiles:
    """Read the files of the node in a data directory.

    Raises:
        NotInitialised: Neither `init` nor `join` has run here.
        InvalidConfig: A file is missing or broken, the parts do not belong together, or the certificate has
            expired; nothing was changed.
    """
    identity = read_identity(data_dir)
    folder = data_dir / CERTIFICATES
    try:
        bundle = read_bundle(folder)
        validity = bundle.check(now or datetime.now(UTC))
        trust, revocations = read_trust(folder), read_revocations(folder)
        authorities, bridge_pem = read_authorities(folder), read_bridge(folder)
    except CertificateError as err:
        hint = f"caxton-node certs show says more; restore the files, or {NEW_CERTIFICATE}"
        raise InvalidConfig(f"the certificates in {folder} cannot be used", why=str(err), hint=hint) from err
    if bundle.node_id != identity.node_id:
        raise InvalidConfig(
            f"the certificate in {folder} is for node {bundle.node_id}",
            why=f"identity.json says that this is {identity.node_id}",
            hint="do not copy certificates between nodes; join again with an empty directory",
        )
    _check_dates(identity.node_id, validity)
    _check_not_revoked(bundle, revocations)
    return NodeFiles(
        identity.node_id,
        identity.cluster,
        identity.seeds,
        _sponsor_of(identity),
        read_gossip_keys(data_dir),
        bundle,
        trust,
        revocations,
        authorities,
        bridge_pem,
    )


def _check_dates(node_id: str, validity: Validity) -> None:
    if validity.state is ValidityState.EXPIRED:
        raise InvalidConfig(
            f"the certificate of node {node_id} has expired",
            why=f"it was good until {validity.not_after:%Y-%m-%d %H:%M} UTC",
            hint=NEW_CERTIFICATE,
        )
    if validity.state is not ValidityState.VALID:
        _log.warning(
            "the certificate needs attention", state=str(validity.state), until=str(validity.not_after)
        )


def _check_not_revoked(bundle: NodeBundle, revocations: Revocations) -> None:
    found = revocations.find(bundle.node_id, serial=bundle.serial_number, not_before=bundle.not_before)
    if found is not None:
        raise NodeRevoked(
            f"the certificate of node {bundle.node_id} was revoked",
            why=f"{found.reason or 'no reason was given'}, on {found.since:%Y-%m-%d %H:%M} UTC",
            hint=f"if that is a mistake, {NEW_CERTIFICATE}",
        )


def _sponsor_of(identity: NodeIdentity) -> tuple[tuple[str, Address], ...]:
    if not (identity.sponsor and identity.seeds):
        return ()
    return ((identity.sponsor, split_host_port(identity.seeds[0], MESH_PORT)),)
