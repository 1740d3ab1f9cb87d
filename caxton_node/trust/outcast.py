"""Noticing that the others have cut this node off, from the reasons that they give, and saying what to do.

Pure: it is told what became of the links and answers with what should be said, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from transport import EndReason, PeerState, PeerStatus


class Verdict(StrEnum):
    """What the refusals of the others come to."""

    REVOKED = "revoked"
    OTHER_CA = "other-ca"
    EXPIRED = "expired"


_MEANING = {
    EndReason.REVOKED: Verdict.REVOKED,
    EndReason.UNKNOWN_AUTHORITY: Verdict.OTHER_CA,
    EndReason.EXPIRED: Verdict.EXPIRED,
}

WORDS = {
    Verdict.REVOKED: "the others say that the certificate of this node was revoked",
    Verdict.OTHER_CA: "the others are of another CA: it was changed while this node was away",
    Verdict.EXPIRED: "the others say that a certificate has expired: this node's, or a clock is wrong",
}
WAY_OUT = (
    "stop the node and give it a new certificate with a join token of a member, which keeps all its data: "
    "caxton-node certs renew --seed HOST:50051 --token TOKEN"
)


@dataclass(slots=True)
class Outcast:
    """Judges links; remembers what was said, so that it is not said again while it lasts.

    Attributes:
        patience: Looks in a row that must come to the same before it is said: a node that was away may yet
            catch up.
    """

    patience: int = 1
    _said: set[Verdict] = field(default_factory=set)
    _seen: list[Verdict] = field(default_factory=list)

    def judge(self, peers: Iterable[PeerStatus]) -> Verdict | None:
        """Return what is to be said now, or None.

        Nothing is, while one link is up: then this node is let in, and who refuses is the odd one.
        """
        found = list(peers)
        if any(peer.state is PeerState.UP for peer in found):
            self._said.clear()
            self._seen.clear()
            return None
        refused = [verdict for peer in found if (verdict := _verdict_of(peer.last_failure)) is not None]
        if not refused or len(refused) * 2 < len(found):
            return None
        worst = max(set(refused), key=refused.count)
        self._seen = [*(each for each in self._seen if each is worst), worst][-self.patience :]
        if worst in self._said or len(self._seen) < self.patience:
            return None
        self._said.add(worst)
        return worst


def _verdict_of(failure: str) -> Verdict | None:
    return next((_MEANING[reason] for reason in _MEANING if failure.startswith(reason.sentence)), None)
