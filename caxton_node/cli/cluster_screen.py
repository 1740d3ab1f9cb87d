"""What `caxton cluster watch` shows on the whole screen. Pure: facts in, something that rich can draw out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from caxton_node.cli.cluster_sheet import Row, age_of, name_of, rtt_of, some, what_of
from caxton_node.cli.output import COLORS, cell
from caxton_node.cli.sheet import instant

EVENTS_SHOWN = 6
EVENTS_FROM_LINES = 20
FRAME_LINES = 7
"""Head, an empty line, the titles of the columns, the rule and three lines of foot."""
TROUBLE = {"suspect": 0, "failed": 1, "left": 2, "alive": 3}


@dataclass(slots=True)
class Sight:
    """What is known at one moment.

    Attributes:
        members: As operators call them (`shown`), by id.
        status: Of the node that is asked.
        events: The latest, oldest first.
        notice: Why this is not fresh; empty when it is.
        at_unix_ms: When it was asked for.
    """

    members: Sequence[Row] = ()
    status: Row = field(default_factory=dict)
    events: Sequence[Row] = ()
    notice: str = ""
    at_unix_ms: int = 0


@dataclass(frozen=True, slots=True)
class ScreenColumn:
    """One column of the members.

    Attributes:
        title: Its head.
        value: What to show of a member at an instant (milliseconds since 1970).
        from_width: It is shown in windows of so many characters or more.
        justify: `right` for numbers.
        ratio: Its share of the room that is left; None for what it needs.
    """

    title: str
    value: Callable[[Row, int], Text]
    from_width: int = 0
    justify: Literal["left", "right"] = "left"
    ratio: int | None = None


def _name(row: Row, _now_ms: int) -> Text:
    return Text(cell(name_of(row)), style="bold" if row["is_self"] else "")


def _state(row: Row, _now_ms: int) -> Text:
    return Text(row["state"], style=COLORS.get(row["state"], ""))


def _link(row: Row, _now_ms: int) -> Text:
    return Text(row["link"] or "-", style="" if row["link"] else "bright_black")


def _flaps(row: Row, _now_ms: int) -> Text:
    return Text(str(row["flaps"]), style="yellow" if row["flaps"] else "bright_black")


def _last(row: Row, _now_ms: int) -> Text:
    return Text(what_of(row, row["last_change"]), style="bright_black")


COLUMNS = (
    ScreenColumn("NODE", _name),
    ScreenColumn("STATE", _state),
    ScreenColumn("SINCE", lambda row, now_ms: Text(age_of(row, now_ms)), 40, "right"),
    ScreenColumn("ADDRESS", lambda row, _now_ms: Text(cell(row["address"])), 60),
    ScreenColumn("LINK", _link, 80),
    ScreenColumn("RTT MS", lambda row, _now_ms: Text(rtt_of(row)), 80, "right"),
    ScreenColumn("FLAPS", _flaps, 90, "right"),
    ScreenColumn("LAST EVENT", _last, 100, ratio=1),
)


def draw(sight: Sight, *, width: int, height: int) -> RenderableType:
    """Draw everything into a window; members that do not fit are counted, such columns are left out."""
    events = list(sight.events[-EVENTS_SHOWN:]) if height >= EVENTS_FROM_LINES else []
    fixed = FRAME_LINES + (len(events) + 2 if events else 0)
    room = max(1, height - fixed)
    parts: list[RenderableType] = [_head(sight), Text(""), _members(sight, room, width)]
    if events:
        parts += [Text(""), Text("latest", style="bold"), *(_event(event) for event in events)]
    parts += [Text("")] * max(0, room - len(sight.members))  # the foot stays at the foot
    return Group(*parts, Rule(style="bright_black"), *_foot(sight))


def _head(sight: Sight) -> Text:
    status = sight.status
    clock = datetime.fromtimestamp(sight.at_unix_ms / 1000).astimezone()
    return Text.assemble(
        (cell(status.get("cluster", "")), "bold"),
        f"  seen from {cell(status.get('node_id', '?'))}  ",
        (f"{clock:%H:%M:%S}", "bright_black"),
        no_wrap=True,
    )


def _members(sight: Sight, room: int, width: int) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", expand=True)
    columns = [each for each in COLUMNS if each.from_width <= width]
    for each in columns:
        table.add_column(
            each.title, justify=each.justify, no_wrap=True, overflow="ellipsis", ratio=each.ratio
        )
    rows, hidden = _fitting(sight.members, room)
    for row in rows:
        table.add_row(*(each.value(row, sight.at_unix_ms) for each in columns))
    if not hidden:
        return table
    counts = Counter(row["state"] for row in hidden)
    more = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    return Group(table, Text(f"and {more}", style="bright_black", no_wrap=True, overflow="ellipsis"))


def _fitting(members: Sequence[Row], room: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """Return the rows that fit and those that do not: all by id, or trouble first where they are too many."""
    if len(members) <= room:
        return members, ()
    ordered = sorted(members, key=lambda row: (TROUBLE.get(row["state"], 9), row["node_id"]))
    return ordered[: room - 1], ordered[room - 1 :]


def _event(event: Row) -> Text:
    rest = cell(event["detail"]) or cell(event["address"])
    return Text.assemble(
        (instant(event["at_unix_ms"] * 1000), "bright_black"),
        f"  {cell(event['member'])}  ",
        (what_of(event, event["what"]), "yellow" if event["what"] in {"suspected", "died"} else ""),
        (f"  {rest}", "bright_black"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _foot(sight: Sight) -> list[Text]:
    status = sight.status
    if not status:
        return [Text(sight.notice or "asking ...", style="red" if sight.notice else "")]
    view = status["partition_view"]
    counts = Counter(row["state"] for row in sight.members)
    tally = "  ".join(f"{counts[state]:,} {state}" for state in ("alive", "suspect", "failed", "left"))
    dropped = [f"{count:,} {reason}" for reason, count in status["gossip_dropped"].items()]
    side = Text.assemble(
        (f"{view:<10}", f"bold {COLORS.get(view, '')}"),
        f"sees {status['agreed_seen']:,} of {status['agreed']:,} that count   {tally}",
        no_wrap=True,
        overflow="ellipsis",
    )
    gossip = Text.assemble(
        ("gossip    ", "bold"),
        f"{status['gossip_in_per_s']:,.0f} B/s in, {status['gossip_out_per_s']:,.0f} out   "
        f"{status['gossip_loss']:.1%} lost   {status['suspicions_per_min']:.3g} suspicions/min   "
        f"dropped: {some(dropped) or 'none'}",
        no_wrap=True,
        overflow="ellipsis",
    )
    said, style = (cell(sight.notice), "red") if sight.notice else ("q ends", "bright_black")
    last = Text(said, style=style, no_wrap=True, overflow="ellipsis")
    return [side, gossip, last]
