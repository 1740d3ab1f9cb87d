"""What an authority signs beside certificates: statements about trust, each kind with its own prefix.

The prefix keeps kinds apart: what was signed as one can never be shown as another, and no certificate begins
with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certs.pem import NodeKey

SIGNATURE_BYTES_MAX = 80
"""Of ECDSA on P-256 in DER: two numbers of 33 bytes and their frames are 72."""


class Purpose(Enum):
    """What a signature is about."""

    TRUST_LIST = b"caxton trust list 1\0"
    REVOCATION = b"caxton revocation 1\0"
    CA_KEY_WANTED = b"caxton ca key wanted 1\0"


@dataclass(frozen=True, slots=True)
class Endorsement:
    """One authority's signature.

    Attributes:
        authority: Fingerprint of who signed.
        signature: ECDSA over purpose and statement, DER.
    """

    authority: str
    signature: bytes


def sign_statement(key: NodeKey, purpose: Purpose, statement: bytes) -> bytes:
    """Sign a statement with an authority's key."""
    return key.sign(purpose.value + statement, ec.ECDSA(hashes.SHA256()))


def is_signed_by(
    authority: x509.Certificate, purpose: Purpose, *, statement: bytes, signature: bytes
) -> bool:
    """Say whether a statement carries the signature of an authority."""
    key = authority.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, purpose.value + statement, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
