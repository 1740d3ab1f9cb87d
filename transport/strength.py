"""Which keys and signatures of certificates are too weak to believe.

Our own authority signs P-256 keys only, so what this refuses was made elsewhere with its key, by mistake or
by someone who means it.

Source: NIST SP 800-57 part 1, table 2: at least 112 bits of strength.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

RSA_BITS_MIN = 2048
CURVE_BITS_MIN = 256
_HASHES = frozenset({"sha256", "sha384", "sha512"})


def find_weakness(certificate: x509.Certificate) -> str:
    """Return what is too weak about a certificate, or the empty string.

    Raises:
        ValueError: Its key cannot be read.
    """
    try:
        key, digest = certificate.public_key(), certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "a key or signature of an unknown kind"
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.key_size < CURVE_BITS_MIN:
            return f"a key on a curve of {key.key_size} bits"
    elif isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS_MIN:
            return f"an RSA key of {key.key_size} bits"
    elif not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return "a key that is neither RSA nor on a curve"
    if digest is not None and digest.name not in _HASHES:  # EdDSA has its hash built in
        return f"a signature over {digest.name}"
    return ""
