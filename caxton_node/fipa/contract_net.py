"""The initiator's side of a Contract Net, as a pure machine.

The initiator calls for proposals, waits until everyone has answered or the deadline has passed, asks its
`choose` rule what to do with the proposals (award, ask for better ones, give up), and collects the results.
Each contractor's own talk is stepped by its protocol's table; a message that the table does not allow, or
that comes from somebody who was not called, changes nothing. Late proposals are rejected explicitly, as FIPA
asks, so that no contractor keeps resources reserved for a call that is over; of two proposals to one call the
first counts. Both answers stand outside of the protocol, whose talk with that contractor has ended, or goes
on as if the second proposal had not been made.

An award may name reserves: their proposals stay open while the winners work, and each winner that fails makes
room for the next of them. Whoever has not delivered in time is told to stop.

The machine always ends: every waiting phase has a deadline, rounds and reserves are bounded.

Source: FIPA SC00029H (contract net), SC00030H (iterated contract net), story 011.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from caxton_node.core.errors import InvalidArgument, InvalidMessage
from caxton_node.core.shown import show
from caxton_node.fipa.bidding import (
    Award,
    Awarded,
    Called,
    Choose,
    Effect,
    Ending,
    Finished,
    Heard,
    Notify,
    Phase,
    Proposal,
    Schedule,
    Send,
    Settings,
    Standing,
    Timer,
)
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.protocols import (
    CONTRACT_NET,
    ITERATED_CONTRACT_NET,
    BidEvent,
    BidState,
    Protocol,
    Side,
)
from caxton_node.fipa.replies import not_understood, reply

_STANDINGS = {
    BidState.PROPOSED: Standing.PROPOSED,
    BidState.REFUSED: Standing.REFUSED,
    BidState.NOT_UNDERSTOOD: Standing.NOT_UNDERSTOOD,
    BidState.FAILED: Standing.FAILED,
    BidState.DONE: Standing.DELIVERED,
}
_OUT = frozenset({BidState.EXPIRED, BidState.FAILED})
_CALLED_OFF = frozenset({BidState.CANCELLING, BidState.CANCELLED, BidState.NOT_CANCELLED})
_CANCELLABLE = frozenset({BidState.CALLED, BidState.PROPOSED, BidState.ACCEPTED})
_BETTER = "another proposal is better"
_LATE = "the call is over"
_ONE_ONLY = "the first proposal to a call counts"
_SETTLED = "the work is settled"


def protocol_of(settings: Settings) -> Protocol[BidState, BidEvent]:
    """Return the protocol of a negotiation within these bounds.

    Raises:
        InvalidArgument: The named one is no Contract Net, or has no rounds though there may be several.
    """
    fitting = ITERATED_CONTRACT_NET if settings.rounds_max > 1 else CONTRACT_NET
    named = settings.protocol or fitting.name
    if named not in {fitting.name, ITERATED_CONTRACT_NET.name}:
        raise InvalidArgument(
            f"{show(named)} does not fit",
            why=f"a negotiation with {settings.rounds_max} rounds at most is {fitting.name}",
            hint=f"leave the protocol out, or name {fitting.name}",
        )
    return fitting if named == fitting.name else ITERATED_CONTRACT_NET


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
        InvalidArgument: Nobody to call, somebody twice, or rounds in a protocol that has none.
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
        self._protocol = protocol_of(self._settings)
        self._proposals: dict[str, Envelope] = {}
        self._results: dict[str, bytes | None] = {}
        self._reserves: deque[str] = deque()
        self._awards: list[tuple[str, ...]] = []
        self._wanted = 0

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
        before = self.states[contractor]
        if envelope.performative is Performative.PROPOSE:
            if self._is_late(before, envelope):
                answer = self._answer(envelope, Performative.REJECT_PROPOSAL, _reason(_LATE))
                answer.protocol = None
                return [Send(answer), _heard(contractor, Standing.LATE, envelope)]
            if self._is_further(before, envelope):
                answer = not_understood(envelope, _ONE_ONLY)  # as the platform says where it enforces
                return [Send(answer), _heard(contractor, Standing.DUPLICATE, envelope)]
        after = self._protocol.advance(before, envelope.performative, Side.PARTICIPANT)
        if after is None:
            return [_heard(contractor, Standing.OUT_OF_TURN, envelope)]
        self.states[contractor] = after
        self._keep(contractor, after, envelope)
        standing = Standing.CANCELLED if before in _CALLED_OFF else _STANDINGS[after]
        return [_heard(contractor, standing, envelope), *self._go_on(now_unix_ms)]

    def handle_failure(self, contractor: str, now_unix_ms: int, content: bytes | None = None) -> list[Effect]:
        """Take the platform's word that this contractor cannot be reached or has failed."""
        state = self.states.get(contractor)
        if state is None or self._protocol.advance(state, Performative.FAILURE, Side.PARTICIPANT) is None:
            return []
        failure = Envelope(
            Performative.FAILURE, contractor, content=content, conversation_id=self.conversation_id
        )
        return self.handle_message(failure, now_unix_ms)

    def handle_timer(self, timer: Timer, now_unix_ms: int) -> list[Effect]:
        """Take back a timer: whoever has not answered is out; a stale timer is ignored."""
        if timer.phase is Phase.WORKING:
            overdue = [name for name in self._awarded(timer.number) if self._is(name, BidState.ACCEPTED)]
            effects = [effect for name in overdue for effect in self._stop(name)]
            return [*effects, *self._go_on(now_unix_ms)] if overdue else []
        if timer != Timer(self.phase, self.round):
            return []
        silent = [name for name in self.states if self._is(name, BidState.CALLED)]
        for name in silent:
            self._step(name, BidEvent.TIMEOUT)
        notes: list[Effect] = [Notify(Heard(name, Standing.SILENT)) for name in silent]
        return [*notes, *self._go_on(now_unix_ms)]

    def cancel(self) -> list[Effect]:
        """Give up: CANCEL to everyone who was called, has proposed or works; finish."""
        if self.phase is Phase.FINISHED:
            return []
        effects: list[Effect] = []
        for contractor, state in self.states.items():
            if state in _CANCELLABLE:
                self._step(contractor, BidEvent.CANCEL)
                effects.append(Send(self._to(contractor, Performative.CANCEL)))
        return [*effects, self._finish(Ending.CANCELLED)]

    # -- phases ---------------------------------------------------------------------------------------------

    def _go_on(self, now_unix_ms: int) -> list[Effect]:
        """Leave the phase once nobody is waited for any more."""
        if self.phase is Phase.WORKING:
            return self._replace_failed(now_unix_ms)
        if self.phase is Phase.FINISHED or BidState.CALLED in self.states.values():
            return []
        return self._decide(now_unix_ms)

    def _decide(self, now_unix_ms: int) -> list[Effect]:
        proposals = self._open_proposals()
        if not proposals:
            return [self._finish(Ending.NO_PROPOSALS)]
        offers = [Proposal(contractor, self._proposals[contractor].content) for contractor in proposals]
        decision = self._choose(offers, self.round)
        if isinstance(decision, Award):
            return self._award(decision, proposals, now_unix_ms)
        if self.round >= self._settings.rounds_max:
            return self._award(Award(()), proposals, now_unix_ms)
        self._task = decision.task
        return self._call(proposals, now_unix_ms)

    def _call(self, contractors: list[str], now_unix_ms: int) -> list[Effect]:
        within_s = self._settings.proposals_within_s
        self.round += 1
        self._proposals.clear()
        reply_by = now_unix_ms + int(within_s * 1000)
        effects: list[Effect] = [Notify(Called(self.round, tuple(contractors)))]
        for contractor in contractors:
            self._step(contractor, BidEvent.CFP)
            call = self._to(contractor, Performative.CFP, self._task)
            call.reply_with = self._tag()
            call.reply_by = reply_by
            effects.append(Send(call))
        return [*effects, Schedule(Timer(Phase.CALLING, self.round), within_s)]

    def _award(self, award: Award, proposals: list[str], now_unix_ms: int) -> list[Effect]:
        kept = (*award.contractors, *award.reserves)
        if len(kept) != len(set(kept) & set(proposals)):
            raise InvalidMessage("an award names somebody twice, or who made no proposal", why=f"{award}")
        reasons = award.reasons
        effects = self._reject_all([name for name in proposals if name not in kept], reasons)
        if not award.contractors:
            return [*effects, *self._reject_all(award.reserves, reasons), self._finish(Ending.NOT_AWARDED)]
        self.phase = Phase.WORKING
        self._wanted = len(award.contractors)
        self._reserves.extend(award.reserves)
        return [*effects, *self._accept(award.contractors, now_unix_ms)]

    def _accept(self, winners: Sequence[str], now_unix_ms: int) -> list[Effect]:
        within_s = self._settings.results_within_s
        effects: list[Effect] = []
        for contractor in winners:
            self._step(contractor, BidEvent.ACCEPT_PROPOSAL)
            proposal = self._proposals[contractor]
            acceptance = self._answer(proposal, Performative.ACCEPT_PROPOSAL, proposal.content)
            acceptance.reply_with = f"{self.conversation_id}/award"
            acceptance.reply_by = now_unix_ms + int(within_s * 1000)
            effects.append(Send(acceptance))
        self._awards.append(tuple(winners))
        effects.append(Notify(Awarded(tuple(winners), tuple(self._reserves))))
        return [*effects, Schedule(Timer(Phase.WORKING, len(self._awards)), within_s)]

    def _replace_failed(self, now_unix_ms: int) -> list[Effect]:
        """Accept as many reserves as winners have failed; finish when nobody works any more."""
        states = [self.states[name] for winners in self._awards for name in winners]
        working, done = states.count(BidState.ACCEPTED), states.count(BidState.DONE)
        following: list[str] = []
        while self._reserves and working + done + len(following) < self._wanted:
            if self._is(name := self._reserves.popleft(), BidState.PROPOSED):  # it may have failed meanwhile
                following.append(name)
        if following:
            return self._accept(following, now_unix_ms)
        if working:
            return []
        unused = [name for name in self._reserves if self._is(name, BidState.PROPOSED)]
        return [*self._reject_all(unused, dict.fromkeys(unused, _SETTLED)), self._finish(self._judge(done))]

    def _judge(self, done: int) -> Ending:
        if done == self._wanted:
            return Ending.DONE
        return Ending.PARTLY_DONE if done else Ending.FAILED

    def _finish(self, ending: Ending) -> Notify:
        self.phase = Phase.FINISHED
        return Notify(Finished(ending, dict(self._results), dict(self.states), self.round))

    # -- one contractor -------------------------------------------------------------------------------------

    def _keep(self, contractor: str, state: BidState, envelope: Envelope) -> None:
        """Keep what a contractor has brought; what it takes back is forgotten."""
        if state is BidState.PROPOSED:
            self._proposals[contractor] = envelope
        elif state is BidState.DONE:
            self._results[contractor] = envelope.content

    def _stop(self, contractor: str) -> list[Effect]:
        """Tell somebody to work no longer on what is overdue."""
        self._step(contractor, BidEvent.CANCEL)
        cancel = self._to(contractor, Performative.CANCEL)
        return [Send(cancel), Notify(Heard(contractor, Standing.OVERDUE))]

    def _reject_all(self, contractors: Iterable[str], reasons: Mapping[str, str]) -> list[Effect]:
        effects: list[Effect] = []
        for name in contractors:
            self._step(name, BidEvent.REJECT_PROPOSAL)
            reason = _reason(reasons.get(name, _BETTER))
            effects.append(Send(self._answer(self._proposals[name], Performative.REJECT_PROPOSAL, reason)))
        return effects

    def _open_proposals(self) -> list[str]:
        return [name for name in self._proposals if self._is(name, BidState.PROPOSED)]

    def _awarded(self, number: int) -> tuple[str, ...]:
        return self._awards[number - 1] if 0 < number <= len(self._awards) else ()

    def _is_late(self, state: BidState, proposal: Envelope) -> bool:
        """Tell whether a proposal comes from somebody who is out because it had not come yet."""
        return state in _OUT and proposal.sender not in self._proposals

    def _is_further(self, state: BidState, proposal: Envelope) -> bool:
        """Tell whether a proposal answers a call that was answered before, of this round or a former one."""
        if state is BidState.CALLED:
            return proposal.in_reply_to not in {None, self._tag()}
        return state not in _CALLED_OFF

    def _is(self, contractor: str, state: BidState) -> bool:
        return self.states[contractor] is state

    def _step(self, contractor: str, event: BidEvent) -> None:
        self.states[contractor] = self._protocol.step(self.states[contractor], event)

    # -- messages -------------------------------------------------------------------------------------------

    def _tag(self) -> str:
        return f"{self.conversation_id}/{self.round}"

    def _answer(self, proposal: Envelope, performative: Performative, content: bytes | None) -> Envelope:
        answer = reply(proposal, performative, content, self.initiator)
        answer.protocol = self._protocol.name
        return answer

    def _to(self, contractor: str, performative: Performative, content: bytes | None = None) -> Envelope:
        return Envelope(
            performative,
            sender=self.initiator,
            receivers=contractor,
            content=content,
            conversation_id=self.conversation_id,
            protocol=self._protocol.name,
        )


def _heard(contractor: str, standing: Standing, envelope: Envelope) -> Notify:
    return Notify(Heard(contractor, standing, envelope.content))


def _reason(text: str) -> bytes:
    return json.dumps({"reason": text}, ensure_ascii=False).encode()
