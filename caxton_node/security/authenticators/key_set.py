"""The public keys of an issuer (RFC 7517), from a file or from a URL, kept up to date within bounds.

Keys are fetched when the first token comes, again when they are old, and again for a key id that is not among
them, but that not more often than every `jwks_retry_s`: anybody can make up key ids. While they cannot be
fetched the old ones go on being used, for `jwks_stale_s` and no longer: an issuer that has withdrawn a key
could else be silenced to keep it good.

Only public keys for signatures are taken: RSA of 2048 bits and more, P-256, Ed25519. A shared secret or a key
for encryption in the set is left out, so that no token can be checked against it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from caxton_node.config.providers import JwtIssuer
from caxton_node.core.errors import Unavailable
from caxton_node.observability.logs import get_logger
from caxton_node.security.authenticators.http_ask import ANSWER_BYTES_MAX, Outside

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    PublicKey = RSAKey | ECKey | OKPKey

KEYS_MAX = 100
RSA_DIGITS_MIN, RSA_DIGITS_MAX = 341, 2736
"""Length of a modulus in base64: below 2048 bits it can be broken, above 16384 checking one takes long."""
TIMEOUT_S = 5.0
FIRST_RETRY_S = 5.0
FITS: Final[Mapping[str, tuple[str, str]]] = {
    "RS256": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Type and curve of the keys of each algorithm."""

_log = get_logger("security")


class KeySet:
    """The keys of one issuer.

    Args:
        issuer: Whose.
        now: Monotonic seconds.
    """

    def __init__(self, issuer: JwtIssuer, now: Callable[[], float]) -> None:
        self._issuer = issuer
        self._now = now
        self._outside = Outside(f"the key set of {issuer.name}", TIMEOUT_S)
        self._keys: list[tuple[str, dict[str, Any], PublicKey]] = []
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str, algorithm: str) -> PublicKey | None:
        """Return the key that is meant, if the issuer has it and it is for this algorithm.

        Args:
            key_id: As the token says; empty means the only key that fits.
            algorithm: As the token says, and its issuer may use.

        Raises:
            Unavailable: The keys cannot be had.
        """
        if self._is_older(self._issuer.jwks_max_age_s):
            await self._refresh()
        found = self._find(key_id, algorithm)
        if found is None and key_id and self._may_try():
            await self._refresh()
            found = self._find(key_id, algorithm)
        return found

    async def close(self) -> None:
        """Close what is open."""
        await self._outside.close()

    def _find(self, key_id: str, algorithm: str) -> PublicKey | None:
        fitting = [
            key for kid, facts, key in self._keys if (not key_id or kid == key_id) and _fits(facts, algorithm)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _is_older(self, age_s: float) -> bool:
        return self._fetched_at is None or self._now() - self._fetched_at >= age_s

    def _may_try(self) -> bool:
        retry_s = self._issuer.jwks_retry_s
        if self._fetched_at is None:  # nobody is let in until they come, so that is hurried
            retry_s = min(retry_s, FIRST_RETRY_S)
        return self._tried_at is None or self._now() - self._tried_at >= retry_s

    async def _refresh(self) -> None:
        asked_at = self._now()
        async with self._fetching:
            if self._fetched_at is not None and self._fetched_at >= asked_at:
                return  # another call has fetched them while this one waited
            if self._may_try():
                await self._try_fetch()
        if self._is_older(self._issuer.jwks_max_age_s + self._issuer.jwks_stale_s):
            raise Unavailable(
                f"the keys of {self._issuer.name} cannot be had, so that its tokens cannot be judged",
                why="they were not fetched for too long; the log says why",
                hint="try again, or use other credentials",
            )

    async def _try_fetch(self) -> None:
        self._tried_at = self._now()
        try:
            self._keys = read_keys(await self._fetch())
        except Unavailable as err:
            _log.warning(
                "the keys of an issuer could not be fetched", issuer=self._issuer.name, reason=str(err)
            )
            return
        self._fetched_at = self._now()

    async def _fetch(self) -> object:
        place = self._issuer.jwks
        if "://" in place:
            return await self._outside.get(place)
        return await asyncio.to_thread(_read_file, Path(place))


def read_keys(document: object) -> list[tuple[str, dict[str, Any], PublicKey]]:
    """Return the public keys for signatures in a key set: id, facts, key; others are left out.

    Raises:
        Unavailable: It is no key set.
    """
    from joserfc.errors import JoseError  # noqa: PLC0415  only a node that has issuers needs it
    from joserfc.jwk import import_key  # noqa: PLC0415

    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise Unavailable("a key set cannot be read", why="expected an object with `keys`, RFC 7517")
    found: list[tuple[str, dict[str, Any], Any]] = []
    for facts in keys[:KEYS_MAX]:
        if not isinstance(facts, dict) or not _is_for_signatures(facts):
            continue
        public = {name: value for name, value in facts.items() if name in _PUBLIC}
        try:
            key: Any = import_key(public)
        except (JoseError, ValueError, TypeError, KeyError, OverflowError):
            continue
        found.append((str(facts.get("kid", "")), facts, key))
    return found


_PUBLIC = frozenset({"kty", "crv", "n", "e", "x", "y"})


def _is_for_signatures(facts: Mapping[str, Any]) -> bool:
    is_known = (facts.get("kty"), facts.get("crv", "")) in FITS.values()
    if facts.get("kty") == "RSA" and not RSA_DIGITS_MIN <= len(str(facts.get("n", ""))) <= RSA_DIGITS_MAX:
        return False
    operations: Sequence[str] = facts.get("key_ops") or ("verify",)
    return is_known and facts.get("use", "sig") == "sig" and "verify" in operations


def _fits(facts: Mapping[str, Any], algorithm: str) -> bool:
    named = facts.get("alg", algorithm)
    same = named == algorithm or {named, algorithm} == {"EdDSA", "Ed25519"}
    return same and FITS.get(algorithm) == (facts.get("kty"), facts.get("crv", ""))


def _read_file(path: Path) -> object:
    import json  # noqa: PLC0415  beside its only use

    try:
        with path.open("rb") as file:
            return json.loads(file.read(ANSWER_BYTES_MAX))
    except (OSError, ValueError, RecursionError) as err:
        raise Unavailable(f"the key set {path} cannot be read", why=str(err)) from err
