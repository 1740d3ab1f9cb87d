"""What an API key may be, and when nobody can want to know of it any more."""

from __future__ import annotations

from caxton_node.core.errors import InvalidArgument
from caxton_node.security.principal import Grant
from caxton_node.security.store import TokenRecord

DAY_S = 86_400
MARK_KEPT_S = 366 * DAY_S
EXPIRED_KEPT_S = 7 * DAY_S
OVERLAP_S_MAX = 30 * DAY_S
LIFETIME_S_MAX = 3650 * DAY_S
GRANTS_MAX = 32
CUT_OFF_SLACK_S = 60
"""Clocks differ, and it takes a while until all know that a node was cut off."""


def check_grants(grants: tuple[Grant, ...]) -> None:
    """Refuse grants that a key cannot have.

    Raises:
        InvalidArgument: There are none, too many, or one cannot be written.
    """
    if not 1 <= len(grants) <= GRANTS_MAX or not all(grant.is_sound for grant in grants):
        raise InvalidArgument(
            "an API key needs to know what it may do",
            why=f"1 to {GRANTS_MAX} grants were expected, each a role or role@tenant",
            hint="for example operator, or viewer@acme",
        )


def check_lifetime(lifetime_s: float | None) -> None:
    """Refuse a lifetime that a key cannot have; None is for ever.

    Raises:
        InvalidArgument: It is out of range.
    """
    if lifetime_s is not None and not 0 < lifetime_s <= LIFETIME_S_MAX:
        raise InvalidArgument(
            "an API key cannot live so long",
            why=f"a lifetime is more than 0 and at most {LIFETIME_S_MAX} s, and {lifetime_s:g} were given",
            hint="leave it out for a key that does not expire",
        )


def check_overlap(overlap_s: float) -> None:
    """Refuse an overlap that a rotation cannot have.

    Raises:
        InvalidArgument: It is out of range.
    """
    if not 0 <= overlap_s <= OVERLAP_S_MAX:
        raise InvalidArgument(f"an overlap is 0 to {OVERLAP_S_MAX} s", why=f"{overlap_s:g} s were given")


def is_void(created_unix_s: int, cut_off_unix_s: float | None, now_unix_s: int) -> bool:
    """Tell whether a key is void because the node that made it was cut off.

    That node wrote when it made the key, and may have lied: a key dated ahead is void, too. With time it
    would not be ahead any more, so whoever sees one must revoke it as well.

    Args:
        created_unix_s: When the key was made, as its maker says.
        cut_off_unix_s: Its certificates from before that second are not good any more; None: it was not cut
            off.
        now_unix_s: By this node's clock.
    """
    if cut_off_unix_s is None:
        return False
    return created_unix_s <= cut_off_unix_s + CUT_OFF_SLACK_S or created_unix_s > now_unix_s


def is_forgettable(record: TokenRecord, now_unix_s: int) -> bool:
    """Tell whether a key expired, or was revoked, so long ago that no older copy of it can do harm."""
    if record.expires_unix_s is not None:
        return record.expires_unix_s + EXPIRED_KEPT_S < now_unix_s
    return record.revoked_unix_s is not None and record.revoked_unix_s + MARK_KEPT_S < now_unix_s
