"""How long this node's certificates last, for metrics, health and the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caxton_node.observability import Reading
from caxton_node.observability.board import reading
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.renewing import Renewing
from caxton_node.trust.revoking import Revoking
from caxton_node.trust.signing import Signing

URGENT_S = 7 * 86_400.0
"""With less left and no success, a failing renewal is a trouble and not a nuisance."""


@dataclass(frozen=True, slots=True)
class CertificateHealth:
    """How it stands with this node's certificate.

    Attributes:
        is_ok: It is good and will be.
        detail: What is wrong, or a fact worth knowing.
        is_void: Nobody accepts it any more.
    """

    is_ok: bool
    detail: str
    is_void: bool = False


class Expiry:
    """Reads dates and counts; every method is safe on any thread.

    Args:
        keeper: What this node holds.
        renewing: Counts renewals.
        signing: Counts what was signed.
        revoking: Knows whether this node was revoked.
    """

    def __init__(self, keeper: Keeper, renewing: Renewing, signing: Signing, revoking: Revoking) -> None:
        self._keeper = keeper
        self._renewing = renewing
        self._signing = signing
        self._revoking = revoking

    def readings(self) -> Iterable[Reading]:
        """Return the numbers of this node's trust."""
        held, now = self._keeper.held, self._keeper.now
        primary = held.trust.find(held.trust.primary)
        yield reading("caxton_certificate_expiry_seconds", held.validity(now).remaining_s, kind="node")
        if primary is not None:
            left_s = (primary.not_valid_after_utc - now).total_seconds()
            yield reading("caxton_certificate_expiry_seconds", left_s, kind="ca")
        yield reading("caxton_certificate_renewals_total", self._renewing.renewals, outcome="done")
        yield reading("caxton_certificate_renewals_total", self._renewing.failures, outcome="failed")
        counts = self._signing.counts
        yield reading("caxton_certificates_signed_total", counts.newcomers, kind="newcomer")
        yield reading("caxton_certificates_signed_total", counts.renewals, kind="renewal")
        yield reading("caxton_certificates_signed_total", counts.refused, kind="refused")
        yield reading("caxton_certificates_revoked", len(held.revocations))
        yield reading("caxton_trust_revision", held.trust.revision)
        yield reading("caxton_trust_authorities", len(held.trust.authorities))

    def health(self) -> CertificateHealth:
        """Judge this node's certificate."""
        if self._revoking.self_revoked:
            return CertificateHealth(False, f"revoked: {self._revoking.self_revoked}", is_void=True)
        left_s = self._keeper.held.validity(self._keeper.now).remaining_s
        if left_s <= 0:
            return CertificateHealth(False, "expired: caxton-node certs renew", is_void=True)
        days = f"{left_s / 86_400:.0f} days left"
        if trouble := self._renewing.trouble:
            return CertificateHealth(left_s > URGENT_S, f"{days}, not renewed: {trouble}")
        return CertificateHealth(True, days)
