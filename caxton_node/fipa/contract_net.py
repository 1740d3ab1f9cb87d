"""The initiator's side of a Contract Net, as a pure machine.

The initiator calls for proposals, waits until everyone has answered or the deadline has passed, asks its
`choose` rule what to do with the proposals (award, ask for better ones, give up), and collects the results.
Each contractor's own talk is stepped by the table in `conversation.py`; a message that the table does not
allow, or that comes from somebody who was not called, changes nothing. Late proposals are rejected
explicitly, as FIPA asks, so that no contractor keeps resources reserved for a call that is over.

The machine always ends: every waiting phase has a deadline, rounds are bounded.

Source: FIPA SC00029H (contract net), SC00030H (iterated contract net), story 011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.core.errors import InvalidArgument, InvalidMessage
from caxton_node.fipa.conversation import CONTRACT_NET, CONTRACT_NET_PROTOCOL, BidEvent, BidState, Side
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.replies import reply


class Phase(StrEnum):
    """What the initiator is waiting for."""

    CALLING = "calling"
    WORKING = "working"
    FINISHED = "finished"


class Ending(StrEnum):
    """How the negotiation ended."""

    DONE = "done"
    PARTLY_DONE = "partly-done"
    FAILED = "failed"
    NO_PROPOSALS = "no-proposals"
    NOT_AWARDED = "not-awarded"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of one negotiation.

    Attributes:
        proposals_within_s: How long each round waits for proposals, seconds.
        results_within_s: How long awarded contractors may work, seconds.
        rounds_max: At least 1; a further round after it becomes an award to nobody.
    """

    proposals_within_s: float = 5.0
    results_within_s: float = 30.0
    rounds_max: int = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """One contractor's offer in the present round."""

    contractor: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Award:
    """Decision: these contractors get the work, the other proposals are rejected; none at all gives up."""

    contractors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revise:
    """Decision: call those who proposed once more, with a revised task."""

    task: bytes


Decision = Award | Revise
Choose = Callable[[Sequence[Proposal], int], Decision]
"""Gets the proposals in the order of arrival and the number of the round, from 1."""


@dataclass(frozen=True, slots=True)
class Send:
    """Effect: give this message to the router."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Timer:
    """A deadline's identity; one of an earlier phase or round is recognised and ignored."""

    phase: Phase
    round: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Effect: hand the timer back after so many seconds."""

    timer: Timer
    after_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Event: it is over.

    Attributes:
        ending: How.
        results: What each awarded contractor informed, in the order of arrival.
        states: Where every contractor ended.
        rounds: How many calls were made.
    """

    ending: Ending
    results: dict[str, bytes | None]
    states: dict[str, BidState]
    rounds: int


@dataclass(frozen=True, slots=True)
class Notify:
    """Effect: tell whoever started the negotiation."""

    event: Finished


Effect = Send | Schedule | Notify
_WAITED_FOR = {Phase.CALLING: BidState.CALLED, Phase.WORKING: BidState.ACCEPTED}


