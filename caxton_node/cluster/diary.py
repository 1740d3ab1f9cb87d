"""What happened to the cluster as this node saw it: members, views, splits; written down and bounded.

Events come in bursts (a rack dies), so they are written in groups, a moment later. A power cut may cost the
last moment of history.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from caxton_node.cluster.changes import Change, MemberChanged, MembersGivenUp
from caxton_node.cluster.partitions import PartitionChanged, PartitionView
from caxton_node.cluster.reunion import PartitionHealed, PartitionReport
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.core.events import EventBus
from caxton_node.observability.logs import get_logger
from caxton_node.storage import Database, Statement

EVENTS_KEPT = 10_000
REPORTS_KEPT = 50
PAGE_MAX = 1000
WAITING_MAX = 10_000
WRITE_AFTER_S = 0.2

_PUT = """
INSERT INTO membership_events (at_unix_ms, what, node_id, epoch, incarnation, address, accusers, detail)
VALUES (:at_unix_ms, :what, :node, :epoch, :incarnation, :address, :accusers, :detail)
"""
_TRIM = f"""
DELETE FROM membership_events WHERE id <= (SELECT MAX(id) FROM membership_events) - {EVENTS_KEPT}
"""  # noqa: S608  a constant
_READ = """
SELECT id, at_unix_ms, what, node_id, epoch, incarnation, address, accusers, detail FROM membership_events
WHERE id > :after AND at_unix_ms >= :since AND (:node = '' OR node_id = :node) ORDER BY id DESC LIMIT :limit
"""
_PUT_REPORT = "INSERT INTO partition_reports (ended_unix_ms, report) VALUES (?, ?)"
_TRIM_REPORTS = f"""
DELETE FROM partition_reports WHERE id <= (SELECT MAX(id) FROM partition_reports) - {REPORTS_KEPT}
"""  # noqa: S608  a constant
_READ_REPORTS = "SELECT report FROM partition_reports ORDER BY id DESC LIMIT ?"

_log = get_logger("cluster")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    Attributes:
        at_unix_ms: When it was seen here.
        what: joined, suspected, refuted, died, left, given-up; `view` and `healed` are about this node's own
            view.
        node: Whom it happened to.
        epoch: In which of its lives.
        incarnation: How often it had refuted in that life.
        address: host:port; empty for `given-up`, `view` and `healed`.
        accusers: Who could not reach it, for `suspected` and `died`.
        detail: For people.
        id: Its number on this node, 0 before it is written.
    """

    at_unix_ms: int
    what: str
    node: str
    epoch: int = 0
    incarnation: int = 0
    address: str = ""
    accusers: tuple[str, ...] = ()
    detail: str = ""
    id: int = 0


class Diary:
    """Writes down what the bus says of the cluster.

    Args:
        database: Where it is kept.
        bus: Where it comes from.
        clock: When it was.
        node_id: This node, which views are about.
    """

    def __init__(self, database: Database, bus: EventBus, clock: Clock, node_id: str) -> None:
        self._database = database
        self._clock = clock
        self._node_id = node_id
        self._waiting: deque[Statement] = deque(maxlen=WAITING_MAX)
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        bus.subscribe(MemberChanged, self._note_member)
        bus.subscribe(MembersGivenUp, self._note_given_up)
        bus.subscribe(PartitionChanged, self._note_view)
        bus.subscribe(PartitionHealed, self._note_healed)

    async def read(
        self, *, after: int = 0, since_unix_ms: int = 0, node: str = "", limit: int = PAGE_MAX
    ) -> list[Entry]:
        """Return the latest events, oldest first.

        Args:
            after: Only those with a higher number.
            since_unix_ms: Only those not older than this.
            node: Only those of this member; empty means all.
            limit: At most so many, the latest.
        """
        await self.flush()
        asked = {"after": after, "since": since_unix_ms, "node": node, "limit": min(limit, PAGE_MAX)}
        rows = await self._database.read(_READ, asked)
        return [_entry(row) for row in reversed(rows)]

    async def reports(self, limit: int = REPORTS_KEPT) -> list[PartitionReport]:
        """Return the splits that have healed, the latest first."""
        await self.flush()
        rows = await self._database.read(_READ_REPORTS, (limit,))
        return [_report(json.loads(text)) for (text,) in rows]

    async def flush(self) -> None:
        """Write what waits; returns when everything noted before is written."""
        async with self._writing:
            if self._waiting:
                group = list(self._waiting)
                self._waiting.clear()
                await self._write([*group, (_TRIM, ()), (_TRIM_REPORTS, ())])

    async def close(self) -> None:
        """Write what waits, for the end of the node."""
        await self.flush()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    def _note_member(self, changed: MemberChanged) -> None:
        if changed.change is Change.UPDATED:
            return
        member = changed.member
        self._note(
            Entry(
                self._now_ms(), changed.change.value, member.node_id, member.epoch, member.incarnation,
                "{}:{}".format(*member.address), changed.accusers,
            )
        )  # fmt: skip

    def _note_given_up(self, given_up: MembersGivenUp) -> None:
        for node in given_up.nodes:
            self._note(Entry(self._now_ms(), "given-up", node, detail=f"by {given_up.by}"))

    def _note_view(self, changed: PartitionChanged) -> None:
        seen = len(changed.agreed) - len(changed.lost)
        detail = f"{changed.view}, was {changed.before}: sees {seen} of {len(changed.agreed)} that count"
        self._note(Entry(self._now_ms(), "view", self._node_id, detail=detail))

    def _note_healed(self, healed: PartitionHealed) -> None:
        report = healed.report
        detail = f"apart for {report.lasted_s:.0f} s from {', '.join(report.there[:8])}"
        self._waiting.append((_PUT_REPORT, (report.ended_unix_ms, json.dumps(asdict(report)))))
        self._note(Entry(self._now_ms(), "healed", self._node_id, detail=detail))

    def _note(self, entry: Entry) -> None:
        row = {
            "at_unix_ms": entry.at_unix_ms, "what": entry.what, "node": entry.node, "epoch": entry.epoch,
            "incarnation": entry.incarnation, "address": entry.address,
            "accusers": json.dumps(entry.accusers), "detail": entry.detail,
        }  # fmt: skip
        self._waiting.append((_PUT, row))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon(), name="cluster-diary")

    def _now_ms(self) -> int:
        return self._clock.unix_us() // 1000

    async def _write(self, group: list[Statement]) -> None:
        try:
            await self._database.write_many(group)
        except CaxtonError as err:  # a full disk must not stop membership; health shows it
            _log.warning("membership events were not written down", count=len(group), reason=str(err))

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_AFTER_S)
        await self.flush()


def _entry(row: tuple[Any, ...]) -> Entry:
    number, at, what, node, epoch, incarnation, address, accusers, detail = row
    return Entry(at, what, node, epoch, incarnation, address, tuple(json.loads(accusers)), detail, number)


def _report(fields: dict[str, Any]) -> PartitionReport:
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    whole: dict[str, Any] = {**fields, **lists, "view": PartitionView(fields["view"])}
    return PartitionReport(**whole)
