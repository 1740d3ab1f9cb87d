"""All hostile modules, and the table of them for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.integration.runtime.hostile.blocks import BLOCKS
from tests.integration.runtime.hostile.cases import Hostile
from tests.integration.runtime.hostile.checkpoints import CHECKPOINTS
from tests.integration.runtime.hostile.features import FEATURES
from tests.integration.runtime.hostile.floods import FLOODS
from tests.integration.runtime.hostile.imports import IMPORTS
from tests.integration.runtime.hostile.impostors import IMPOSTORS
from tests.integration.runtime.hostile.logs import LOGS
from tests.integration.runtime.hostile.loops import LOOPS
from tests.integration.runtime.hostile.memory import ARITHMETIC, MEMORY_CASES, TABLE_CASES
from tests.integration.runtime.hostile.outboxes import OUTBOXES
from tests.integration.runtime.hostile.permissions import PERMISSIONS
from tests.integration.runtime.hostile.pointers import POINTERS
from tests.integration.runtime.hostile.recursion import RECURSION
from tests.integration.runtime.hostile.sizes import BROKEN, SIZES
from tests.integration.runtime.hostile.starts import STARTS

CHAPTERS: dict[str, list[Hostile]] = {
    "Endless loops": LOOPS,
    "Recursion": RECURSION,
    "Memory": MEMORY_CASES,
    "Tables": TABLE_CASES,
    "Arithmetic and panics": ARITHMETIC,
    "Sizes": SIZES,
    "Broken modules": BROKEN,
    "Control blocks": BLOCKS,
    "Outboxes": OUTBOXES,
    "Impostors": IMPOSTORS,
    "Floods": FLOODS,
    "Imports": IMPORTS,
    "Starts": STARTS,
    "Checkpoints": CHECKPOINTS,
    "Logs": LOGS,
    "Pointers in host calls": POINTERS,
    "Features": FEATURES,
    "Permissions": PERMISSIONS,
}
ALL = [hostile for chapter in CHAPTERS.values() for hostile in chapter]
README = Path(__file__).with_name("README.md")
TABLE_MARK = "<!-- the table -->\n"


def table() -> str:
    """Return the table of README.md."""
    return "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    for title, chapter in CHAPTERS.items():
        yield from (f"\n## {title}\n", "| module | tries | ends |", "|---|---|---|")
        for hostile in chapter:
            end = hostile.ends
            yield f"| `{hostile.name}` | {hostile.tries} | {end.how}: `{end.error}` |".replace("\0", "\\0")
