"""The record of one task: what was asked for, what everybody said and when, and why it ended as it did. Pure.

It is what `caxton task get` shows and what is kept in the database, as MessagePack; fields may be added, with
a default.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from caxton_node.core.machine import step
from caxton_node.tasks.lifecycle import FINAL, TRANSITIONS, Event, Outcome, State
from caxton_node.tasks.order import Order

AGENT = "task"
RESULT_BYTES_MAX = 8 * 1024 * 1024
NOTES_MAX = 5_000


class Verdict(StrEnum):
    """What became of a bid."""

    OPEN = "open"
    REPLACED = "replaced"  # by the bids of a further round
    DISQUALIFIED = "disqualified"
    REJECTED = "rejected"
    RESERVE = "reserve"
    AWARDED = "awarded"
    DONE = "done"
    FAILED = "failed"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


class What(StrEnum):
    """What a contractor did other than bidding and delivering in time."""

    REFUSED = "refused"
    NOT_UNDERSTOOD = "not-understood"
    FAILED = "failed"
    SILENT = "silent"
    OVERDUE = "overdue"
    LATE = "late"
    DUPLICATE = "duplicate"
    OUT_OF_TURN = "out-of-turn"


class Bid(Struct, kw_only=True):
    """One proposal.

    Attributes:
        contractor: `name@node`.
        round: Which call it answers.
        at_unix_ms: When it came.
        answered_ms: How long after its call.
        content: What was proposed, or the first bytes of it.
        terms: The values that the criteria name, and what else they look at.
        normalised: Preferred terms between 0 (worst) and 1 (best of the round).
        score: None if disqualified or not judged yet.
        rank: From 1 in its round; 0 if disqualified or not judged yet.
        tie_break: What puts it ahead of the next in rank, if the score does not.
        verdict: What became of it.
        reason: Why, one sentence or "".
    """

    contractor: str
    round: int
    at_unix_ms: int
    answered_ms: float
    content: bytes
    terms: dict[str, object] = {}
    normalised: dict[str, float] = {}
    score: float | None = None
    rank: int = 0
    tie_break: str = ""
    verdict: Verdict = Verdict.OPEN
    reason: str = ""


class Note(Struct, kw_only=True):
    """Something else that a contractor did, or did not do.

    Attributes:
        at_unix_ms: When.
        contractor: `name@node`.
        round: Which call was the latest.
        what: What it was.
        detail: What was said with it, or "".
    """

    at_unix_ms: int
    contractor: str
    round: int
    what: What
    detail: str = ""


class Round(Struct, kw_only=True):
    """One call for proposals.

    Attributes:
        number: From 1.
        at_unix_ms: When it was made.
        called: How many were called.
        bids: How many bid in time.
        best: Who was the best, "" if nobody qualified.
        best_score: Its score in this round.
        progress: What got better than in the rounds before, "" if nothing did by its step.
    """

    number: int
    at_unix_ms: int
    called: int
    bids: int = 0
    best: str = ""
    best_score: float = 0.0
    progress: str = ""


class Result(Struct, kw_only=True):
    """What a winner delivered.

    Attributes:
        contractor: `name@node`.
        at_unix_ms: When.
        content: What; empty if it was too large to be kept.
        size_bytes: How large it was.
    """

    contractor: str
    at_unix_ms: int
    content: bytes
    size_bytes: int


class Record(Struct, kw_only=True):
    """One task.

    Attributes:
        id: 16 hex digits.
        node: Whose task it is.
        order: What was asked for.
        state: Where it is in its life.
        outcome: How it ended, "" before.
        detail: Why, one sentence.
        submitted_unix_ms: When it was asked for.
        awarded_unix_ms: When the first winner was chosen, 0 before.
        finished_unix_ms: When it ended, 0 before.
        found: How many contractors were found; more than called if it was bounded.
        called: Who was called.
        rounds: The calls.
        bids: In the order of arrival.
        notes: In the order of time.
        results: In the order of arrival.
        ignored: What was not written down because there was too much of it.
        version: Raised with each change, for those who follow.
    """

    id: str
    node: str
    order: Order
    submitted_unix_ms: int
    state: State = State.SUBMITTED
    outcome: str = ""
    detail: str = ""
    awarded_unix_ms: int = 0
    finished_unix_ms: int = 0
    found: int = 0
    called: list[str] = []
    rounds: list[Round] = []
    bids: list[Bid] = []
    notes: list[Note] = []
    results: list[Result] = []
    ignored: int = 0
    version: int = 1

    @property
    def conversation_id(self) -> str:
        """Return the conversation in which it is negotiated."""
        return f"task-{self.id}"

    @property
    def is_over(self) -> bool:
        """Return whether nothing can follow but what comes too late."""
        return self.state in FINAL

    @property
    def winners(self) -> list[str]:
        """Return who has the work or has done it, in rank order."""
        won = [bid for bid in self.bids if bid.verdict in {Verdict.AWARDED, Verdict.DONE}]
        return [bid.contractor for bid in sorted(won, key=lambda bid: bid.rank)]

    def advance(self, event: Event) -> None:
        """Move on in life.

        Raises:
            IllegalTransition: A bug of the caller.
        """
        self.state = step(TRANSITIONS, self.state, event)

    def finish(self, event: Event, outcome: Outcome, detail: str, now_ms: int) -> None:
        """End."""
        self.advance(event)
        self.outcome, self.detail, self.finished_unix_ms = outcome.value, detail, now_ms

    def note(self, note: Note) -> None:
        """Write something down, as long as there is room: a contractor may say things without end."""
        if len(self.notes) < NOTES_MAX:
            self.notes.append(note)
        else:
            self.ignored += 1

    def keep_result(self, contractor: str, content: bytes, now_ms: int) -> None:
        """Keep what a winner delivered, unless it is too large beside the others."""
        size = len(content)
        room = RESULT_BYTES_MAX - sum(len(result.content) for result in self.results)
        kept = content if size <= room else b""
        self.results.append(Result(contractor=contractor, at_unix_ms=now_ms, content=kept, size_bytes=size))


class Summary(Struct, kw_only=True):
    """One task in a list; as of `Record`, with numbers for the lists."""

    id: str
    node: str
    state: State
    outcome: str
    capability: str
    called: int
    bids: int
    winners: list[str]
    submitted_unix_ms: int
    finished_unix_ms: int


def begin(task_id: str, node: str, order: Order, now_ms: int) -> Record:
    """Return the record of a new task."""
    return Record(id=task_id, node=node, order=order, submitted_unix_ms=now_ms)


def summary_of(record: Record) -> Summary:
    """Return the line about a task."""
    return Summary(
        id=record.id,
        node=record.node,
        state=record.state,
        outcome=record.outcome,
        capability=record.order.capability,
        called=len(record.called),
        bids=len(record.bids),
        winners=record.winners,
        submitted_unix_ms=record.submitted_unix_ms,
        finished_unix_ms=record.finished_unix_ms,
    )
