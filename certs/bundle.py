"""What one node holds: its certificate, its key and the CA certificate, and how long that is good for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from certs import pem
from certs.errors import BrokenBundle

RENEW_BEFORE = timedelta(days=30)


class ValidityState(StrEnum):
    """Where a certificate stands in its life."""

    NOT_YET_VALID = "not-yet-valid"
    VALID = "valid"
    RENEWAL_DUE = "renewal-due"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a certificate is good for, seen at one moment.

    Attributes:
        state: What the other facts come to.
        not_before: Start of its life.
        not_after: End of its life.
        renew_at: From when on a new one should be asked for.
        remaining_s: Seconds until the end; negative when it is over.
    """

    state: ValidityState
    not_before: datetime
    not_after: datetime
    renew_at: datetime
    remaining_s: float


@dataclass(frozen=True, slots=True)
class NodeBundle:
    """A node's identity as it lies on disk; `key_pem` never shows in its repr.

    Attributes:
        node_id: The identity that the certificate must carry.
        certificate_pem: The node's certificate.
        key_pem: Its private key.
        ca_pem: One CA certificate, or the old and the new one while the CA is being changed.
    """

    node_id: str
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    ca_pem: bytes

    def check(self, now: datetime) -> Validity:
        """Check that the parts belong together and say how long they are good for.

        Raises:
            UnreadableFile: A part is no PEM of its kind.
            BrokenBundle: The certificate is another node's, is about another key, or is not signed by the CA.
        """
        certificate = self.certificate
        if node_id_of(certificate) != self.node_id:
            raise BrokenBundle(
                f"the certificate is for {node_id_of(certificate)!r}, not for {self.node_id!r}"
            )
        if not pem.same_key(certificate, pem.load_key(self.key_pem, "the node key")):
            raise BrokenBundle("the node certificate and the node key do not belong together")
        if not self.authority:
            raise BrokenBundle("the node certificate is not signed by this cluster's CA")
        return validity_of(certificate, now)

    @property
    def certificate(self) -> x509.Certificate:
        """Return the node's certificate, parsed."""
        return pem.load_certificates(self.certificate_pem, "the node certificate")[0]

    @property
    def serial_number(self) -> int:
        """Return the certificate's serial number, by which it can be revoked."""
        return self.certificate.serial_number

    @property
    def not_before(self) -> datetime:
        """Return where the certificate's life begins; a revocation of the node tells by it old from new."""
        return self.certificate.not_valid_before_utc

    @property
    def authority(self) -> str:
        """Return the fingerprint of the one of our authorities that signed it; empty when none did."""
        for ca in pem.load_certificates(self.ca_pem, "the CA certificate"):
            if _is_signed_by(self.certificate, ca):
                return pem.fingerprint(ca)
        return ""


def node_id_of(certificate: x509.Certificate) -> str:
    """Return the common name, or the empty string when there is not exactly one."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def validity_of(certificate: x509.Certificate, now: datetime) -> Validity:
    """Say where a certificate stands in its life.

    Renewal is due 30 days before the end; certificates that live less than 90 days are renewed in the last
    third of their life instead, or they would be due from their first day.
    """
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    renew_at = until - min(RENEW_BEFORE, (until - since) / 3)
    if now < since:
        state = ValidityState.NOT_YET_VALID
    elif now > until:
        state = ValidityState.EXPIRED
    else:
        state = ValidityState.RENEWAL_DUE if now >= renew_at else ValidityState.VALID
    return Validity(state, since, until, renew_at, (until - now).total_seconds())


def _is_signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):  # another issuer's name, key type, or key
        return False
    return True
