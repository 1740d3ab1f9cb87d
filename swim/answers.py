"""What a sender is told that knows less: better news, at most once a second for each subject.

Only "dead" is never said back: a sender that believes a member alive is told of a suspicion instead, so that
the member gets its chance to refute. That is what lets the two halves of a healed partition find each other
without first killing each other.

Source: hashicorp/memberlist `mergeState`; DESIGN.md, "Claims" and "Reunion".
"""

from __future__ import annotations

from swim.codec import ACCUSER_BYTES
from swim.context import Context
from swim.cooldown import Cooldown
from swim.member import Member, MemberState
from swim.messages import Dead, Left, Message, Refute, Suspect, Want, introduce
from swim.suspicions import Suspicions


class Answers:
    """Finds what to say; whoever asks for it sends it."""

    def __init__(self, context: Context, suspicions: Suspicions) -> None:
        self._me = context.key[:ACCUSER_BYTES]
        self._suspicions = suspicions
        self._cooldown = Cooldown(context.settings.probe_interval_s)

    def correct(self, known: Member, claimed: MemberState, epoch: int, now: float) -> Message | None:
        """Return what to tell a member that still believes an older claim, or None."""
        stale_boot = epoch < known.epoch
        believes_alive = claimed is MemberState.ALIVE
        if not stale_boot and known.is_live == believes_alive:
            return None
        if not known.is_live and not believes_alive and not stale_boot:
            return None
        if not self._cooldown.is_ready(known.key, now):
            return None
        if known.is_live:
            return introduce(known) if stale_boot else Refute(known.key, known.epoch, known.incarnation)
        return self.verdict(known, stale_boot=stale_boot)

    def remind(self, suspect: Member, now: float) -> Message | None:
        """Return the accusation for a suspect that has spoken without refuting it: it may not have heard."""
        return self._suspicions.accusation(suspect) if self._cooldown.is_ready(suspect.key, now) else None

    def verdict(self, gone: Member, *, stale_boot: bool = False) -> Message:
        """Return what to tell a member that believes `gone` alive: it left, or doubt it."""
        claim = (gone.key, gone.epoch, gone.incarnation)
        if gone.state is MemberState.LEFT:
            return Left(*claim)
        if stale_boot:
            return Dead(*claim, self._suspicions.accusers_of_dead(gone.key))
        return Suspect(*claim, self._me)

    def records_of(self, member: Member) -> list[Message]:
        """Return the messages that give a live member to somebody who does not know it."""
        return [introduce(member), *self._suspicions.shown(member)]

    def ask_for(self, key: bytes, now: float) -> Message | None:
        """Return a request for a record that is missing here, unless it was asked for just now."""
        return Want(key) if self._cooldown.is_ready(key, now) else None
