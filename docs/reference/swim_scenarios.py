"""The page of membership scenarios: which test shows each of them, or why it does not apply.

python -m docs.reference.swim_scenarios      writes this page alone
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.conformance.swim.scenarios import DIFFERENT, GROUPS, NOT_APPLICABLE, SCENARIOS
from tests.conformance.swim.showing import Showing, showings

PAGE = Path(__file__).resolve().with_name("swim-scenarios.md")
_NOTE = (
    "*Written by `make reference` from `tests/conformance/swim/scenarios.py` and the markers of the tests; "
    "do not edit.*"
)
_ABOUT = (
    "What the test suites of memberlist, serf, foca and other implementations of SWIM demand, and which test "
    "shows that this one does it. Where it does something else on purpose, the row says what and why."
)


def scenarios() -> str:
    """Return the page."""
    shown: dict[int, list[Showing]] = {number: [] for number in SCENARIOS}
    for showing in showings():
        shown[showing.number].append(showing)
    parts = ["# Scenarios of membership", _NOTE, _ABOUT, _summary(shown)]
    for title, numbers in GROUPS.items():
        parts += [f"## {title}", "\n".join(_table(numbers, shown))]
    return "\n\n".join(parts) + "\n"


def _summary(shown: dict[int, list[Showing]]) -> str:
    count = sum(bool(tests) for tests in shown.values())
    return (
        f"{count} of {len(SCENARIOS)} are shown by tests, {len(NOT_APPLICABLE)} do not apply. "
        "`.venv/bin/python -m pytest tests/conformance/swim` runs most of them."
    )


def _table(numbers: range, shown: dict[int, list[Showing]]) -> Iterator[str]:
    yield "| number | what | shown by |"
    yield "| --- | --- | --- |"
    for number in numbers:
        what = SCENARIOS[number] + (f". *Here: {DIFFERENT[number]}*" if number in DIFFERENT else "")
        tests = "<br>".join(f"`{each.path}::{each.test}`" for each in shown[number])
        yield f"| {number} | {what} | {tests or _reason(number)} |"


def _reason(number: int) -> str:
    return f"does not apply: {NOT_APPLICABLE[number]}" if number in NOT_APPLICABLE else "not shown yet"


if __name__ == "__main__":
    PAGE.write_text(scenarios())
