"""Between PEM bytes and objects, with errors that say which thing could not be read."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs.errors import UnreadableFile

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises at a certificate or request that is no proper one, partly only when asked."""

NodeKey = ec.EllipticCurvePrivateKey


def new_key() -> NodeKey:
    """Make a P-256 key: every TLS stack speaks it and a handshake costs 0.2 ms where RSA costs 2."""
    return ec.generate_private_key(ec.SECP256R1())


def dump_key(key: NodeKey) -> bytes:
    """Write a private key as unencrypted PKCS 8; who writes it to disk sets the mode."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def dump_certificate(certificate: x509.Certificate) -> bytes:
    """Write one certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def load_key(pem: bytes, what: str) -> NodeKey:
    """Read a P-256 private key.

    Raises:
        UnreadableFile: It is no PEM, is encrypted, or is of another type.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as err:
        raise UnreadableFile(f"{what} is not an unencrypted private key in PEM") from err
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UnreadableFile(f"{what} is not a P-256 key")
    return key


def load_certificates(pem: bytes, what: str) -> list[x509.Certificate]:
    """Read one or more certificates; the first is the leaf where that matters.

    Raises:
        UnreadableFile: There is not one certificate in it.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE as err:
        raise UnreadableFile(f"{what} holds no certificate in PEM") from err


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate (DER) in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def same_key(certificate: x509.Certificate, key: NodeKey) -> bool:
    """Say whether the certificate is about this private key."""
    return certificate.public_key() == key.public_key()
