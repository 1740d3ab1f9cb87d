"""The node's side of a certificate that is signed offline: a request leaves, a certificate comes back.

The key stays in the data directory from beginning to end, as `node.key.request` until the certificate is
there. A node that is no member yet also needs the gossip keys and a member's address; with both it is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from caxton_node.cluster.files import CERTIFICATES
from caxton_node.cluster.identity import (
    NodeIdentity,
    NotInitialised,
    read_identity,
    read_ring,
    write_gossip_keys,
    write_identity,
)
from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import check_node_id
from caxton_node.storage import owned
from certs import CertificateError, NodeBundle, TrustList, ValidityState, make_request
from certs.authority_files import keep_readable, read_authorities, set_unused_aside
from certs.bundle import node_id_of
from certs.files import forget_request, read_requested_key, write_bundle, write_request
from certs.pem import dump_certificate, load_certificates
from certs.trust_files import read_trust, write_trust


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What a node needs beside its certificate when it is no member yet.

    Attributes:
        gossip_key: File with the gossip keys, copied from a member.
        seed: `host:port` of a member's mesh.
    """

    gossip_key: Path
    seed: str


def request_certificate(data_dir: Path, node_id: str = "") -> tuple[str, bytes]:
    """Make a key and a request for it; the key waits in the data directory for the certificate.

    Args:
        data_dir: Of the node; made if missing.
        node_id: Id that the node is to have; empty takes the one that it has.

    Returns:
        The id and the request.

    Raises:
        InvalidArgument: The directory holds another node, none is named, or it cannot be written.
    """
    present = _identity_of(data_dir)
    wanted = node_id or (present.node_id if present else "")
    if not wanted:
        raise InvalidArgument("no node was named", hint="--node-id says which id the node is to have")
    if present is not None and present.node_id != check_node_id(wanted):
        raise InvalidArgument(f"{data_dir} holds node {present.node_id}, not {wanted}")
    key_pem, csr_pem = make_request(check_node_id(wanted))
    with _writing(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_request(data_dir / CERTIFICATES, key_pem=key_pem, csr_pem=csr_pem)
    return wanted, csr_pem


def install_certificate(
    data_dir: Path, issued_pem: bytes, *, newcomer: Newcomer | None = None, replace_ca: bool = False
) -> NodeBundle:
    """Put a certificate that was signed offline in the place from which the node reads it at its next start.

    Args:
        data_dir: Of the node, in which the request was made.
        issued_pem: The certificate, and behind it the CAs.
        newcomer: What it needs to become a member; None if it is one.
        replace_ca: Trust the CAs in the file, whatever was trusted before; keys of other CAs are set aside.

    Raises:
        InvalidArgument: It is not for the key that waits here, not signed by a trusted CA, outside its dates,
            or the gossip key and seed are missing; or a CA key here cannot be read. Nothing was changed.
    """
    folder = data_dir / CERTIFICATES
    present = _identity_of(data_dir)
    try:
        trust, bundle = _check(folder, issued_pem, is_new=present is None or replace_ca)
        keys = read_authorities(folder, also=trust.ca_pem)
    except CertificateError as err:
        hint = "caxton-node certs request makes a new request; --replace-ca trusts the CA in the file"
        raise InvalidArgument("the certificate cannot be installed", why=str(err), hint=hint) from err
    if present is not None and present.node_id != bundle.node_id:
        raise InvalidArgument(f"the certificate is for {bundle.node_id}, and this is {present.node_id}")
    if present is None and newcomer is None:
        raise InvalidArgument(
            f"{data_dir} holds no node yet",
            why="beside a certificate a new member needs the gossip keys and somebody to talk to",
            hint="--gossip-key FILE, copied from a member's data directory, and --seed HOST:7946",
        )
    with _writing(data_dir), owned(data_dir):  # a running node would go on with what it has read
        keep_readable(folder, keys)
        write_trust(folder, trust)
        write_bundle(folder, bundle)
        set_unused_aside(folder, keys, trust.fingerprints)
        if present is None and newcomer is not None:
            _become_member(data_dir, NodeIdentity(bundle.node_id, trust.cluster, (newcomer.seed,)), newcomer)
        forget_request(folder)
    return bundle


def _check(folder: Path, issued_pem: bytes, *, is_new: bool) -> tuple[TrustList, NodeBundle]:
    leaf, *cas = load_certificates(issued_pem, "the file")
    trust = TrustList.initial(b"".join(map(dump_certificate, cas))) if is_new else read_trust(folder)
    key_pem = read_requested_key(folder)
    bundle = NodeBundle(node_id_of(leaf), dump_certificate(leaf), key_pem, trust.ca_pem)
    validity = bundle.check(datetime.now(UTC))
    if validity.state not in {ValidityState.VALID, ValidityState.RENEWAL_DUE}:
        raise InvalidArgument(
            "the certificate cannot be installed",
            why=f"it is good from {validity.not_before.isoformat()} until {validity.not_after.isoformat()}",
            hint="see to the clocks of this machine and of the one that signed, and have it signed again",
        )
    return trust, bundle


def _become_member(data_dir: Path, identity: NodeIdentity, newcomer: Newcomer) -> None:
    ring = read_ring(newcomer.gossip_key)
    write_identity(data_dir, identity, ring.keys)
    write_gossip_keys(data_dir, ring)  # with its revision, so that it is not taken for a first one


def _identity_of(data_dir: Path) -> NodeIdentity | None:
    try:
        return read_identity(data_dir)
    except NotInitialised:
        return None


@contextmanager
def _writing(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise InvalidArgument(
            f"the data directory {data_dir} cannot be written",
            why=str(err),
            hint="choose another --data-dir, or make it writable for this user",
        ) from err
