"""Client certificates: signed by the cluster's CA, or by one that an administrator has named for clients.

Whom a certificate is about stands in its only URI, `spiffe://<cluster>/client/<name>`. The certificate of a
node names a node there, so it does not open the API, whoever has taken it. TLS has proved that the caller has
the key; everything else is looked at again here: TLS libraries let more through than we do, and a surface may
ask for certificates without judging them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from caxton_node.core.clock import Clock
from caxton_node.core.errors import InvalidConfig, Unauthorized
from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import Grant, Kind, Principal
from caxton_node.security.refusal import Reason, refusal
from certs import CertificateError
from certs.pem import UNREADABLE, load_certificates

DER_BYTES_MAX = 16 * 1024
RSA_BITS_MIN = 2048
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_UNREADABLE = (*UNREADABLE, x509.ExtensionNotFound)

Authorities = Callable[[], Iterable[x509.Certificate]]


class CertificateAuthenticator:
    """Recognises callers by the certificate that TLS has asked them for.

    Args:
        cluster: Name of the cluster.
        authorities: Returns whose signature is believed at present.
        denied_serials: Returns the serial numbers that were revoked.
        grants: By client; those who are not named have what is assigned to them.
        clock: For dates.
    """

    def __init__(
        self,
        *,
        cluster: str,
        authorities: Authorities,
        denied_serials: Callable[[], frozenset[int]],
        grants: Mapping[str, Sequence[str]],
        clock: Clock,
    ) -> None:
        self._prefix = f"spiffe://{cluster}/client/"
        self._authorities = authorities
        self._denied_serials = denied_serials
        self._grants = {name: tuple(map(Grant.parse, texts)) for name, texts in grants.items()}
        self._clock = clock

    def knows(self, credentials: Credentials) -> bool:
        """Tell whether a certificate was shown."""
        return bool(credentials.certificate_der)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return whom the certificate is about.

        Raises:
            Unauthorized: It is not good, or is not that of a client.
        """
        try:
            return self._judge(read_certificate(credentials.certificate_der))
        except _UNREADABLE as err:
            raise _bad("it cannot be read") from err

    def _judge(self, certificate: x509.Certificate) -> Principal:
        name = self._name_of(certificate)
        now = datetime.fromtimestamp(self._clock.unix_us() / 1e6, UTC)
        if not any(_is_signed_by(certificate, each, now) for each in self._authorities()):
            raise _bad("it is not signed by the CA of this cluster, nor by one that is named for clients")
        if now < certificate.not_valid_before_utc:
            raise _bad("it is not good yet, or a clock is wrong")
        if now > certificate.not_valid_after_utc:
            raise refusal(Reason.EXPIRED, "the client certificate has expired", hint="have a new one issued")
        if certificate.serial_number in self._denied_serials():
            raise refusal(Reason.REVOKED, "the client certificate was revoked", hint="have a new one issued")
        _check_use(certificate)
        ends = int(certificate.not_valid_after_utc.timestamp())
        return Principal(name, self._grants.get(name, ()), Kind.CERTIFICATE, ends)

    def _name_of(self, certificate: x509.Certificate) -> str:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = alternative.get_values_for_type(x509.UniformResourceIdentifier)
        name = (
            uris[0].removeprefix(self._prefix) if len(uris) == 1 and uris[0].startswith(self._prefix) else ""
        )
        if not _NAME.match(name):
            raise _bad(f"it is not that of a client: its only URI is to be {self._prefix}<name>")
        return name


def read_certificate(der: bytes) -> x509.Certificate:
    """Read a certificate as TLS gives it.

    Raises:
        Unauthorized: It is too long to be one.
        ValueError: It is none; or another error of `certs.pem.UNREADABLE`.
    """
    if len(der) > DER_BYTES_MAX:
        raise _bad("it is too long")
    return x509.load_der_x509_certificate(der)


def read_authorities(path: Path | None) -> tuple[x509.Certificate, ...]:
    """Read the CAs that sign client certificates, besides that of the cluster.

    Raises:
        InvalidConfig: The file cannot be read, or one in it is no CA.
    """
    if path is None:
        return ()
    try:
        found = tuple(load_certificates(path.read_bytes(), str(path)))
    except (OSError, CertificateError) as err:
        raise InvalidConfig(f"{path} cannot be read", why=str(err), hint="it is to hold CAs in PEM") from err
    for each in found:
        if not _is_authority(each):
            raise InvalidConfig(f"{each.subject.rfc4514_string()} in {path} is no CA")
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except _UNREADABLE:
        return False


def _is_signed_by(certificate: x509.Certificate, ca: x509.Certificate, now: datetime) -> bool:
    if not ca.not_valid_before_utc <= now <= ca.not_valid_after_utc:
        return False
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):  # another issuer's name, key type, or key
        return False
    return True


def _check_use(certificate: x509.Certificate) -> None:
    if _is_authority(certificate):
        raise _bad("it is that of a CA")
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise _bad("it is not meant for clients")
    key = certificate.public_key()
    is_strong = isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN
    )
    if not is_strong:
        raise _bad("its key is too weak")


def _bad(why: str) -> Unauthorized:
    return refusal(
        Reason.INVALID, "the client certificate is not good", why=why, hint="caxton-node certs issue-client"
    )
