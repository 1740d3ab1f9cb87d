"""Why somebody is not let in, in one word, for the metrics and for telling guesses from mistakes."""

from __future__ import annotations

from enum import StrEnum

from caxton_node.core.errors import Unauthorized


class Reason(StrEnum):
    """Why a caller was refused."""

    MISSING = "missing"  # nothing was shown
    AMBIGUOUS = "ambiguous"  # more than one thing was shown
    MALFORMED = "malformed"  # it cannot be a credential of any kind that is known here
    UNKNOWN = "unknown"  # it has the form of one, and is none
    INVALID = "invalid"  # its signature, issuer, audience or dates are not what they should be
    EXPIRED = "expired"  # it was good once
    REVOKED = "revoked"  # it was good, and somebody has made it void


GUESSES = frozenset({Reason.MALFORMED, Reason.UNKNOWN, Reason.INVALID})
"""Reasons that may come of guessing; who shows what was good once, or nothing, is not slowed down."""


def refusal(reason: Reason, what: str, *, why: str = "", hint: str = "") -> Unauthorized:
    """Return the error for a credential that is not good; its text never repeats the credential."""
    return Unauthorized(what, why=why, hint=hint, reason=reason)
