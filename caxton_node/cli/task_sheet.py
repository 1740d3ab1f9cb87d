"""How tasks look: a line in a list, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from caxton_node.cli.output import Column, Output, cell, column, paint
from caxton_node.cli.sheet import Lines, listed, moment, period, show

ROWS_MAX = 25
LINE_CHARS, RESULT_CHARS = 72, 1000

Row = Mapping[str, Any]


def name_of(row: Row) -> str:
    """Return how a task is called on the command line."""
    return f"{row['task_id']}@{row['node']}"


def took(row: Row) -> str:
    """Return how long a task took, "" while it goes on."""
    end = row["finished_unix_ms"]
    return period((end - row["submitted_unix_ms"]) / 1000) if end else ""


def shortened(text: str, chars_max: int = LINE_CHARS) -> str:
    """Return a text in one line, without control characters and not too long."""
    whole = cell(text)
    return whole if len(whole) <= chars_max else f"{whole[: chars_max - 1]}…"


COLUMNS = (
    Column("TASK", name_of),
    column("STATE", "state"),
    column("OUTCOME", "outcome"),
    column("CAPABILITY", "capability"),
    column("CALLED", "called", right=True),
    column("BIDS", "bids", right=True),
    column("WINNERS", "winners"),
    Column("TOOK", took, right=True),
    Column("SUBMITTED", lambda row: moment(int(str(row["submitted_unix_ms"])))),
)
_ROUND_COLUMNS = (
    column("ROUND", "number", right=True),
    column("CALLED", "called", right=True),
    column("BIDS", "bids", right=True),
    column("BEST", "best"),
    Column("BETTER", lambda row: row["progress"] or "nothing by its step"),
)
_NOTE_COLUMNS = (
    column("CONTRACTOR", "contractor"),
    column("WHAT", "what"),
    column("AFTER", "after", right=True),
    column("ROUND", "round", right=True),
    column("DETAIL", "detail"),
)
_RESULT_COLUMNS = (
    column("CONTRACTOR", "contractor"),
    column("AFTER", "after", right=True),
    Column("RESULT", lambda row: shortened(_delivered(row), RESULT_CHARS)),
)


def show_task(output: Output, row: Row) -> None:
    """Print everything that is known about a task, and why it ended as it did."""
    detail: Row = row["detail"]
    outcome = f" ({row['outcome']}): {cell(detail['reason'])}" if row["outcome"] else ""
    show(output, row, f"{name_of(row)} is {paint(row['state'])}{outcome}", {"": _facts(row, detail)})
    if output.for_programs:
        return
    if len(detail["rounds"]) > 1:
        _table(output, "rounds", detail["rounds"], _ROUND_COLUMNS)
    _table(output, "bids", sorted(detail["bids"], key=_place), _bid_columns(detail))
    _table(output, "what else was said, or was not", _timed(row, "notes"), _NOTE_COLUMNS)
    _table(output, "results", _timed(row, "results"), _RESULT_COLUMNS)


def _facts(row: Row, detail: Row) -> Lines:
    asked = listed([row["capability"]] if row["capability"] else [], "contractors named one by one")
    times = (
        f"bids within {_ms(detail['proposals_within_ms'])}, results within {_ms(detail['results_within_ms'])}"
    )
    reserves = detail.get("reserves")
    kept = "all that qualify" if reserves is None else f"{reserves:,}"
    return [
        ("asked for", f"{asked}: {detail['found']:,} found, {row['called']:,} called"),
        ("task", shortened(detail["content"], RESULT_CHARS)),
        ("preferred", listed(detail["prefer"], "the earliest bid")),
        ("required", listed(detail["require"], "nothing")),
        ("winners", f"{detail['winners_wanted']}, in reserve {kept}"),
        ("rounds", f"{len(detail['rounds'])} of {detail['rounds_max']}{_steps(detail)}"),
        ("times", times),
        ("protocol", f"{detail['protocol']} in {detail['conversation_id']}, by {detail['initiator']}"),
        ("submitted", moment(row["submitted_unix_ms"])),
        ("took", _spans(row, detail)),
    ]


def _steps(detail: Row) -> str:
    return f", each better by {listed(detail['steps'], '')}" if detail["steps"] else ""


def _spans(row: Row, detail: Row) -> str:
    """Say how long everything took, and what of it was choosing."""
    if not row["finished_unix_ms"]:
        return "it goes on"
    awarded = detail["awarded_unix_ms"]
    if not awarded:
        return took(row)
    choosing, working = awarded - row["submitted_unix_ms"], row["finished_unix_ms"] - awarded
    return f"{took(row)}: {_ms(choosing)} to the award, {_ms(working)} of work"


def _ms(milliseconds: float) -> str:
    return period(milliseconds / 1000)


def _table(output: Output, heading: str, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print a table under its heading; of many rows the first, unless all are wanted."""
    if not rows:
        return
    output.line("")
    output.line(click.style(heading, bold=True))
    shown = rows if output.format == "wide" else rows[:ROWS_MAX]
    output.rows(shown, columns, empty="")
    if len(shown) < len(rows):
        output.line(click.style(f"and {len(rows) - len(shown):,} more: -o wide", dim=True))


def _place(bid: Row) -> tuple[int, float]:
    """Order bids: the last round first, in it the best first, the disqualified at its end."""
    return -bid["round"], bid["rank"] or float("inf")


def _bid_columns(detail: Row) -> Sequence[Column]:
    """Return the columns of the table of bids: one for each term that the criteria look at."""
    terms = dict.fromkeys(term for bid in detail["bids"] for term in bid.get("terms", {}))
    rounds = [column("ROUND", "round", right=True)] if len(detail["rounds"]) > 1 else []
    return (
        Column("RANK", lambda bid: bid["rank"] or "", right=True),
        column("CONTRACTOR", "contractor"),
        *rounds,
        Column("ANSWERED", lambda bid: _ms(float(str(bid["answered_ms"]))), right=True),
        *map(_term_column, terms),
        Column("SCORE", lambda bid: f"{bid['score']:.3f}" if "score" in bid else "", right=True),
        column("VERDICT", "verdict"),
        column("WHY", "reason"),
        column("TIE", "tie_break", wide=True),
        Column("NORMALISED", lambda bid: _terms(bid["normalised"]), wide=True),
        column("BID", "content", wide=True),
    )


def _term_column(term: str) -> Column:
    return Column(term.upper(), lambda bid: _value(_member(bid.get("terms"), term)), right=True)


def _member(terms: object, term: str) -> object:
    return terms.get(term, "") if isinstance(terms, Mapping) else ""


def _value(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) and not isinstance(value, bool) else cell(value)


def _terms(terms: object) -> str:
    found = terms.items() if isinstance(terms, Mapping) else ()
    return ", ".join(f"{term} {value:.3f}" for term, value in found)


def _timed(row: Row, name: str) -> list[Row]:
    """Return rows with the time since the task was submitted."""
    began = row["submitted_unix_ms"]
    return [{**each, "after": _ms(each["at_unix_ms"] - began)} for each in row["detail"][name]]


def _delivered(result: Row) -> str:
    content = str(result["content"])
    return content or f"{result['size_bytes']:,} bytes, too much to be kept"
