"""How a cluster changes its authority without a moment at which a good certificate is refused.

    SETTLED    [old*]          * signs node certificates
      | announce               everybody believes both before anybody shows a certificate of the new one
    ANNOUNCED  [old*, new]     -- abandon --> SETTLED [old*]
      | switch                 nodes renew, each when it likes
    SWITCHED   [old, new*]
      | retire                 only when nobody shows a certificate of the old one any more
    SETTLED    [new*]

Each arrow is one trust list with the next revision. When to take the next step, and who has taken the last,
is for the caller to find out. There is no way back after the switch: by then nodes hold certificates of the
new authority, so whoever wants the old one announces anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from cryptography import x509

from certs.authority import Authority
from certs.errors import AuthorityMismatch, WrongStage
from certs.trust_list import TrustList, check_signers


class Stage(StrEnum):
    """Where a change of authorities stands."""

    SETTLED = "settled"
    ANNOUNCED = "announced"
    SWITCHED = "switched"


def stage_of(trust: TrustList) -> Stage:
    """Return where the change of authorities stands in this list."""
    if len(trust.authorities) == 1:
        return Stage.SETTLED
    return Stage.SWITCHED if trust.primary == trust.fingerprints[-1] else Stage.ANNOUNCED


def announce(trust: TrustList, successor: Authority, signers: Sequence[Authority]) -> TrustList:
    """Let everybody believe a successor too, beside the authority that goes on signing.

    Args:
        trust: The list in force.
        successor: Made with `Authority.create` for the same cluster.
        signers: The authorities whose keys are at hand.

    Raises:
        WrongStage: Another change is under way.
        AuthorityMismatch: The successor is another cluster's, or is the authority itself.
        NotASigner: None of the signers is of the list in force.
    """
    _expect(trust, Stage.SETTLED, "a successor can be announced only when no other change is under way")
    if successor.cluster != trust.cluster or successor.fingerprint in trust.fingerprints:
        raise AuthorityMismatch("the successor must be another authority of the same cluster")
    return _follow(trust, (*trust.authorities, successor.certificate), trust.primary, [*signers, successor])


def switch(trust: TrustList, signers: Sequence[Authority]) -> TrustList:
    """Let the successor sign node certificates from now on; take this step when all have the last list.

    Raises:
        WrongStage: No successor is announced, or it signs already.
        NotASigner: None of the signers is of the list in force.
    """
    _expect(trust, Stage.ANNOUNCED, "the successor can sign only after it was announced")
    return _follow(trust, trust.authorities, trust.fingerprints[-1], signers)


def retire(trust: TrustList, signers: Sequence[Authority]) -> TrustList:
    """Believe the old authority no longer; take this step when nobody shows a certificate of it any more.

    Raises:
        WrongStage: The successor does not sign yet.
        NotASigner: None of the signers is of the list in force.
    """
    _expect(trust, Stage.SWITCHED, "the old authority can go only after the new one has begun to sign")
    return _follow(trust, trust.authorities[-1:], trust.primary, signers)


def abandon(trust: TrustList, signers: Sequence[Authority]) -> TrustList:
    """Take an announced successor back, before it has signed anything.

    Raises:
        WrongStage: No successor is announced, or it signs already.
        NotASigner: None of the signers is of the list in force.
    """
    _expect(trust, Stage.ANNOUNCED, "a successor can be taken back only before it has begun to sign")
    kept = tuple(each for each in trust.authorities[:-1])
    return _follow(trust, kept, trust.primary, signers)


def _expect(trust: TrustList, wanted: Stage, why: str) -> None:
    found = stage_of(trust)
    if found is not wanted:
        raise WrongStage(f"{why}; the change is at {found.value!r}, revision {trust.revision}")


def _follow(
    trust: TrustList, authorities: tuple[x509.Certificate, ...], primary: str, signers: Sequence[Authority]
) -> TrustList:
    check_signers(trust, signers)
    following = replace(
        trust, revision=trust.revision + 1, authorities=authorities, primary=primary, signatures=()
    )
    involved = {*trust.fingerprints, *following.fingerprints}
    at_hand = {each.fingerprint: each for each in signers if each.fingerprint in involved}
    return following.endorsed(at_hand.values())
