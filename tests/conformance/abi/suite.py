"""Runs the checks over one guest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from caxton_node.runtime import StartFailed
from tests.conformance.abi.checks import CHECKS, Check
from tests.conformance.abi.subject import Failed, NotShown, Subject


class Verdict(StrEnum):
    """What came of a check."""

    OK = "ok"
    NOT_SHOWN = "not shown"
    FAILED = "FAILED"


class Finding(NamedTuple):
    """One line of the report."""

    check: Check
    verdict: Verdict
    remark: str


def run(subject: Subject) -> Iterator[Finding]:
    """Run all checks, each on instances of its own; without a module that starts the rest makes no sense."""
    for check in CHECKS:
        finding = _run_one(check, subject)
        yield finding
        if finding.verdict is Verdict.FAILED and check.name in {"module", "init"}:
            return


def draw(findings: Sequence[Finding]) -> str:
    """Return the findings as a table."""
    width = max(len(finding.check.name) for finding in findings)
    lines = [f"{finding.verdict:<9}  {finding.check.name:<{width}}  {finding.remark}" for finding in findings]
    broken = [finding for finding in findings if finding.verdict is Verdict.FAILED]
    rules = [f"  {finding.check.name}: {finding.check.rule}" for finding in broken]
    return "\n".join([*lines, "", *(["What it must do:", *rules] if rules else ["It conforms to ABI v1."])])


def _run_one(check: Check, subject: Subject) -> Finding:
    try:
        return Finding(check, Verdict.OK, check.run(subject))
    except NotShown as reason:
        return Finding(check, Verdict.NOT_SHOWN, str(reason))
    except (Failed, StartFailed) as reason:
        return Finding(check, Verdict.FAILED, str(reason))
