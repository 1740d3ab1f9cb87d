"""One task while it goes on, told on stderr line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import click

from caxton_node.cli.output import Output, cell
from caxton_node.cli.sheet import period
from caxton_node.cli.task_sheet import Row, name_of, shortened, took

LINES_MAX = 20
SAYS = {
    "refused": "refuses",
    "not-understood": "does not understand",
    "failed": "has failed",
    "silent": "is silent",
    "overdue": "is overdue",
    "late": "is too late",
    "duplicate": "proposes once more",
    "out-of-turn": "speaks out of turn",
}
AWARDED = frozenset({"awarded", "done"})


class Progress:
    """Says what has happened since it was last shown.

    Args:
        output: Whose colors to use.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._shown: Counter[str] = Counter()
        self._awarded: set[str] = set()
        self._lines = 0
        self._tellers: Mapping[str, Callable[[Row, Row], None]] = {
            "rounds": self._say_round,
            "bids": self._say_bid,
            "notes": self._say_note,
        }

    def show(self, row: Row) -> None:
        """Print what is new in a task, in the order in which it happened."""
        detail: Row = row["detail"]
        news = [(found, kind) for kind in self._tellers for found in self._new(kind, detail)]
        for found, kind in sorted(news, key=lambda item: int(item[0]["at_unix_ms"])):
            self._tellers[kind](row, found)
        for bid in detail["bids"]:
            if bid["verdict"] in AWARDED and bid["contractor"] not in self._awarded:
                self._awarded.add(bid["contractor"])
                self._say_award(bid)

    def end(self, row: Row) -> None:
        """Say how it ended, and where to read more."""
        if self._lines > LINES_MAX:
            self._say(f"and {self._lines - LINES_MAX:,} lines like these")
        self._say(f"{row['outcome']} after {took(row)}: {cell(row['detail']['reason'])}")
        self._say(f"caxton task get {name_of(row)} shows why")

    def _new(self, name: str, detail: Row) -> Sequence[Row]:
        found: Sequence[Row] = detail[name][self._shown[name] :]
        self._shown[name] += len(found)
        return found

    def _say_round(self, row: Row, called: Row) -> None:
        rounds = f"round {called['number']} of {row['detail']['rounds_max']}"
        self._say(f"{rounds}: {called['called']:,} called")

    def _say_bid(self, row: Row, bid: Row) -> None:
        self._say_of(row, bid, f"proposes  {shortened(bid['content'])}")

    def _say_note(self, row: Row, note: Row) -> None:
        self._say_of(row, note, f"{SAYS.get(note['what'], note['what'])}  {shortened(note['detail'])}")

    def _say_award(self, bid: Row) -> None:
        why = f": {cell(bid['reason'])}" if bid["reason"] else ""
        self._say(f"{cell(bid['contractor'])} gets the work{why}")

    def _say_of(self, row: Row, said: Row, what: str) -> None:
        """Say what one contractor did, as long as a person would read it."""
        self._lines += 1
        if self._lines <= LINES_MAX:
            after = period((said["at_unix_ms"] - row["submitted_unix_ms"]) / 1000)
            self._say(f"{after:>8}  {cell(said['contractor'])} {what}".rstrip())

    def _say(self, line: str) -> None:
        click.echo(click.style(line, dim=True), err=True, color=self._output.color)
