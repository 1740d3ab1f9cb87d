"""The conversations on the page about platform agents, played at the real ones in the order of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caxton_node.kv import Keys
from caxton_node.messaging.write_pace import WritePace
from tests.support.ams_desk import Desk, open_desk

pytestmark = pytest.mark.story("026")
PAGE = Path(__file__).parents[3] / "docs" / "platform-agents.md"
AN_HOUR_S = 3_600

_BLOCK = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(later )?([A-Z][A-Z-]+) +(ams|kv)? *(\{.*\})$", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One message: who it is to, or "" if it is an answer."""

    act: str
    to: str
    content: Any
    is_late: bool


def lines() -> Iterator[Line]:
    for block in _BLOCK.findall(PAGE.read_text()):
        joined = re.sub(r"\n +", " ", block)  # a long content goes on in the next line
        for line in joined.splitlines():
            found = _LINE.match(line)
            assert found, f"this line is no message: {line}"
            late, act, to, content = found.groups()
            yield Line(act, to or "", json.loads(content), bool(late))


def form_of(content: Any) -> Any:
    """Return the names in a content, however deep; what is under them is the page's own."""
    if isinstance(content, dict):
        return {name: form_of(value) for name, value in content.items()}
    return [form_of(value) for value in content] if isinstance(content, list) else None


async def play(desk: Desk) -> int:
    """Say what the page says and compare what is answered; return how many messages there were."""
    talk, heard, played = "", 0, 0
    for number, line in enumerate(lines()):
        played += 1
        if line.to:
            talk = talk if line.act == "CANCEL" else f"page-{number}"
            heard = len(desk.boss.of(talk))
            desk.boss.send(line.to, line.content, line.act.replace("-", "_"), talk)
            continue
        if line.is_late:
            desk.pass_s(AN_HOUR_S)
        act, content = await desk.boss.hear(talk, heard)
        heard += 1
        expected = (line.act.lower(), form_of(line.content))
        assert (act, form_of(content)) == expected, f"{line}: {content}"
    return played


async def test_every_conversation_on_the_page_goes_as_it_says(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        desk.crew.grants.add(("default/boss", "default/worker"))
        keys = Keys(
            node_id="node-1", submit=desk.office.router.submit, database=desk.database,
            registry=desk.registry, clock=desk.office.clock, pace=WritePace(desk.office.clock),
        )  # fmt: skip
        desk.office.router.add_platform_agent("kv", keys.handle)
        assert await play(desk) > 40
        await keys.close()


def test_every_reason_of_a_refusal_is_on_the_page_and_no_other() -> None:
    package = PAGE.parents[1] / "caxton_node"
    sources = [*(package / "ams").glob("*.py"), *(package / "kv").glob("*.py")]
    sources.append(package / "messaging" / "platform_subscriptions.py")
    text = "".join(path.read_text() for path in sources)
    raised = set(re.findall(r'Refused\(\s*"([a-z-]+)"', text))
    table = PAGE.read_text().partition("## Reasons")[2]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == raised