class ContractNet:
    """One negotiation, seen by its initiator.

    Args:
        initiator: Address that speaks.
        conversation_id: Of the whole negotiation.
        task: Content of the call.
        contractors: Addresses to call, at least one, no duplicates; answers must come from the same
            addresses.
        choose: What to do with the proposals of a round; pure.
        settings: Deadlines and bound of rounds.

    Raises:
        InvalidArgument: Nobody to call, or somebody twice.
    """

    def __init__(
        self,
        *,
        initiator: str,
        conversation_id: str,
        task: bytes,
        contractors: Sequence[str],
        choose: Choose,
        settings: Settings | None = None,
    ) -> None:
        if not contractors or len(set(contractors)) != len(contractors):
            raise InvalidArgument(
                "a contract net needs at least one contractor, each named once",
                why=f"got {list(contractors)}",
            )
        self.initiator = initiator
        self.conversation_id = conversation_id
        self.phase = Phase.CALLING
        self.round = 0
        self.states = dict.fromkeys(contractors, BidState.START)
        self._task = task
        self._choose = choose
        self._settings = settings or Settings()
        self._proposals: dict[str, Envelope] = {}
        self._results: dict[str, bytes | None] = {}
        self._awarded: tuple[str, ...] = ()

    def start(self, now_unix_ms: int) -> list[Effect]:
        """Call for proposals.

        Args:
            now_unix_ms: Wall-clock time, from which the contractors' `reply_by` is counted.
        """
        assert self.round == 0, "a negotiation starts once"
        return self._call(list(self.states), now_unix_ms)

    def handle_message(self, envelope: Envelope, now_unix_ms: int) -> list[Effect]:
        """Take one message of this conversation; what does not belong to it changes nothing."""
        contractor = envelope.sender or ""
        if envelope.conversation_id != self.conversation_id or contractor not in self.states:
            return []
        state = self.states[contractor]
        if self._is_late(state, envelope):
            return [Send(self._answer(envelope, Performative.REJECT_PROPOSAL))]
        after = CONTRACT_NET.advance(state, envelope.performative, Side.PARTICIPANT)
        if after is None:
            return []
        self.states[contractor] = after
        if after is BidState.PROPOSED:
            self._proposals[contractor] = envelope
        elif after is BidState.DONE:
            self._results[contractor] = envelope.content
        else:
            self._proposals.pop(contractor, None)
        return self._go_on(now_unix_ms)

    def handle_failure(self, contractor: str, now_unix_ms: int) -> list[Effect]:
        """Take the platform's word that this contractor cannot be reached or has failed."""
        if contractor not in self.states:
            return []
        failure = Envelope(Performative.FAILURE, sender=contractor, conversation_id=self.conversation_id)
        return self.handle_message(failure, now_unix_ms)

    def handle_timer(self, timer: Timer, now_unix_ms: int) -> list[Effect]:
        """Take back a timer: whoever has not answered is out; a stale timer is ignored."""
        if timer != Timer(self.phase, self.round) or self.phase is Phase.FINISHED:
            return []
        waited_for = _WAITED_FOR[self.phase]
        for contractor, state in self.states.items():
            if state is waited_for:
                self._step(contractor, BidEvent.TIMEOUT)
        return self._go_on(now_unix_ms)

    def cancel(self) -> list[Effect]:
        """Give up: tell everyone who was called or awarded, reject open proposals, finish."""
        if self.phase is Phase.FINISHED:
            return []
        effects: list[Effect] = [Send(self._reject(contractor)) for contractor in self._open_proposals()]
        for contractor, state in self.states.items():
            if state in {BidState.CALLED, BidState.ACCEPTED}:
                self._step(contractor, BidEvent.CANCEL)
                effects.append(Send(self._to(contractor, Performative.CANCEL)))
        return [*effects, self._finish(Ending.CANCELLED)]

    # -- phases ---------------------------------------------------------------------------------------------

    def _go_on(self, now_unix_ms: int) -> list[Effect]:
        """Leave the phase once nobody is waited for any more."""
        if self.phase is Phase.FINISHED or _WAITED_FOR[self.phase] in self.states.values():
            return []
        if self.phase is Phase.CALLING:
            return self._decide(now_unix_ms)
        return [self._finish(self._judge())]

    def _decide(self, now_unix_ms: int) -> list[Effect]:
        proposals = self._open_proposals()
        if not proposals:
            return [self._finish(Ending.NO_PROPOSALS)]
        offers = [Proposal(contractor, self._proposals[contractor].content) for contractor in proposals]
        decision = self._choose(offers, self.round)
        if isinstance(decision, Award):
            return self._award(decision, proposals)
        if self.round >= self._settings.rounds_max:
            return self._award(Award(()), proposals)
        self._task = decision.task
        return self._call(proposals, now_unix_ms)

    def _call(self, contractors: list[str], now_unix_ms: int) -> list[Effect]:
        within_s = self._settings.proposals_within_s
        self.round += 1
        self._proposals.clear()
        reply_by = now_unix_ms + int(within_s * 1000)
        effects: list[Effect] = []
        for contractor in contractors:
            self._step(contractor, BidEvent.CFP)
            call = self._to(contractor, Performative.CFP, self._task)
            call.reply_with = f"{self.conversation_id}/{self.round}"
            call.reply_by = reply_by
            effects.append(Send(call))
        return [*effects, Schedule(Timer(Phase.CALLING, self.round), within_s)]

    def _award(self, award: Award, proposals: list[str]) -> list[Effect]:
        winners = tuple(contractor for contractor in proposals if contractor in award.contractors)
        if len(winners) != len(set(award.contractors)):
            raise InvalidMessage("an award names somebody who made no proposal", why=f"{award.contractors}")
        effects: list[Effect] = [Send(self._reject(name)) for name in proposals if name not in winners]
        if not winners:
            return [*effects, self._finish(Ending.NOT_AWARDED)]
        for contractor in winners:
            self._step(contractor, BidEvent.ACCEPT_PROPOSAL)
            acceptance = self._answer(self._proposals[contractor], Performative.ACCEPT_PROPOSAL)
            acceptance.reply_with = f"{self.conversation_id}/award"
            effects.append(Send(acceptance))
        self.phase = Phase.WORKING
        self._awarded = winners
        timer = Timer(Phase.WORKING, self.round)
        return [*effects, Schedule(timer, self._settings.results_within_s)]

    def _judge(self) -> Ending:
        done = sum(self.states[contractor] is BidState.DONE for contractor in self._awarded)
        if done == len(self._awarded):
            return Ending.DONE
        return Ending.PARTLY_DONE if done else Ending.FAILED

    def _finish(self, ending: Ending) -> Notify:
        self.phase = Phase.FINISHED
        return Notify(Finished(ending, dict(self._results), dict(self.states), self.round))

    # -- one contractor -------------------------------------------------------------------------------------

    def _open_proposals(self) -> list[str]:
        return [name for name in self._proposals if self.states[name] is BidState.PROPOSED]

    def _is_late(self, state: BidState, envelope: Envelope) -> bool:
        return state is BidState.EXPIRED and envelope.performative is Performative.PROPOSE

    def _step(self, contractor: str, event: BidEvent) -> None:
        self.states[contractor] = CONTRACT_NET.step(self.states[contractor], event)

    def _reject(self, contractor: str) -> Envelope:
        self._step(contractor, BidEvent.REJECT_PROPOSAL)
        return self._answer(self._proposals[contractor], Performative.REJECT_PROPOSAL)

    def _answer(self, proposal: Envelope, performative: Performative) -> Envelope:
        answer = reply(proposal, performative, proposal.content, self.initiator)
        answer.protocol = CONTRACT_NET_PROTOCOL
        return answer

    def _to(self, contractor: str, performative: Performative, content: bytes | None = None) -> Envelope:
        return Envelope(
            performative,
            sender=self.initiator,
            receivers=contractor,
            content=content,
            conversation_id=self.conversation_id,
            protocol=CONTRACT_NET_PROTOCOL,
        )
