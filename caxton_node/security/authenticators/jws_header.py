"""The header of a JSON Web Token, and what is refused in it before any key is looked for.

A header is written by whoever sends the token. It may say which of the keys that we already have is meant,
and nothing else: a key that comes along (`jwk`, `x5c`), a place to fetch one from (`jku`, `x5u`) and
extensions that we do not know (`crit`, `b64`, `zip`) are refused, not ignored.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

from caxton_node.core.errors import Unauthorized
from caxton_node.security.refusal import Reason, refusal

TOKEN_CHARS_MAX = 8 * 1024
HEADER_CHARS_MAX = 1024
KID_CHARS_MAX = 128
DEPTH_MAX = 8
_MEMBERS = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt", "application/jwt"})
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\Z")
_KID = re.compile(r"[A-Za-z0-9._~:=+/@-]+\Z")  # base64 and URLs; no quote, no space, no NUL


@dataclass(frozen=True, slots=True)
class Header:
    """What a header may say.

    Attributes:
        algorithm: One of those that its issuer may use.
        key_id: Which of the issuer's keys; empty if it does not say.
    """

    algorithm: str
    key_id: str


def looks_like_jwt(text: str) -> bool:
    """Tell whether a text has the form of a token that says who issued it."""
    return len(text) <= TOKEN_CHARS_MAX and bool(_FORM.match(text)) and peek_issuer(text) is not None


def peek_issuer(text: str) -> str | None:
    """Return who a token says has issued it; nothing of it is believed yet."""
    try:
        issuer = _read(text.split(".")[1]).get("iss")
    except (ValueError, RecursionError):
        return None
    return issuer if isinstance(issuer, str) else None


def read_header(text: str, algorithms: tuple[str, ...]) -> Header:
    """Return what the header of a token says.

    Raises:
        Unauthorized: It says what it may not, or names an algorithm that its issuer does not use.
    """
    encoded = text.partition(".")[0]
    if len(encoded) > HEADER_CHARS_MAX:
        raise _bad("its header is too long")
    try:
        header = _read(encoded)
    except (ValueError, RecursionError):
        raise _bad("its header cannot be read") from None
    if strange := sorted(set(header) - _MEMBERS):
        raise _bad(f"its header says {', '.join(strange)[:100]!r}, which is not looked at")
    algorithm, key_id, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise _bad(f"it is to be signed with {' or '.join(algorithms)}")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _bad("its type is not that of an access token")
    if not isinstance(key_id, str) or ("kid" in header and not _is_key_id(key_id)):
        raise _bad("its key id cannot be one")
    return Header(algorithm, key_id)


def _is_key_id(text: str) -> bool:
    return len(text) <= KID_CHARS_MAX and bool(_KID.match(text)) and ".." not in text


def _read(encoded: str) -> dict[str, Any]:
    data = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    found = json.loads(data, object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004  one error for all that cannot be read
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse members that stand twice: two readers might take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _bad(why: str) -> Unauthorized:
    return refusal(Reason.INVALID, "the token is not good", why=why)
