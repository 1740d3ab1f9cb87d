"""How the report on a module that was tried looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click

from caxton_node.cli.output import Output, cell, paint
from caxton_node.cli.sheet import listed, period, size

INDENT = 10

Row = Mapping[str, Any]
Lines = list[tuple[str, str]]


def show_report(output: Output, name: str, row: Row) -> None:
    """Print a report: each stage with what was found in it."""
    if output.for_programs:
        output.data(row)
        return
    passed = paint("passed" if row["passed"] else "failed")
    output.line(f"{cell(name)} {passed} after {period(row['elapsed_us'] / 1e6)}")
    before = ""
    for stage in row["stages"]:
        if stage["outcome"] != "skipped" or before != "skipped":
            output.line("")
        before = stage["outcome"]
        output.line(f"{click.style(stage['name'].ljust(INDENT), bold=True)}  {paint(stage['outcome'])}")
        _show_lines(output, [*_FOUND[stage["name"]](row), *_verdict(stage)])
    if row["log"]:
        output.line("")
        output.line(click.style("its log", bold=True))
        for line in row["log"]:
            output.line(f"{' ' * INDENT}  {cell(line)}")


def _show_lines(output: Output, lines: Lines) -> None:
    width = max((len(title) for title, _ in lines), default=0)
    for title, text in lines:
        output.line(f"{' ' * INDENT}  {title.ljust(width)}  {cell(text)}")


def _verdict(stage: Row) -> Lines:
    lines: Lines = [("why", stage["reason"])] if stage["reason"] else []
    lines += [("where" if not index else "", frame) for index, frame in enumerate(stage["backtrace"])]
    lines += [("next", stage["hint"])] if stage["hint"] else []
    return lines + [("note", note) for note in stage["notes"]]


def _static(row: Row) -> Lines:
    module = row["module"]
    if not module["module_bytes"]:
        return []
    lines = [
        ("module", f"{module['sha256'][:12]}…, {size(module['module_bytes'])}"),
        ("needs", listed(module["needs_features"], "no feature beyond MVP WebAssembly")),
    ]
    if module["exports"]:
        own = "makes and takes checkpoints" if module["checkpoints"] else "makes no checkpoints of its own"
        whole = "is" if module["image_is_whole"] else "is not"
        lines += [
            ("imports", listed(module["imports"], "nothing")),
            ("exports", listed(module["exports"], "nothing")),
            ("state", f"{own}; an image {whole} its whole state"),
            ("compiled", f"in {period(module['compile_us'] / 1e6)}"),
        ]
    return lines


def _sandbox(row: Row) -> Lines:
    start = row.get("start")
    if start is None:
        return []
    return [
        ("started", f"in {period(start['elapsed_us'] / 1e6)}{_fuel(start['fuel'])}"),
        ("memory", f"{size(start['memory_bytes'])} of {size(row['limits']['memory_bytes'])}"),
        ("registers", listed(start["capabilities"], "nothing")),
    ]


def _contracts(row: Row) -> Lines:
    return [
        (found["name"], f"{found['handled']} of {found['given']} handled, sent {_acts(found)}")
        for found in row["messages"]
    ]


def _resources(row: Row) -> Lines:
    messages = [found for found in row["messages"] if found["handled"]]
    lines = [
        (found["name"], f"{period(found['elapsed_us'] / 1e6)} a message{_fuel(found['fuel'])}")
        for found in messages
    ]
    if messages:
        most = max(found["memory_bytes"] for found in messages)
        lines.append(("memory", f"{size(most)} of {size(row['limits']['memory_bytes'])}"))
        used = max(found["fuel"] for found in messages)
        allowed = row["limits"]["fuel_per_message"]
        part = f"{used / allowed:.2%}" if used >= allowed / 10_000 else "less than 0.01%"
        lines += [("most fuel", f"{used:,} of {allowed:,}, {part}")] if used else []
    return lines


def _fuel(units: int) -> str:
    return f", {units:,} fuel" if units else ""


def _acts(found: Row) -> str:
    sent: Sequence[str] = found["sent"]
    counted = ", ".join(f"{count} {act}" if count > 1 else act for act, count in Counter(sent).items())
    more = found["sent_count"] - len(sent)
    return f"{counted} and {more:,} more" if more else counted or "nothing"


_FOUND = {"static": _static, "sandbox": _sandbox, "contracts": _contracts, "resources": _resources}
