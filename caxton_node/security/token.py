"""The text of tokens: how it is made, read and hashed. The only place that knows the formats.

    cax_<env>_<40 hex digits>_<client>    API token; env and client are for people and secret scanners
    cxj1.<base64url>                      join token, version 1

A join token carries what a new node needs before it can trust anybody:

    32 bytes  SHA-256 of the CA certificate (DER): whom to trust
    16 bytes  secret: why to be trusted
     4 bytes  expiry, unix seconds, big-endian
     4 bytes  start of the SHA-256 of the above: a token cut short in a terminal is told from a wrong one

Only SHA-256 of a whole text is ever stored. A slow password hash is not needed: nobody can guess 128
random bits.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from caxton_node.core.errors import InvalidArgument, Unauthorized
from caxton_node.security.refusal import Reason, refusal

API_SECRET_BYTES = 20
JOIN_SECRET_BYTES = 16
API_PREFIX = "cax_"
JOIN_PREFIX = "cxj1."

_API = re.compile(r"cax_([a-z0-9]{1,16})_([0-9a-f]{40})_([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\Z")
_CLIENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_FINGERPRINT_BYTES = 32
_CHECK_BYTES = 4
_JOIN_BYTES = _FINGERPRINT_BYTES + JOIN_SECRET_BYTES + 4 + _CHECK_BYTES


def hash_token(text: str) -> str:
    """Return what is stored of a token and what it is found by: SHA-256 in hex."""
    return sha256(text.strip().encode()).hexdigest()


def write_api_token(env: str, client: str, secret: bytes) -> str:
    """Return the text of an API token.

    Args:
        env: Kind of installation, `dev` or `prod`.
        client: Name of its holder, a DNS label.
        secret: `API_SECRET_BYTES` random bytes.

    Raises:
        InvalidArgument: The client's name cannot be part of a token.
    """
    if not _CLIENT.match(client):
        raise InvalidArgument(
            f"{client!r} is not a client name",
            why="1 to 63 of a-z, 0-9 and hyphen, a letter or digit at both ends",
            hint="choose a name like ci or alice",
        )
    return f"cax_{env}_{secret.hex()}_{client}"


def check_api_token(text: str) -> None:
    """Refuse a text that cannot be an API token, so that nothing is looked up for it.

    Raises:
        Unauthorized: There is no token, or it does not have the form of one; the text is not repeated.
    """
    if not text:
        raise refusal(Reason.MISSING, "no token was sent", hint="set CAXTON_TOKEN or pass --token")
    if text.startswith(JOIN_PREFIX):
        raise refusal(
            Reason.MALFORMED,
            "this is a join token",
            why="it admits a node, not a client",
            hint="use a token that begins with cax_",
        )
    if not _API.match(text):
        raise refusal(
            Reason.MALFORMED,
            "this is not an API token",
            why="expected cax_<env>_<40 hex digits>_<client>",
            hint="copy the whole token",
        )


@dataclass(frozen=True, slots=True)
class JoinToken:
    """An invitation for new nodes.

    Attributes:
        ca_fingerprint: SHA-256 of the cluster's CA certificate (DER), hex.
        secret: What the inviting node recognises.
        expires_unix_s: After this second it is void.
    """

    ca_fingerprint: str
    secret: bytes
    expires_unix_s: int

    def __repr__(self) -> str:
        """Show whom to trust and until when, never the secret."""
        return f"JoinToken(ca_fingerprint={self.ca_fingerprint!r}, expires_unix_s={self.expires_unix_s})"

    @property
    def text(self) -> str:
        """Return the token as one word."""
        body = bytes.fromhex(self.ca_fingerprint) + self.secret + self.expires_unix_s.to_bytes(4, "big")
        return JOIN_PREFIX + urlsafe_b64encode(body + _check_sum(body)).decode().rstrip("=")

    def check_expiry(self, now_unix_s: int) -> None:
        """Refuse the token when its time is over.

        Raises:
            Unauthorized: It has expired; says how long ago.
        """
        if now_unix_s >= self.expires_unix_s:
            raise Unauthorized(
                "the join token has expired",
                why=f"{now_unix_s - self.expires_unix_s} s ago by this node's clock",
                hint="get a new one on a member: caxton-node token",
            )


def parse_join_token(text: str) -> JoinToken:
    """Read a join token; its secret and expiry are not judged here.

    Raises:
        InvalidArgument: The text is not a join token, or not the whole of one; it is not repeated.
    """
    text = text.strip()
    if not text.startswith(JOIN_PREFIX):
        raise _malformed(f"it does not begin with {JOIN_PREFIX}")
    encoded = text.removeprefix(JOIN_PREFIX)
    try:
        raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        raise _malformed("a character is missing or wrong") from None
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if len(raw) != _JOIN_BYTES or check != _check_sum(body):
        raise _malformed("a part is missing or wrong")
    secret_end = _FINGERPRINT_BYTES + JOIN_SECRET_BYTES
    return JoinToken(
        ca_fingerprint=body[:_FINGERPRINT_BYTES].hex(),
        secret=body[_FINGERPRINT_BYTES:secret_end],
        expires_unix_s=int.from_bytes(body[secret_end:], "big"),
    )


def _check_sum(body: bytes) -> bytes:
    return sha256(body).digest()[:_CHECK_BYTES]


def _malformed(why: str) -> InvalidArgument:
    return InvalidArgument(
        "this is not a join token", why=why, hint="copy the whole line that `caxton-node token` printed"
    )
