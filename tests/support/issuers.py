"""Issuers of JSON Web Tokens: keys, key sets, and tokens of every kind, the bad ones made by hand.

Good tokens come from joserfc. The bad ones are put together from bytes: no library would make them.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from caxton_node.config.providers import JwtIssuer

ISSUER, AUDIENCE = "https://id.example.com", "caxton"
AnyKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def encode_json(value: object) -> str:
    return encode(json.dumps(value).encode())


class Issuer:
    """Somebody with a key of each kind, who publishes them in a file.

    Attributes:
        settings: How a node is told of it.
    """

    def __init__(self, folder: Path, name: str = "corp", **settings: Any) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.ed = ed25519.Ed25519PrivateKey.generate()
        self.path = folder / f"{name}.jwks.json"
        self.publish(self.public_keys())
        facts = {"issuer": ISSUER, "audience": (AUDIENCE,), "jwks": str(self.path)}
        facts = {**facts, "trusts_role_names": "roles" not in settings, **settings}
        self.settings = JwtIssuer(name=name, **facts)

    def public_keys(self) -> list[dict[str, Any]]:
        parts: list[tuple[Any, Any, str]] = [
            (RSAKey, self.rsa, "rsa-1"),
            (ECKey, self.ec, "ec-1"),
            (OKPKey, self.ed, "ed-1"),
        ]
        return [
            {**kind.import_key(_pem(key)).as_dict(), "kid": kid, "use": "sig"} for kind, key, kid in parts
        ]

    def publish(self, keys: list[dict[str, Any]]) -> None:
        self.path.write_text(json.dumps({"keys": keys}))

    @property
    def rsa_public_pem(self) -> bytes:
        return _pem(self.rsa)


def _pem(key: AnyKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims_at(now_s: float, **changes: Any) -> dict[str, Any]:
    """Return good claims, with some of them changed; None takes one out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "roles": ["operator"], "exp": int(now_s) + 300}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def sign(key: AnyKey | bytes | None, claims: object, **header: Any) -> str:
    """Return a token with any header over any claims, signed by any key, a secret, or nobody."""
    text = f"{encode_json({name: value for name, value in header.items() if value is not None})}."
    text += encode(claims) if isinstance(claims, bytes) else encode_json(claims)
    return f"{text}.{encode(signature_of(key, text.encode()))}"


def signature_of(key: AnyKey | bytes | None, data: bytes) -> bytes:
    if key is None:
        return b""
    if isinstance(key, bytes):
        return hmac.digest(key, data, sha256)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
