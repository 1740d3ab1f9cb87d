"""From what a token says of its holder to a principal: name, roles, tenant.

Whoever signs tokens decides what is in them, and not all of it is meant for us: a name must be one that can
stand in a log, a role must be a word, and where a tenant is expected and missing nothing is granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from caxton_node.security.principal import EVERYWHERE, Grant
from caxton_node.security.refusal import Reason, refusal

NAME_CHARS_MAX = 128
WORDS_MAX = 64
_NAME = re.compile(r"[!-~]+\Z")  # visible ASCII
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}\Z")
_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


def find_claim(claims: Mapping[str, Any], path: str) -> object:
    """Return a claim; a name with dots that is none itself leads into objects. None if it is not there."""
    if path in claims:
        return claims[path]
    found: object = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def name_from(prefix: str, claims: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return the caller's name from the first claim that is there, behind the name of who says so.

    Raises:
        Unauthorized: None is there, or it cannot be a name.
    """
    found = next((value for name in names if (value := find_claim(claims, name)) is not None), None)
    if not isinstance(found, str) or len(found) > NAME_CHARS_MAX or not _NAME.match(found):
        raise refusal(
            Reason.INVALID,
            "the token does not say who its holder is",
            why=f"a name of up to {NAME_CHARS_MAX} visible characters was expected in {', '.join(names)}",
        )
    return f"{prefix}:{found}"


def words_from(value: object) -> tuple[str, ...]:
    """Return the words of a claim: a list, or one text with spaces; what is no word is left out."""
    words: Sequence[object] = (
        value.split() if isinstance(value, str) else value if isinstance(value, list) else ()
    )
    found = (word for word in words[:WORDS_MAX] if isinstance(word, str) and _WORD.match(word))
    return tuple(dict.fromkeys(found))


def grants_from(
    words: Sequence[str],
    roles: Mapping[str, Sequence[str]],
    *,
    trusts_names: bool = False,
    default: Sequence[str],
    claims: Mapping[str, Any],
    tenant_claim: str,
) -> tuple[Grant, ...]:
    """Return what a token grants.

    Args:
        words: Of the claim with roles.
        roles: Grants by word.
        trusts_names: A word that is not among them is the name of a role.
        default: Grants of every caller.
        claims: All of the token.
        tenant_claim: Claim with the tenant where the roles hold; empty: everywhere.
    """
    texts = list(default)
    for word in words:
        texts += roles.get(word, (word,) if trusts_names else ())
    grants = dict.fromkeys(grant for grant in map(Grant.parse, texts) if grant.is_sound)
    if not tenant_claim:
        return tuple(grants)
    tenant = find_claim(claims, tenant_claim)
    if not isinstance(tenant, str) or not _TENANT.match(tenant):
        return ()
    return tuple(Grant(role, tenant) for role, where in grants if where in {EVERYWHERE, tenant})
