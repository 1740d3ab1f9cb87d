"""What a node holds of the cluster's trust at one moment, as one value that is replaced whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from caxton_node.trust.wire import Shown
from certs import Authority, NodeBundle, Revocations, TrustList, Validity, signer_of
from transport import Credentials


@dataclass(frozen=True, slots=True)
class Holdings:
    """Certificate, key, trust and revocations of a node, and the CA keys of one that signs.

    Attributes:
        cluster: Name of the cluster.
        bundle: Certificate and key of this node.
        trust: Whom it trusts.
        revocations: Certificates that are void although they are otherwise good.
        authorities: CA keys that lie here, if any do.
        bridge_pem: From the authority before to the one that signs now; empty when there was none before.
        announced_pem: A successor that an authority vouches for, before the list that names it has come.
    """

    cluster: str
    bundle: NodeBundle
    trust: TrustList
    revocations: Revocations
    authorities: tuple[Authority, ...] = field(default=(), repr=False)
    bridge_pem: bytes = b""
    announced_pem: bytes = b""

    @property
    def credentials(self) -> Credentials:
        """Return what the mesh shows and trusts."""
        return Credentials(
            self.bundle.node_id,
            self.cluster,
            self.bundle.certificate_pem,
            self.bundle.key_pem,
            self.trust.ca_pem + self.announced_pem,
            denied_serials=self.revocations.denied_serials,
            denied_nodes=self.revocations.denied_nodes,
        )

    @property
    def chain_pem(self) -> bytes:
        """Return what the gRPC server shows: a client that trusts any of the authorities can follow it."""
        return self.bundle.certificate_pem + self.bridge_pem + self.trust.ca_pem

    @property
    def signer(self) -> Authority | None:
        """Return the authority that signs now, if its key lies here."""
        return signer_of(self.trust, self.authorities)

    @property
    def certificate(self) -> x509.Certificate:
        """Return this node's certificate, parsed."""
        return x509.load_pem_x509_certificate(self.bundle.certificate_pem)

    def validity(self, now: datetime) -> Validity:
        """Say how long the certificate is good for."""
        return self.bundle.check(now)

    def shown(self, now: datetime, *, clock_us: int, trouble: str = "") -> Shown:
        """Say what may be told of all this."""
        certificate = self.certificate
        validity = self.validity(now)
        return Shown(
            subject=certificate.subject.rfc4514_string(),
            serial=f"{certificate.serial_number:x}",
            issuer=self.bundle.authority,
            not_before_s=int(validity.not_before.timestamp()),
            not_after_s=int(validity.not_after.timestamp()),
            state=str(validity.state),
            revision=self.trust.revision,
            digest=self.trust.digest,
            primary=self.trust.primary,
            authorities=self.trust.fingerprints,
            keys=tuple(authority.fingerprint for authority in self.authorities),
            revocations=len(self.revocations),
            revocations_digest=self.revocations.digest,
            clock_us=clock_us,
            trouble=trouble,
        )


Listener = Callable[[Holdings], None]
