"""A walkthrough in a Markdown page: its commands, and what they print. Reading it, and comparing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ANYTHING = "..."
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One block of commands.

    Attributes:
        commands: The block, as it would be pasted.
        shown: Lines that it prints, in this order and others between them; `...` is anything.
    """

    commands: str
    shown: tuple[str, ...] = ()


@dataclass
class Section:
    """The steps of one section, in their order."""

    steps: list[Step] = field(default_factory=list)


def read_section(page: str, title: str) -> list[Step]:
    """Return the steps of the section with this title: each `sh` block, with the `text` block behind it.

    Raises:
        ValueError: There is no such section, or nothing in it to do, or output that belongs to no commands.
    """
    _, found, rest = page.partition(f"## {title}\n")
    if not found:
        raise ValueError(f"there is no section {title!r}")
    section = rest.partition("\n## ")[0]
    steps: list[Step] = []
    for language, body in _FENCE.findall(section):
        if language == "sh":
            steps.append(Step(body))
        elif language == "text" and steps and not steps[-1].shown:
            steps[-1] = Step(steps[-1].commands, tuple(body.splitlines()))
        else:
            raise ValueError(
                f"a block of {language or 'no language'} that shows no commands and not their output"
            )
    if not steps:
        raise ValueError(f"the section {title!r} has no commands")
    return steps


def missing(shown: tuple[str, ...], printed: str) -> str:
    """Return the first line that was not printed where the page shows it; empty if all were."""
    lines = iter(printed.splitlines())
    for wanted in shown:
        pattern = re.compile(r".*".join(map(re.escape, wanted.split(ANYTHING))))
        if not any(pattern.fullmatch(line.rstrip()) for line in lines):
            return wanted
    return ""
