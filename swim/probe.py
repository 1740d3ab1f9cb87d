"""What one probe of one member has shown.

    0        pause    ...       timeout             period x (health + 1)
    | ping --> | ping --> | ... | ask helpers ----> | judge, next member

How many pings there are follows the loss that was measured (`path.py`). The judgement, in this order:

1. An answer, over datagrams or over a link, or a ping of the member to us since the probe began: it is
   alive. Whoever can speak is not dead.
2. Helpers were asked and nobody at all was heard meanwhile: it is we who are cut off. Accuse nobody; but
   not for ever, since in a small cluster all others may really be gone.
3. Two helpers (all, if fewer) say that they could not reach it either: accuse it, with them as witnesses.
4. Otherwise one path was bad: probe the same member again with other helpers. The second time one witness
   is enough, the third time none is needed.

Rejected: accusing after the first unanswered probe, as the paper does. With 20 % loss that starts a
suspicion for one probe in a hundred, and the refutations alone multiply the traffic.

Source: SWIM, sections 3.1 and 4.3; Lifeguard, section IV-A (nack); DESIGN.md, "Probing".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from swim.member import Address, Member

ISOLATION_PATIENCE = 3
"""Probes in a row during which nobody was heard before everybody is doubted."""
WITNESSES = 2
STRIKES_MAX = 2


class Verdict(StrEnum):
    """What a probe that ran its time has shown."""

    ALIVE = "alive"
    ISOLATED = "isolated"
    ACCUSED = "accused"
    UNSURE = "unsure"


@dataclass(slots=True)
class Probe:
    """One probe under way.

    Attributes:
        sequence: Comes back in the answers of helpers, and in that to the first ping.
        target: Key of the member.
        claim: Its epoch, incarnation and address when the probe began: news of it makes the probe void.
        began_at: When the first ping went out.
        ends_at: When it is judged.
        strikes: How often this target stayed unsure just before.
        tries: Pings that may be sent before helpers are asked.
        pause_s: Time between them.
        pings: When each ping was sent, by the number that comes back in its answer.
        is_asked: Helpers were asked, as far as there are any.
        answered: An ack came, from the target or through a helper.
        answered_first: It came to the first ping, however late.
        answered_by_link: The target answered over a link.
        target_heard: A ping of the target to this node arrived. Other packets do not count: somebody on the
            way may have recorded them when they went to others.
        anybody_heard: Any packet from any member arrived.
        helpers: Keys of the members asked to help.
        nackers: Those of them that could not reach the target.
    """

    sequence: int
    target: bytes
    claim: tuple[int, int, Address]
    began_at: float
    ends_at: float
    strikes: int = 0
    tries: int = 2
    pause_s: float = 0.0
    pings: dict[int, float] = field(default_factory=dict)
    is_asked: bool = False
    answered: bool = False
    answered_first: bool = False
    answered_by_link: bool = False
    target_heard: bool = False
    anybody_heard: bool = False
    helpers: list[bytes] = field(default_factory=list)
    nackers: list[bytes] = field(default_factory=list)

    @property
    def silent_helpers(self) -> int:
        """Return how many helpers sent nothing: a sign that this node is not well heard."""
        return len(self.helpers) - len(self.nackers)


def claim_of(member: Member) -> tuple[int, int, Address]:
    """Return what a probe takes for granted about its target."""
    return member.epoch, member.incarnation, member.address


def judge(probe: Probe) -> Verdict:
    """Return what a probe has shown."""
    if probe.answered or probe.target_heard or probe.answered_by_link:
        return Verdict.ALIVE
    if probe.helpers and not probe.anybody_heard:
        return Verdict.ISOLATED
    if not probe.is_asked:
        return Verdict.UNSURE  # its timers were lost
    if len(probe.nackers) >= min(WITNESSES, len(probe.helpers)):
        return Verdict.ACCUSED
    if probe.strikes >= STRIKES_MAX or (probe.strikes and probe.nackers):
        return Verdict.ACCUSED
    return Verdict.UNSURE
