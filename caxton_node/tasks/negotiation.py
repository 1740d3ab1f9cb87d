"""One task between its order and the Contract Net that carries it out. Pure.

It chooses by the criteria of the order, lets the machine of the protocol say and wait, and writes into the
record what the machine reports. Whoever drives it gives the effects that it returns to the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from caxton_node.core.ids import parse_address
from caxton_node.fipa.bidding import (
    Awarded,
    Called,
    Decision,
    Effect,
    Finished,
    Heard,
    Notify,
    Proposal,
    Revise,
    Schedule,
    Send,
    Standing,
    Timer,
)
from caxton_node.fipa.bidding import Event as NetEvent
from caxton_node.fipa.contract_net import ContractNet
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.protocols import BidState
from caxton_node.tasks.choosing import OUTBID, Judgement, judge_round
from caxton_node.tasks.excerpts import excerpt, kept_terms, reason_in
from caxton_node.tasks.lifecycle import ENDS, Event, Outcome, outcome_of
from caxton_node.tasks.order import Order
from caxton_node.tasks.reasons import why_chosen, why_ended
from caxton_node.tasks.record import Bid, Note, Record, Round, Verdict, What
from caxton_node.tasks.scoring import Judged, Offer

_NOTED = {
    Standing.REFUSED: What.REFUSED,
    Standing.NOT_UNDERSTOOD: What.NOT_UNDERSTOOD,
    Standing.FAILED: What.FAILED,
    Standing.SILENT: What.SILENT,
    Standing.OVERDUE: What.OVERDUE,
    Standing.LATE: What.LATE,
    Standing.DUPLICATE: What.DUPLICATE,
    Standing.OUT_OF_TURN: What.OUT_OF_TURN,
}
_LOST = {
    Standing.FAILED: Verdict.FAILED,
    Standing.NOT_UNDERSTOOD: Verdict.FAILED,
    Standing.OVERDUE: Verdict.OVERDUE,
}
_UNSETTLED = frozenset({BidState.EXPIRED, BidState.CANCELLING})
SUCCEEDS = "a better one has failed"
_STANDS = frozenset({Verdict.OPEN, Verdict.RESERVE, Verdict.AWARDED})
Command = Send | Schedule
"""What the world has to do: send a message, hand a timer back."""


class Negotiation:
    """One task.

    Args:
        record: Of the new task; it is kept up to date from here on.
        order: What was asked for.
        contractors: Whom to call, `name@node` each.
        initiator: Address that speaks.

    Attributes:
        record: What has happened.
    """

    def __init__(self, record: Record, order: Order, contractors: Sequence[str], initiator: str) -> None:
        self.record = record
        self._order = order
        self._net = ContractNet(
            initiator=initiator,
            conversation_id=record.conversation_id,
            task=order.content,
            contractors=contractors,
            choose=self._choose,
            settings=order.settings,
        )
        self._now_us = 0
        self._called_us = 0
        self._answered_us: dict[str, int] = {}
        self._bids: dict[str, Bid] = {}  # those of the present round
        self._best: Mapping[str, float] = {}
        self._judgement: Judgement | None = None

    @property
    def contractors(self) -> list[str]:
        """Return who takes part."""
        return list(self._net.states)

    @property
    def awaits_answers(self) -> bool:
        """Return whether somebody may still say something that must be answered, though the task is over."""
        return any(state in _UNSETTLED for state in self._net.states.values())

    def start(self, now_us: int) -> list[Command]:
        """Call for proposals; times are unix microseconds."""
        self._now_us = now_us
        return self._take(self._net.start(now_us // 1000))

    def handle_message(self, envelope: Envelope, now_us: int) -> list[Command]:
        """Take a message of a contractor."""
        self._now_us = now_us
        contractor = envelope.sender or ""
        if self._net.states.get(contractor) is BidState.CALLED:
            self._answered_us[contractor] = max(0, now_us - self._called_us)
        return self._take(self._net.handle_message(envelope, now_us // 1000))

    def handle_failure(self, contractor: str, content: bytes | None, now_us: int) -> list[Command]:
        """Take the platform's word that a contractor could not be reached or has failed."""
        self._now_us = now_us
        return self._take(self._net.handle_failure(contractor, now_us // 1000, content))

    def handle_timer(self, timer: Timer, now_us: int) -> list[Command]:
        """Take a timer back."""
        self._now_us = now_us
        return self._take(self._net.handle_timer(timer, now_us // 1000))

    def cancel(self, detail: str, now_us: int) -> list[Command]:
        """Give up; everybody who is still in it is told."""
        self._now_us = now_us
        self.record.detail = detail
        return self._take(self._net.cancel())

    # -- choosing -------------------------------------------------------------------------------------------

    def _choose(self, proposals: Sequence[Proposal], number: int) -> Decision:
        offers = [self._offer(proposal) for proposal in proposals]
        self._judgement = judge_round(offers, self._order, number, self._best)
        self._best = self._judgement.best
        return self._judgement.decision

    def _offer(self, proposal: Proposal) -> Offer:
        contractor = proposal.contractor
        is_local = parse_address(contractor).node == self.record.node
        return Offer(contractor, proposal.content, self._answered_us[contractor], is_local)

    # -- what the machine reports ---------------------------------------------------------------------------

    def _take(self, effects: Iterable[Effect]) -> list[Command]:
        """Write down what has happened, return what is to be done."""
        commands: list[Command] = []
        for effect in effects:
            if isinstance(effect, Notify):
                self._note(effect.event)
            else:
                commands.append(effect)
            self.record.version += 1
        return commands

    def _note(self, event: NetEvent) -> None:
        if isinstance(event, Heard):
            self._hear(event)
            return
        self._close_round()
        if isinstance(event, Called):
            self._note_call(event)
        elif isinstance(event, Awarded):
            self._note_award(event)
        else:
            self._finish(event)

    def _note_call(self, event: Called) -> None:
        self.record.advance(Event.CALL)
        self._called_us = self._now_us
        self._bids = {}
        if event.round == 1:
            self.record.called = list(event.contractors)
        called = len(event.contractors)
        self.record.rounds.append(Round(number=event.round, at_unix_ms=self._now_ms, called=called))

    def _close_round(self) -> None:
        """Write down how the bids were judged: only now has the machine reported the last of them."""
        judgement, self._judgement = self._judgement, None
        if judgement is None:
            return
        best, latest = judgement.judged[0], self.record.rounds[-1]
        latest.bids, latest.progress = len(judgement.judged), judgement.progress
        if best.rank:
            latest.best, latest.best_score = best.contractor, best.score or 0.0
        for judged in judgement.judged:
            self._write_down(judged, judgement.decision)

    def _write_down(self, judged: Judged, decision: Decision) -> None:
        bid = self._bids[judged.contractor]
        bid.terms = kept_terms(judged.terms)
        bid.normalised = dict(judged.normalised)
        bid.score, bid.rank, bid.tie_break = judged.score, judged.rank, judged.tie_break.value
        if isinstance(decision, Revise):
            self._settle(bid.contractor, Verdict.REPLACED, judged.breach)
        elif reason := decision.reasons.get(bid.contractor, ""):
            self._settle(bid.contractor, Verdict.DISQUALIFIED if judged.breach else Verdict.REJECTED, reason)

    def _hear(self, event: Heard) -> None:
        contractor, standing = event.contractor, event.standing
        if standing is Standing.PROPOSED:
            self._note_bid(event)
        elif standing is Standing.DELIVERED:
            self._settle(contractor, Verdict.DONE, self._bids[contractor].reason)
            self.record.keep_result(contractor, event.content or b"", self._now_ms)
        elif standing in _NOTED:
            detail = self._detail_of(event)
            self._note_down(contractor, _NOTED[standing], detail)
            if standing in _LOST:
                self._settle(contractor, _LOST[standing], detail)

    def _note_bid(self, event: Heard) -> None:
        bid = Bid(
            contractor=event.contractor,
            round=len(self.record.rounds),
            at_unix_ms=self._now_ms,
            answered_ms=self._answered_us[event.contractor] / 1000,
            content=excerpt(event.content),
        )
        self._bids[event.contractor] = bid
        self.record.bids.append(bid)

    def _note_award(self, event: Awarded) -> None:
        self.record.advance(Event.AWARD)
        if not self.record.awarded_unix_ms:
            self.record.awarded_unix_ms = self._now_ms
        for name in event.contractors:
            bid = self._bids[name]
            is_first_choice = bid.verdict is Verdict.OPEN
            bid.reason = why_chosen(bid, self._bids.values()) if is_first_choice else SUCCEEDS
            bid.verdict = Verdict.AWARDED
        for name in event.reserves:
            self._bids[name].verdict = Verdict.RESERVE

    def _finish(self, event: Finished) -> None:
        outcome = outcome_of(event.ending, len(event.results), self._order.winners)
        was_cancelled = outcome is Outcome.CANCELLED
        for name in self._bids:
            if was_cancelled:
                self._settle(name, Verdict.CANCELLED, "")
            else:
                self._settle(name, Verdict.REJECTED, OUTBID)
        detail = self.record.detail or why_ended(outcome, self.record, len(self._bids))
        self.record.finish(ENDS[outcome], outcome, detail, self._now_ms)

    # -- words ----------------------------------------------------------------------------------------------

    def _settle(self, contractor: str, verdict: Verdict, reason: str) -> None:
        """Write down what became of a bid that still stood; nothing if this one did not bid."""
        bid = self._bids.get(contractor)
        if bid is not None and bid.verdict in _STANDS:
            bid.verdict, bid.reason = verdict, reason

    def _note_down(self, contractor: str, what: What, detail: str) -> None:
        number = len(self.record.rounds)
        self.record.note(
            Note(at_unix_ms=self._now_ms, contractor=contractor, round=number, what=what, detail=detail)
        )

    def _detail_of(self, event: Heard) -> str:
        if event.standing is Standing.SILENT:
            return f"no answer within {self._order.proposals_within_s:g} s"
        if event.standing is Standing.OVERDUE:
            return f"no result within {self._order.results_within_s:g} s"
        return reason_in(event.content)

    @property
    def _now_ms(self) -> int:
        return self._now_us // 1000
