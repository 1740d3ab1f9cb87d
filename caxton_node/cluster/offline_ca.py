"""What is done with a CA key that no running node holds: issuing and revoking, from file to file.

The directory of the CA holds `ca.key` and `ca.crt`, and `trust.list` and `revocations` where there are such:
the `certs` folder of a node, or a copy of these files on a machine without a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from caxton_node.core.errors import InvalidArgument, NotFound
from certs import (
    Authority,
    CertificateError,
    Revocation,
    Revocations,
    TrustList,
    requested_node_id,
    revoke,
    signer_of,
)
from certs.authority_files import read_authorities
from certs.trust_files import read_revocations, read_trust, write_revocations


class CaKeyNotFound(NotFound):
    """The directory holds no key of the CA in force, so nothing can be signed with it."""

    code = "CA_KEY_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was signed offline.

    Attributes:
        node_id: Whose.
        pem: The certificate, and behind it the CAs to trust.
        fingerprint: Of the CA that signed.
    """

    node_id: str
    pem: bytes
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Ca:
    signer: Authority
    trust: TrustList
    revocations: Revocations


def issue_certificate(
    ca_dir: Path, csr_pem: bytes, *, node_id: str, hosts: Sequence[str], lifetime_days: int
) -> Issued:
    """Sign a request with the CA key in a directory.

    Args:
        ca_dir: Of the CA.
        csr_pem: The request.
        node_id: The only id that may be in it; empty takes what it asks for.
        hosts: Host names and addresses at which the node will be reached, beside loopback.
        lifetime_days: How long the certificate is good.

    Raises:
        CaKeyNotFound: The CA key is not there.
        InvalidArgument: The request is not for this node, or cannot be signed.
    """
    with signing(ca_dir, "the request cannot be signed") as ca:
        wanted = node_id or requested_node_id(csr_pem)
        since = ca.revocations.earliest_start(wanted)
        certificate_pem = ca.signer.sign(
            csr_pem, wanted, hosts, datetime.now(UTC), lifetime_days=lifetime_days, not_before=since
        )
        return Issued(wanted, certificate_pem + ca.trust.ca_pem, ca.trust.primary)


def revoke_offline(ca_dir: Path, node_id: str, *, reason: str) -> Revocation:
    """Sign that the certificates of a node are void from now on, and keep it in the directory.

    In the `certs` folder of a node that is stopped, that node spreads it when it starts.

    Raises:
        CaKeyNotFound: The CA key is not there.
        InvalidArgument: It is no node id, or the directory cannot be written.
    """
    now = datetime.now(UTC)
    with signing(ca_dir, "the revocation cannot be signed") as ca:
        revocation = revoke(ca.signer, node_id, now, reason=reason, revision=ca.trust.revision)
        merged = ca.revocations.merge([revocation], ca.trust, now)
        write_revocations(ca_dir, merged.revocations)
        return revocation


@contextmanager
def signing(ca_dir: Path, trouble: str) -> Iterator[_Ca]:
    """Open the CA in a directory; what goes wrong with it is told as the argument's fault."""
    try:
        trust = read_trust(ca_dir)
        signer = signer_of(trust, read_authorities(ca_dir))
        if signer is None:
            raise CaKeyNotFound(
                f"the key of the CA that signs is not in {ca_dir}",
                why=f"nothing in ca.key is the key of CA {trust.primary[:16]}",
                hint="--ca-dir names the directory with ca.key and ca.crt",
            )
        yield _Ca(signer, trust, read_revocations(ca_dir))
    except (CertificateError, OSError) as err:
        raise InvalidArgument(trouble, why=str(err)) from err
