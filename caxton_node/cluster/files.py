"""Everything that `init` or `join` left for this node, read and checked in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

from caxton_node.cluster.addresses import MESH_PORT, split_host_port
from caxton_node.cluster.identity import NodeIdentity, read_gossip_keys, read_identity
from caxton_node.cluster.joining import CERTIFICATES
from caxton_node.core.errors import InvalidConfig
from caxton_node.observability.logs import get_logger
from certs import Authority, CertificateError, NodeBundle, ValidityState
from certs.files import has_authority, read_authority, read_bundle
from swim import Address, Ring
from transport import Credentials

_log = get_logger("cluster")


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """Who this node is and what it can prove.

    Attributes:
        node_id: Its id.
        cluster: Name of its cluster.
        seeds: Mesh addresses learned on joining.
        sponsor: The member that let it in, with its mesh address; empty for the founder.
        gossip_keys: As they were kept when the node started.
        bundle: Its certificate, key and trust.
        authority: The CA, if this node signs.
    """

    node_id: str
    cluster: str
    seeds: tuple[str, ...]
    sponsor: tuple[tuple[str, Address], ...]
    gossip_keys: Ring
    bundle: NodeBundle
    authority: Authority | None

    @property
    def credentials(self) -> Credentials:
        """Return what the mesh shows and trusts."""
        bundle = self.bundle
        return Credentials(self.node_id, self.cluster, bundle.certificate_pem, bundle.key_pem, bundle.ca_pem)

    @property
    def ca_fingerprint(self) -> str:
        """Return the SHA-256 of the CA certificate, hexadecimal."""
        return sha256(PEM_cert_to_DER_cert(self.bundle.ca_pem.decode())).hexdigest()


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
        authority = read_authority(folder) if has_authority(folder) else None
    except CertificateError as err:
        hint = "caxton-node certs show says more; restore the files, or join again with an empty directory"
        raise InvalidConfig(f"the certificates in {folder} cannot be used", why=str(err), hint=hint) from err
    if bundle.node_id != identity.node_id:
        raise InvalidConfig(
            f"the certificate in {folder} is for node {bundle.node_id}",
            why=f"identity.json says that this is {identity.node_id}",
            hint="do not copy certificates between nodes; join again with an empty directory",
        )
    if validity.state is ValidityState.EXPIRED:
        raise InvalidConfig(
            f"the certificate of node {identity.node_id} has expired",
            why=f"it was good until {validity.not_after:%Y-%m-%d %H:%M} UTC",
            hint="let it join again: move the data directory away and run caxton-node join",
        )
    if validity.state is not ValidityState.VALID:
        _log.warning(
            "the certificate needs attention", state=str(validity.state), until=str(validity.not_after)
        )
    keys = read_gossip_keys(data_dir)
    sponsor = _sponsor_of(identity)
    return NodeFiles(identity.node_id, identity.cluster, identity.seeds, sponsor, keys, bundle, authority)


def _sponsor_of(identity: NodeIdentity) -> tuple[tuple[str, Address], ...]:
    if not (identity.sponsor and identity.seeds):
        return ()
    return ((identity.sponsor, split_host_port(identity.seeds[0], MESH_PORT)),)
