"""When a node certificate is renewed: the rule, without a clock of its own.

It is due when its life is nearly over (`Validity.renew_at`), and as soon as another authority signs than the
one that signed it: that is how a change of the CA reaches every node. The nodes of a cluster began together,
so each look is put off by a chance share of the interval, or they would all ask the signer at once.

Source: story 022; names and defaults: a look every 24 h, renewal 30 days before the end.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certs import Validity, ValidityState

RETRY_MIN_S, RETRY_MAX_S = 30.0, 3600.0
JITTER = 0.1
"""Share of a wait that chance adds."""
SWITCH_SPREAD_S = 30.0
"""Within this time after another authority has begun to sign, every node asks for a new certificate."""
SOONEST_S = 1.0


class Due(StrEnum):
    """Why a certificate is to be renewed."""

    NOT = "not-due"
    ENDING = "ending"
    OTHER_AUTHORITY = "other-authority"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a node looks at its certificate.

    Attributes:
        check_interval_s: Longest time between two looks.
    """

    check_interval_s: float = 86_400.0

    def first_wait_s(self, rng: random.Random) -> float:
        """Return how long after its start a node looks for the first time."""
        return rng.uniform(SOONEST_S, max(SOONEST_S, min(self.check_interval_s, 10.0)))

    def next_wait_s(self, validity: Validity, now: datetime, rng: random.Random) -> float:
        """Return the time until the next look at a certificate that is not due.

        A certificate that lives shorter than the interval is looked at when it is due.
        """
        until_due_s = (validity.renew_at - now) / timedelta(seconds=1)
        wait_s = min(self.check_interval_s, max(until_due_s, 0.0))
        return max(SOONEST_S, wait_s + rng.uniform(0, JITTER * wait_s))

    def retry_wait_s(self, failures: int, validity: Validity, rng: random.Random) -> float:
        """Return the time until the next try after so many failures in a row.

        It doubles, but what is left of the certificate's life always holds ten more tries.
        """
        wait_s = min(RETRY_MIN_S * float(2 ** min(max(failures - 1, 0), 16)), RETRY_MAX_S)
        left_s = max(validity.remaining_s / 10, SOONEST_S)
        wait_s = min(wait_s, left_s, max(self.check_interval_s, SOONEST_S))
        return wait_s + rng.uniform(0, JITTER * wait_s)


def due(validity: Validity, *, signed_by: str, primary: str) -> Due:
    """Say whether a certificate is to be renewed, and why.

    Args:
        validity: Of the certificate, now.
        signed_by: Fingerprint of the authority that signed it.
        primary: Fingerprint of the authority that signs now.
    """
    if signed_by != primary:
        return Due.OTHER_AUTHORITY
    if validity.state in {ValidityState.RENEWAL_DUE, ValidityState.EXPIRED}:
        return Due.ENDING
    return Due.NOT
