"""The steps of a change of the CA, what each came to on every member, and when the next may follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.core.errors import InvalidArgument, StateError, Unavailable
from caxton_node.trust.survey import NodeTrust
from certs import TrustList
from certs.rotation import Stage

NAMED_MAX = 5


class StepName(StrEnum):
    """What is done on every member."""

    ANNOUNCE = "announce"
    SWITCH = "switch"
    RENEW = "renew"
    RETIRE = "retire"
    ABANDON = "abandon"


STAGE_BEFORE: Mapping[StepName, Stage] = {
    StepName.ANNOUNCE: Stage.SETTLED,
    StepName.SWITCH: Stage.ANNOUNCED,
    StepName.RENEW: Stage.SWITCHED,
    StepName.RETIRE: Stage.SWITCHED,
    StepName.ABANDON: Stage.ANNOUNCED,
}
"""Where a change must stand for a step to follow."""


class CaNotRetirable(StateError):
    """Some members would be cut off if the old CA went; it stays trusted, and everything works on."""

    code = "CA_STILL_NEEDED"


@dataclass(frozen=True, slots=True)
class Step:
    """What a step has come to on each member.

    Attributes:
        name: Which step.
        primary: Fingerprint of the CA that signs from then on.
        revision: Of the trust list.
        nodes: By id.
    """

    name: StepName
    primary: str
    revision: int
    nodes: tuple[NodeTrust, ...]

    @property
    def failed(self) -> list[NodeTrust]:
        """Return the members on which it was not done."""
        return [found for found in self.nodes if found.error]


def read_step(word: str) -> StepName:
    """Read the name of a step.

    Raises:
        InvalidArgument: There is no such step.
    """
    try:
        return StepName(word)
    except ValueError:
        steps = ", ".join(StepName)
        raise InvalidArgument(f"{word!r} is no step of a change of the CA", hint=f"one of {steps}") from None


def check_done(step: Step, *, force: bool) -> None:
    """Stop after a step that not every live member has confirmed.

    Raises:
        Unavailable: Some have not; what was good before is good still. Never with `force`.
    """
    if not step.failed or force:
        return
    first, more = step.failed[0], len(step.failed) - 1
    others = f" and {more} more" if more else ""
    raise Unavailable(
        f"{_STOPPED[step.name]}: {first.node}{others}",
        why=first.error,
        hint=_LAST_HINT if step.name in LAST_STEPS else _HINT,
    )


def check_settled(nodes: Sequence[NodeTrust], digest: str) -> None:
    """Make sure that the last change of the CA has come to everybody before another begins.

    Args:
        nodes: Every live member.
        digest: Of the trust list in force here.

    Raises:
        StateError: Some members hold another list; nothing was changed.
    """
    behind = [found.node for found in nodes if not found.error and found.shown.digest != digest]
    if behind:
        raise StateError(
            "the last change of the CA has not come to every member yet",
            why=f"{named(behind)} trusts another list",
            hint="they compare by themselves within a minute; --force does not wait for that",
        )


def judged(nodes: Sequence[NodeTrust], trust: TrustList) -> tuple[NodeTrust, ...]:
    """Name the members that answered and have not done what the list asks of them."""
    return tuple(_judge(found, trust) for found in nodes)


def failed(found: NodeTrust, error: str) -> NodeTrust:
    """Return a member that did not do what it was asked."""
    return NodeTrust(found.node, found.shown, error, found.skew_s)


def check_retirable(nodes: Sequence[NodeTrust], primary: str, missing: Sequence[str]) -> None:
    """Make sure that nobody needs the old CA any more.

    Args:
        nodes: Every live member.
        primary: Fingerprint of the CA that signs.
        missing: Members that count and are not alive.

    Raises:
        CaNotRetirable: Somebody does.
    """
    old = [found.node for found in nodes if found.shown.issuer != primary]
    if old:
        raise CaNotRetirable(
            "the old CA is still needed",
            why=f"{named(old)} would be cut off: no certificate of the new CA was seen there",
            hint="caxton security certs shows why; give the command again, or with --force to cut them off",
        )
    if missing:
        raise CaNotRetirable(
            "the old CA stays trusted until members that are away have renewed",
            why=f"{named(missing)} could not come back by itself otherwise",
            hint="give the command again when they are back, or with --force to go on without them",
        )


def _judge(found: NodeTrust, trust: TrustList) -> NodeTrust:
    if found.error:
        return found
    if found.shown.digest != trust.digest:  # somebody else made one at the same time
        return failed(found, "it holds another trust list: somebody else changes the CA")
    missing = set(trust.fingerprints).difference(found.shown.keys)
    signs = missing != set(trust.fingerprints)
    if signs and trust.fingerprints[-1] in missing:
        # Or the maker would be the only one that can sign after the switch, and its disk may die.
        return failed(found, "it signs, and the key of the new CA has not come to it")
    return found


def named(nodes: Sequence[str]) -> str:
    """Return a few names in words, and how many more there are."""
    more = f" and {len(nodes) - NAMED_MAX} more" if len(nodes) > NAMED_MAX else ""
    return ", ".join(nodes[:NAMED_MAX]) + more


LAST_STEPS = frozenset({StepName.RETIRE, StepName.ABANDON})
"""Nothing follows on them; to give the command again would begin another change."""
_HINT = "nothing is broken: give the command again when they answer, or with --force to go on without"
_LAST_HINT = (
    "the change is made, do not give the command again: members compare by themselves within a minute,"
    " as caxton security ca status shows"
)
_STOPPED = {
    StepName.ANNOUNCE: "not every member trusts the new CA, so the old one goes on signing",
    StepName.SWITCH: "not every member knows that the new CA signs",
    StepName.RENEW: "not every member shows a certificate of the new CA, so the old one stays trusted",
    StepName.RETIRE: "not every member has forgotten the old CA",
    StepName.ABANDON: "not every member has forgotten the new CA",
}
