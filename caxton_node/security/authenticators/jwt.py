"""JSON Web Tokens of issuers that an administrator has named (RFC 7519, RFC 8725).

    form and size -> issuer -> header -> key -> signature -> issuer, audience, dates -> name and grants

The issuer is read before the signature is checked, only to know whose keys are meant; it is compared again
afterwards. What a signature may be made with is on a list of the issuer's, and the type of the key must be
that of the algorithm, so neither `none` nor a public key used as a shared secret leads anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from caxton_node.config.providers import JwtIssuer
from caxton_node.core.clock import Clock
from caxton_node.core.errors import Unauthorized
from caxton_node.security.authenticators.claims import find_claim, grants_from, name_from, words_from
from caxton_node.security.authenticators.jws_header import (
    HEADER_CHARS_MAX,
    looks_like_jwt,
    peek_issuer,
    read_header,
)
from caxton_node.security.authenticators.key_set import KeySet
from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import Kind, Principal
from caxton_node.security.refusal import Reason, refusal

if TYPE_CHECKING:
    from joserfc.jws import JWSRegistry

    from caxton_node.security.authenticators.key_set import PublicKey

UNIX_S_MAX = 253_402_300_799  # the year 9999


class JwtAuthenticator:
    """Recognises callers by tokens that others have signed.

    Args:
        issuers: Whose tokens are good.
        clock: For dates, and for how old keys are.
        asks_others: Somebody else judges tokens of issuers that are not named.
    """

    def __init__(self, issuers: Sequence[JwtIssuer], clock: Clock, *, asks_others: bool = False) -> None:
        self._issuers = {issuer.issuer: (issuer, KeySet(issuer, clock.now)) for issuer in issuers}
        self._clock = clock
        self._asks_others = asks_others

    def knows(self, credentials: Credentials) -> bool:
        """Tell whether it is a bearer token with the form of a JWT, of a named issuer if others are asked."""
        text = credentials.bearer
        if not text or not looks_like_jwt(text):
            return False
        return not self._asks_others or peek_issuer(text) in self._issuers

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return whom the token is about.

        Raises:
            Unauthorized: It is not good.
            Unavailable: The issuer's keys cannot be had.
        """
        text = credentials.bearer
        named = self._issuers.get(peek_issuer(text) or "")
        if named is None:
            raise _bad("its issuer is not known here")
        issuer, keys = named
        header = read_header(text, issuer.algorithms)
        key = await keys.find(header.key_id, header.algorithm)
        if key is None:
            raise _bad("it is signed with a key that its issuer does not publish")
        claims = _verified(text, key, header.algorithm)
        expires = self._check(claims, issuer)
        return Principal(
            name_from(issuer.name, claims, (issuer.name_claim,)),
            grants_from(
                words_from(find_claim(claims, issuer.roles_claim)),
                issuer.roles,
                trusts_names=issuer.trusts_role_names,
                default=issuer.default,
                claims=claims,
                tenant_claim=issuer.tenant_claim,
            ),
            Kind.JWT,
            expires,
        )

    async def close(self) -> None:
        """Close what is open."""
        for _, keys in self._issuers.values():
            await keys.close()

    def _check(self, claims: Mapping[str, Any], issuer: JwtIssuer) -> int:
        """Check who a token is from, for whom and when it is good; return the second in which it ends."""
        now = self._clock.unix_us() / 1e6
        if claims.get("iss") != issuer.issuer:
            raise _bad("its issuer is not known here")
        if not is_for(claims.get("aud"), issuer.audience):
            raise _bad("it is meant for somebody else: its audience is not that of this cluster")
        expires = read_date(claims, "exp")
        if expires is None:
            raise _bad("it does not say when it expires")
        if now >= expires + issuer.leeway_s:
            raise refusal(Reason.EXPIRED, "the token has expired", hint="get a new one from its issuer")
        since = max(filter(None, (read_date(claims, "nbf"), read_date(claims, "iat"))), default=0.0)
        if now < since - issuer.leeway_s:
            raise _bad("it is not good yet, or a clock is wrong")
        if issuer.lifetime_s_max and expires - (read_date(claims, "iat") or 0.0) > issuer.lifetime_s_max:
            raise _bad(f"it lives longer than the {issuer.lifetime_s_max:g} s that its issuer may give")
        return int(expires + issuer.leeway_s)


def is_for(audience: object, wanted: Sequence[str]) -> bool:
    """Tell whether `aud`, one text or a list, names one of those who are meant."""
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    return any(name in wanted for name in named if isinstance(name, str))


def read_date(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a date of a token, seconds since 1970; None if it is not there.

    Raises:
        Unauthorized: It is no date.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(f"its {name} is no date")
    if not math.isfinite(value) or not 0 <= value <= UNIX_S_MAX:
        raise _bad(f"its {name} is no date")
    return float(value)


def _verified(text: str, key: PublicKey, algorithm: str) -> dict[str, Any]:
    from joserfc import jwt  # noqa: PLC0415  only a node that has issuers needs it
    from joserfc.errors import JoseError  # noqa: PLC0415

    try:
        found = jwt.decode(text, key, algorithms=[algorithm], registry=_registry_for(algorithm))
    except (JoseError, ValueError, TypeError, RecursionError):
        raise _bad("its signature is wrong") from None
    claims: dict[str, Any] = found.claims
    return claims


@cache
def _registry_for(algorithm: str) -> JWSRegistry:
    """Return what lets joserfc check one algorithm and no other; the header was judged before."""
    from joserfc.errors import UnsupportedAlgorithmError  # noqa: PLC0415
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    class Registry(JWSRegistry):
        max_header_length = HEADER_CHARS_MAX

        def get_alg(self, name: str) -> Any:  # noqa: ANN401  joserfc keeps the type to itself
            # not the base class's: it warns of EdDSA, which RFC 9864 calls Ed25519 and issuers still do not
            if name != algorithm:
                raise UnsupportedAlgorithmError(f"{name} is not {algorithm}")
            return self.algorithms[name]

    return Registry(algorithms=[algorithm], strict_check_header=False)


def _bad(why: str) -> Unauthorized:
    return refusal(Reason.INVALID, "the token is not good", why=why)
