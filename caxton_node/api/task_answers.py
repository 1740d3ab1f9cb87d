"""Tasks as the schema's answers tell of them."""

from __future__ import annotations

from caxton_node.pb import tasks_pb2 as pb
from caxton_node.tasks import AGENT, Bid, Note, Order, Record, Result, Round, Summary, summary_of


def task_of(record: Record) -> pb.Task:
    """Write a record as the message of the schema."""
    task = listed_task_of(summary_of(record))
    task.detail.CopyFrom(_detail(record, record.order))
    return task


def listed_task_of(summary: Summary) -> pb.Task:
    """Write the line about a task as the message of the schema."""
    return pb.Task(
        task_id=summary.id,
        node=summary.node,
        state=f"TASK_STATE_{summary.state.upper()}",
        outcome=summary.outcome,
        capability=summary.capability,
        called=summary.called,
        bids=summary.bids,
        winners=summary.winners,
        submitted_unix_ms=summary.submitted_unix_ms,
        finished_unix_ms=summary.finished_unix_ms,
    )


def _detail(record: Record, order: Order) -> pb.TaskDetail:
    return pb.TaskDetail(
        version=record.version,
        reason=record.detail,
        initiator=f"{AGENT}~{record.id}@{record.node}",
        conversation_id=record.conversation_id,
        protocol=order.protocol_name,
        content=order.content,
        prefer=order.prefer,
        require=order.require,
        steps=order.steps,
        winners_wanted=order.winners,
        reserves=order.reserves,
        rounds_max=order.rounds_max,
        proposals_within_ms=round(order.proposals_within_s * 1000),
        results_within_ms=round(order.results_within_s * 1000),
        found=record.found,
        contractors=record.called,
        awarded_unix_ms=record.awarded_unix_ms,
        rounds=map(_round, record.rounds),
        bids=map(_bid, record.bids),
        notes=map(_note, record.notes),
        results=map(_result, record.results),
        ignored=record.ignored,
    )


def _round(found: Round) -> pb.TaskRound:
    return pb.TaskRound(
        number=found.number,
        at_unix_ms=found.at_unix_ms,
        called=found.called,
        bids=found.bids,
        best=found.best,
        best_score=found.best_score,
        progress=found.progress,
    )


def _bid(found: Bid) -> pb.TaskBid:
    bid = pb.TaskBid(
        contractor=found.contractor,
        round=found.round,
        at_unix_ms=found.at_unix_ms,
        answered_ms=found.answered_ms,
        content=found.content,
        normalised=found.normalised,
        score=found.score,
        rank=found.rank,
        tie_break=found.tie_break,
        verdict=found.verdict.value,
        reason=found.reason,
    )
    bid.terms.update(found.terms)  # type: ignore[arg-type]  # JSON scalars, as `kept_value` leaves them
    return bid


def _note(found: Note) -> pb.TaskNote:
    return pb.TaskNote(
        at_unix_ms=found.at_unix_ms,
        contractor=found.contractor,
        round=found.round,
        what=found.what.value,
        detail=found.detail,
    )


def _result(found: Result) -> pb.TaskResult:
    return pb.TaskResult(
        contractor=found.contractor,
        at_unix_ms=found.at_unix_ms,
        content=found.content,
        size_bytes=found.size_bytes,
    )
